/**
 * Settles messages of which only the ids, or the keys, are known.
 */
import { Op } from "../../protocol/op.js";
import { badArgument, checkDuration, readList } from "../arguments/argument-checks.js";
import type {
  AnyQueueOptions,
  NackOptions,
  PurgeOptions,
  QueueOptions,
  RedriveOptions,
  TouchOptions,
} from "../arguments/options.js";
import type { RequestChecks } from "../arguments/request-checks.js";
import { REQUEST_OPTIONS } from "../arguments/request-options.js";
import { ask } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest } from "../connection/pending-request.js";
import type { FoundMessage } from "./found-message.js";
import { areKeys, KeySettler, type Keys } from "./key-settler.js";
import { selectIds } from "./selection-list.js";
import { nackArguments } from "./settle-batch.js";
import { SettleRequest } from "./settle-request.js";
import type { Settlement } from "./settle-result.js";
import type { Settlers } from "./settlers.js";

/** One id or several, in decimal. */
export type Ids = string | readonly string[];

const isText = (value: unknown): boolean => typeof value === "string";

export class IdSettler {
  readonly #keySettler: KeySettler;

  constructor(
    protected readonly connection: Connection,
    protected readonly checks: RequestChecks,
    protected readonly settlers: Settlers,
  ) {
    this.#keySettler = new KeySettler(connection);
  }

  async ack(topic: string, ids: Ids, options: QueueOptions): Promise<Settlement> {
    const { queue } = this.checks.topic(topic, options, REQUEST_OPTIONS.queue);
    return this.#settle(Op.ACK, topic, queue, ids, []);
  }

  async nack(topic: string, ids: Ids, options: QueueOptions & NackOptions): Promise<Settlement> {
    const { queue, delay, retry, reason } = this.checks.nackById(topic, options);
    return this.#settle(Op.NACK, topic, queue, ids, nackArguments({ delay, retry, reason }));
  }

  async touch(topic: string, ids: Ids, options: QueueOptions & TouchOptions): Promise<Settlement> {
    const { queue, ttr } = this.checks.touchById(topic, options);
    return this.#settle(Op.TOUCH, topic, queue, ids, [ttr]);
  }

  async cancel(topic: string, named: Ids | Keys, options: AnyQueueOptions): Promise<Settlement> {
    const { queue } = this.checks.topic(topic, options, REQUEST_OPTIONS.queue);
    return this.#settleNamed(Op.CANCEL, topic, queue, named, []);
  }

  async reschedule(topic: string, named: Ids | Keys, delay: number, options: AnyQueueOptions): Promise<Settlement> {
    const { queue } = this.checks.topic(topic, options, REQUEST_OPTIONS.queue);
    if (delay === undefined) throw badArgument("delay", delay, "a number of milliseconds");
    checkDuration("delay", delay);
    return this.#settleNamed(Op.RESCHEDULE, topic, queue, named, [delay]);
  }

  async redrive(topic: string, options: RedriveOptions): Promise<Settlement> {
    const { queue, ids } = this.checks.topic(topic, options, REQUEST_OPTIONS.redrive);
    if (ids !== undefined) return this.#settle(Op.REDRIVE, topic, queue, ids, []);
    return ask(this.connection, Op.REDRIVE, [topic, queue], new SettleRequest(0));
  }

  async lookup(topic: string, named: string | { readonly key: string }): Promise<FoundMessage | undefined> {
    this.checks.name("topic", topic);
    return this.#keySettler.lookup(topic, named);
  }

  #settleNamed(
    op: number,
    topic: string,
    queue: string | undefined,
    named: Ids | Keys,
    args: readonly unknown[],
  ): Promise<Settlement> {
    if (areKeys(named)) return this.#keySettler.settle(op, topic, queue, named, args);
    return this.#settle(op, topic, queue, named, args);
  }

  /** How many it has dropped. */
  async purge(topic: string, options: PurgeOptions): Promise<number> {
    const { queue, state, ids } = this.checks.purge(topic, options);
    if (ids === undefined) return ask(this.connection, Op.PURGE, [topic, queue, state], new CountRequest());
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
    return this.settlers.of(topic, queue).settleIds(op, args, selectIds(list), list.length);
  }
}
