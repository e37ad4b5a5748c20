/**
 * What a client does with queues: it takes messages out of them, shows them, has them pushed, and settles them.
 */
import { MAX_POP_WAIT } from "../../protocol/limits.js";
import { Op, WITH_FAILURES } from "../../protocol/op.js";
import type { BrowseOptions, ConsumeOptions, PopDeadOptions, PopOptions } from "../arguments/options.js";
import { RequestChecks } from "../arguments/request-checks.js";
import { unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import { ask, look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { Consumer } from "./consumer.js";
import { IdSettler } from "./id-settler.js";
import type { Message } from "./message.js";
import { BrowseRequest, PopRequest } from "./pop-request.js";
import { Progress } from "./progress.js";
import { Settlers } from "./settlers.js";
import type { StoredMessage } from "./stored-message.js";

export class Queues extends IdSettler {
  readonly #progress: Progress;
  readonly #consumers = new Set<Consumer>();
  readonly #assertTaking: () => void;

  /** `assertTaking` throws when nothing that brings messages may be begun any more. */
  constructor(connection: Connection, assertTaking: () => void) {
    super(connection, new RequestChecks(connection.info.limits.maxNameBytes), new Settlers(connection));
    this.#progress = new Progress(connection);
    this.#assertTaking = assertTaking;
    connection.batchers.push(this.#progress, this.settlers);
  }

  async pop(topic: string, options: PopOptions): Promise<Message[]> {
    const { queue, max, wait, maxBytes } = this.checks.pop(topic, options);
    for (let left = wait ?? 0; ; left -= MAX_POP_WAIT) {
      // A broker waits for at most a day at a time, so a longer wait takes several requests.
      const step = left > 0 ? Math.min(left, MAX_POP_WAIT) : wait;
      const messages = await this.#take(Op.POP, topic, queue, [max, step, maxBytes]);
      if (messages.length > 0 || left <= MAX_POP_WAIT) return messages;
    }
  }

  async popDead(topic: string, options: PopDeadOptions): Promise<Message[]> {
    const { queue, max, maxBytes } = this.checks.popDead(topic, options);
    return this.#take(Op.POP_DEAD, topic, queue, [max, maxBytes], WITH_FAILURES);
  }

  async browse(topic: string, options: BrowseOptions): Promise<StoredMessage[]> {
    const { queue, state, offset, max, maxBytes } = this.checks.browse(topic, options);
    return look(
      this.connection,
      Op.BROWSE,
      [topic, queue, state, offset, max, maxBytes],
      new BrowseRequest(),
      WITH_FAILURES,
    );
  }

  async consume(topic: string, options: ConsumeOptions): Promise<Consumer> {
    const { queue, prefetch = "auto" } = this.checks.consume(topic, options);
    this.#assertTaking();
    const settler = this.settlers.of(topic, queue);
    const consumer = await Consumer.start(this.connection, topic, queue, prefetch, settler, this.#progress);
    this.#consumers.add(consumer);
    unobserved(consumer.finished.then(() => this.#consumers.delete(consumer)));
    return consumer;
  }

  /** Resolves when all consumers are drained, or have failed to be. */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.#consumers].map((consumer) => consumer.drainWithClient()));
  }

  /** The connection is about to be closed: what nobody has read goes back now. */
  shutDown(reason: RingmqError): void {
    for (const consumer of this.#consumers) consumer.shutDown(reason);
  }

  /** The broker is about to stop: what nobody has read goes back, and consumers go on at the next one. */
  moveOn(): void {
    for (const consumer of this.#consumers) consumer.moveOn();
  }

  async #take(
    op: number,
    topic: string,
    queue: string | undefined,
    args: readonly unknown[],
    flags = 0,
  ): Promise<Message[]> {
    this.#assertTaking();
    const pending = new PopRequest(this.settlers.of(topic, queue));
    return ask(this.connection, op, [topic, queue, ...args], pending, flags);
  }
}
