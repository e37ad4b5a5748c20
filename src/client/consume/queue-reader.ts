/**
 * Takes messages out of queues, and shows them.
 */
import { MAX_POP_WAIT } from "../../protocol/limits.js";
import { Op, WITH_FAILURES } from "../../protocol/op.js";
import type { BrowseOptions, PopDeadOptions, PopOptions } from "../arguments/options.js";
import type { RequestChecks } from "../arguments/request-checks.js";
import { ask, look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import type { Message } from "./message.js";
import { BrowseRequest, PopRequest } from "./pop-request.js";
import type { Settlers } from "./settlers.js";
import type { StoredMessage } from "./stored-message.js";

export class QueueReader {
  readonly #connection: Connection;
  readonly #checks: RequestChecks;
  readonly #settlers: Settlers;
  readonly #assertNotDraining: () => void;

  constructor(connection: Connection, checks: RequestChecks, settlers: Settlers, assertNotDraining: () => void) {
    this.#connection = connection;
    this.#checks = checks;
    this.#settlers = settlers;
    this.#assertNotDraining = assertNotDraining;
  }

  async pop(topic: string, options: PopOptions): Promise<Message[]> {
    const { queue, max, wait, maxBytes } = this.#checks.pop(topic, options);
    for (let left = wait ?? 0; ; left -= MAX_POP_WAIT) {
      // A broker waits for at most a day at a time, so a longer wait takes several requests.
      const step = left > 0 ? Math.min(left, MAX_POP_WAIT) : wait;
      const messages = await this.#take(Op.POP, topic, queue, [max, step, maxBytes]);
      if (messages.length > 0 || left <= MAX_POP_WAIT) return messages;
    }
  }

  async popDead(topic: string, options: PopDeadOptions): Promise<Message[]> {
    const { queue, max, maxBytes } = this.#checks.popDead(topic, options);
    return this.#take(Op.POP_DEAD, topic, queue, [max, maxBytes], WITH_FAILURES);
  }

  async browse(topic: string, options: BrowseOptions): Promise<StoredMessage[]> {
    const { queue, state, offset, max, maxBytes } = this.#checks.browse(topic, options);
    return look(
      this.#connection,
      Op.BROWSE,
      [topic, queue, state, offset, max, maxBytes],
      new BrowseRequest(),
      WITH_FAILURES,
    );
  }

  async #take(
    op: number,
    topic: string,
    queue: string | undefined,
    args: readonly unknown[],
    flags = 0,
  ): Promise<Message[]> {
    this.#assertNotDraining();
    const pending = new PopRequest(this.#settlers.of(topic, queue));
    return ask(this.#connection, op, [topic, queue, ...args], pending, flags);
  }
}
