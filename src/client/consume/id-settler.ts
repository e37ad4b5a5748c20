/**
 * Settles messages of which only the ids are known.
 */
import { Op } from "../../protocol/op.js";
import { badArgument, checkDuration, readList } from "../arguments/argument-checks.js";
import { OPTIONS } from "../arguments/option-reader.js";
import type {
  AnyQueueOptions,
  NackOptions,
  PurgeOptions,
  QueueOptions,
  RedriveOptions,
  TouchOptions,
} from "../arguments/options.js";
import type { RequestChecks } from "../arguments/request-checks.js";
import { ask } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest } from "../connection/pending-request.js";
import { selectIds } from "./selection-list.js";
import { nackArguments } from "./settle-batch.js";
import { SettleRequest } from "./settle-request.js";
import type { Settlement } from "./settle-result.js";
import type { Settlers } from "./settlers.js";

/** One id or several, in decimal. */
export type Ids = string | readonly string[];

const isText = (value: unknown): boolean => typeof value === "string";

export class IdSettler {
  readonly #connection: Connection;
  readonly #checks: RequestChecks;
  readonly #settlers: Settlers;

  constructor(connection: Connection, checks: RequestChecks, settlers: Settlers) {
    this.#connection = connection;
    this.#checks = checks;
    this.#settlers = settlers;
  }

  async ack(topic: string, ids: Ids, options: QueueOptions): Promise<Settlement> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    return this.#settle(Op.ACK, topic, queue, ids, []);
  }

  async nack(topic: string, ids: Ids, options: QueueOptions & NackOptions): Promise<Settlement> {
    const { queue, delay, retry, reason } = this.#checks.nackById(topic, options);
    return this.#settle(Op.NACK, topic, queue, ids, nackArguments({ delay, retry, reason }));
  }

  async touch(topic: string, ids: Ids, options: QueueOptions & TouchOptions): Promise<Settlement> {
    const { queue, ttr } = this.#checks.touchById(topic, options);
    return this.#settle(Op.TOUCH, topic, queue, ids, [ttr]);
  }

  async cancel(topic: string, ids: Ids, options: AnyQueueOptions): Promise<Settlement> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    return this.#settle(Op.CANCEL, topic, queue, ids, []);
  }

  async reschedule(topic: string, ids: Ids, delay: number, options: AnyQueueOptions): Promise<Settlement> {
    const { queue } = this.#checks.topic(topic, options, OPTIONS.queue);
    if (delay === undefined) throw badArgument("delay", delay, "a number of milliseconds");
    checkDuration("delay", delay);
    return this.#settle(Op.RESCHEDULE, topic, queue, ids, [delay]);
  }

  async redrive(topic: string, options: RedriveOptions): Promise<Settlement> {
    const { queue, ids } = this.#checks.topic(topic, options, OPTIONS.redrive);
    if (ids !== undefined) return this.#settle(Op.REDRIVE, topic, queue, ids, []);
    return ask(this.#connection, Op.REDRIVE, [topic, queue], new SettleRequest(0));
  }

  /** How many it has dropped. */
  async purge(topic: string, options: PurgeOptions): Promise<number> {
    const { queue, state, ids } = this.#checks.purge(topic, options);
    if (ids === undefined) return ask(this.#connection, Op.PURGE, [topic, queue, state], new CountRequest());
    if (state !== "dead") throw badArgument("state", state, "dead, where ids are named");
    return (await this.#settle(Op.PURGE, topic, queue, ids, [state])).settled;
  }

  async #settle(
    op: number,
    topic: string,
    queue: string | undefined,
    ids: Ids,
    args: readonly unknown[],
  ): Promise<Settlement> {
    const list =
      typeof ids === "string"
        ? [ids]
        : readList("ids", ids, "the id of a message as text, or an array of such", isText);
    return this.#settlers.of(topic, queue).settleAll(op, args, selectIds(list), list.length);
  }
}
