/**
 * A consumer of a typed topic.
 */
import type { AsyncFeed } from "../base/async-feed.js";
import type { RingmqError } from "../base/error.js";
import type { Message } from "../consume/message.js";
import type { TopicMessage } from "./topic-message.js";

/** What it reads messages from: a consumer of one broker, or of several nodes. */
export interface MessageReader extends AsyncFeed<Message> {
  readonly closed: Promise<RingmqError | undefined>;
  next(): Promise<IteratorResult<Message, undefined>>;
  return(): Promise<IteratorResult<Message, undefined>>;
  stop(): Promise<void>;
  drain(): Promise<void>;
}

/** Gives messages their values. */
interface ValueReader<T> {
  read(message: Message): TopicMessage<T> | undefined | Promise<TopicMessage<T> | undefined>;
}

/** Messages of a topic with their values, as they come. Iterate it once; leaving the loop stops it, as of any consumer. */
export class TopicConsumer<T> implements AsyncFeed<TopicMessage<T>> {
  readonly #topic: ValueReader<T>;
  readonly #reader: MessageReader;

  /** @internal */
  constructor(topic: ValueReader<T>, reader: MessageReader) {
    this.#topic = topic;
    this.#reader = reader;
  }

  /** Resolves when no more messages will come: with why, or with undefined when it was stopped or its client closed. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#reader.closed;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message that is valid. */
  async next(): Promise<IteratorResult<TopicMessage<T>, undefined>> {
    for (;;) {
      const result = await this.#reader.next();
      if (result.done === true) return result;
      const value = await this.#topic.read(result.value);
      if (value !== undefined) return { done: false, value };
    }
  }

  /** As `stop`. `for await` calls it when the loop is left. */
  async return(): Promise<IteratorResult<TopicMessage<T>, undefined>> {
    await this.#reader.return();
    return { done: true, value: undefined };
  }

  /** Ends it: what was not read is given back, and the iteration ends. */
  stop(): Promise<void> {
    return this.#reader.stop();
  }

  /** Stops it and waits until the program has read what came; what nobody reads is given back. */
  drain(): Promise<void> {
    return this.#reader.drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
