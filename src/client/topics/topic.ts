/**
 * A topic whose messages are values of a type, written by a codec and checked by a schema at either end.
 */
import { badArgument, reasonOf } from "../arguments/argument-checks.js";
import { callLater } from "../arguments/call-later.js";
import { readOptions } from "../arguments/option-reader.js";
import type { Body, ConsumeOptions, PopOptions, PublishBatchOptions, PublishOptions } from "../arguments/options.js";
import { unobserved } from "../base/deferred.js";
import { localError, RingmqError } from "../base/error.js";
import type { Message } from "../consume/message.js";
import type { BatchReceipt, Receipt } from "../publish/receipt.js";
import type { QueueWorker } from "../work/queue-worker.js";
import type { WorkContext } from "../work/work-context.js";
import type { WorkHandler, WorkOptions } from "../work/work-options.js";
import { type Codec, codecs } from "./codec.js";
import { type StandardSchema, validated } from "./standard-schema.js";
import { type MessageReader, TopicConsumer } from "./topic-consumer.js";
import type { TopicMessage } from "./topic-message.js";

export interface TopicOptions<In, Out = In> {
  /** How values are written. Default `codecs.json`. */
  readonly codec?: Codec<In> | undefined;
  /**
   * What values must be: a schema of zod, valibot, arktype or whichever library follows Standard Schema. A value that it
   * refuses is not published (INVALID_MESSAGE), and not handed over: see `onInvalid`. What is published is the value as the
   * program gave it, not what the schema makes of it: that is what consumers get. Default: none.
   */
  readonly schema?: StandardSchema<In, Out> | undefined;
  /**
   * Called with a message that is not handed over, because the codec cannot read it or the schema refuses it, and with why.
   * By then it has been rejected: it is a dead letter. What this throws is printed with `console.error`. Default: none.
   */
  readonly onInvalid?: ((message: Message, error: RingmqError) => void) | undefined;
}

/** What a topic needs of a client, of one broker or of several nodes. */
export interface TopicClient {
  publish(topic: string, body: Body, options?: PublishOptions): Promise<Receipt>;
  publishBatch(topic: string, bodies: readonly Body[], options?: PublishBatchOptions): Promise<BatchReceipt>;
  pop(topic: string, options?: PopOptions): Promise<Message[]>;
  consume(topic: string, options?: ConsumeOptions): Promise<MessageReader>;
  work(topic: string, handler: WorkHandler, options?: WorkOptions): Promise<QueueWorker>;
}

const NAMES = ["codec", "schema", "onInvalid"];

/** A topic of `client`, made by `client.topic()`. Its methods do as those of the client, with values in place of bodies. */
export class Topic<In, Out = In> {
  readonly name: string;
  readonly #client: TopicClient;
  readonly #codec: Codec<In>;
  readonly #schema: StandardSchema<In, Out> | undefined;
  readonly #onInvalid: ((message: Message, error: RingmqError) => void) | undefined;

  /** @internal */
  constructor(client: TopicClient, name: string, options: TopicOptions<In, Out> = {}) {
    const { codec = codecs.json, schema, onInvalid } = readOptions(options, NAMES);
    this.name = name;
    this.#client = client;
    this.#codec = codec;
    this.#schema = schema;
    this.#onInvalid = onInvalid;
  }

  /** Publishes a value. Rejects with INVALID_MESSAGE when the schema or the codec refuses it; otherwise as the client's. */
  async publish(value: In, options?: PublishOptions): Promise<Receipt> {
    await this.#check("the value", value);
    return this.#client.publish(this.name, this.#encode("the value", value), options);
  }

  /** Publishes values. When one of them is refused, none is published. */
  async publishBatch(values: readonly In[], options?: PublishBatchOptions): Promise<BatchReceipt> {
    const bodies: Body[] = [];
    for (const [index, value] of values.entries()) {
      await this.#check(`values[${index}]`, value);
      bodies.push(this.#encode(`values[${index}]`, value));
    }
    return this.#client.publishBatch(this.name, bodies, options);
  }

  /** Takes messages out of a queue. Those that are not valid are not among them. */
  async pop(options?: PopOptions): Promise<TopicMessage<Out>[]> {
    const messages: TopicMessage<Out>[] = [];
    for (const message of await this.#client.pop(this.name, options)) {
      const read = await this.read(message);
      if (read !== undefined) messages.push(read);
    }
    return messages;
  }

  /** Has the messages of a queue pushed. Those that are not valid are passed over. */
  async consume(options?: ConsumeOptions): Promise<TopicConsumer<Out>> {
    return new TopicConsumer(this, await this.#client.consume(this.name, options));
  }

  /** Runs a handler for each message of a queue, as that of the client does. It does not get those that are not valid. */
  async work(
    handler: (message: TopicMessage<Out>, context: WorkContext) => unknown,
    options?: WorkOptions,
  ): Promise<QueueWorker> {
    if (typeof handler !== "function") throw badArgument("handler", handler, "a function");
    const run = (message: TopicMessage<Out> | undefined, context: WorkContext): unknown =>
      message === undefined ? undefined : handler(message, context);
    return this.#client.work(
      this.name,
      (message, context) => {
        const read = this.read(message);
        return read instanceof Promise ? read.then((valid) => run(valid, context)) : run(read, context);
      },
      options,
    );
  }

  /**
   * The message with its value; undefined when it is not valid: then it is rejected.
   *
   * @internal
   */
  read(message: Message): TopicMessage<Out> | undefined | Promise<TopicMessage<Out> | undefined> {
    try {
      const value = this.#decode(message);
      const made = this.#schema === undefined ? value : validated(`message ${message.id}`, this.#schema, value);
      if (!(made instanceof Promise)) return withValue(message, made as Out);
      return made.then(
        (settled) => withValue(message, settled),
        (error: unknown) => this.#refused(message, error),
      );
    } catch (error) {
      return this.#refused(message, error);
    }
  }

  async #check(what: string, value: unknown): Promise<void> {
    if (this.#schema === undefined) return;
    const checked = validated(what, this.#schema, value);
    if (checked instanceof Promise) await checked;
  }

  #encode(what: string, value: In): Body {
    try {
      return this.#codec.encode(value);
    } catch (error) {
      throw localError("INVALID_MESSAGE", `${what} cannot be written: ${reasonOf(error)}`, error);
    }
  }

  #decode(message: Message): unknown {
    try {
      return this.#codec.decode(message.body);
    } catch (error) {
      throw localError("INVALID_MESSAGE", `message ${message.id} cannot be read: ${reasonOf(error)}`, error);
    }
  }

  #refused(message: Message, thrown: unknown): undefined {
    if (!(thrown instanceof RingmqError)) throw thrown;
    unobserved(message.nack({ retry: false, reason: { name: thrown.code, message: thrown.message } }));
    const onInvalid = this.#onInvalid;
    if (onInvalid !== undefined) callLater(`onInvalid of the topic ${this.name}`, () => onInvalid(message, thrown));
    return undefined;
  }
}

const withValue = <T>(message: Message, value: T): TopicMessage<T> => Object.assign(message, { value });
