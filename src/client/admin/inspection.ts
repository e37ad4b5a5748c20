/**
 * Requests about what goes on in a broker: what becomes of messages, who is connected, and who takes messages.
 */
import { parseId } from "../../protocol/id.js";
import { MAX_PARTS } from "../../protocol/limits.js";
import { Op } from "../../protocol/op.js";
import { badArgument, isWhole } from "../arguments/argument-checks.js";
import type { DeadLetterGroups } from "../arguments/dead-letter-groups.js";
import { names, readOptions } from "../arguments/option-reader.js";
import { PublishChecks } from "../arguments/publish-checks.js";
import { ask, look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest, ResultRequest } from "../connection/pending-request.js";
import type { ConnectionInfo, ConsumerInfo } from "./connection-info.js";
import type { DelayedCounts, DelayedOptions } from "./delayed-counts.js";
import type { ExplainOptions, Finding } from "./finding.js";
import type { MessageHistory } from "./message-history.js";
import { PAGE_SIZE } from "./pages.js";
import {
  readConnectionPage,
  readConsumerPage,
  readDeadGroups,
  readDelayed,
  readFindings,
  readHistory,
} from "./results.js";

const OPTIONS = names("queue", "routeKey");
const PARTS = `a whole number from 1 to ${MAX_PARTS}`;
const TIME = "a time, in whole milliseconds since 1970, and to not before from";

const DELAYED_OPTIONS = names("queue", "buckets", "from", "to");

export class Inspection {
  readonly #connection: Connection;
  readonly #checks: PublishChecks;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#checks = new PublishChecks(connection.info.limits.maxNameBytes);
  }

  async explain(topic: string, options: ExplainOptions): Promise<Finding[]> {
    this.#checks.name("topic", topic);
    const { queue, routeKey } = readOptions(options, OPTIONS);
    this.#checks.key("queue", queue);
    this.#checks.key("routeKey", routeKey);
    return look(this.#connection, Op.EXPLAIN, [topic, queue, routeKey], new ResultRequest(readFindings));
  }

  async history(topic: string, id: string): Promise<MessageHistory> {
    this.#checks.name("topic", topic);
    const words = typeof id === "string" ? parseId(id) : undefined;
    if (words === undefined) throw badArgument("id", id, "the id of a message");
    const head = [topic, words.high, words.low];
    return look(this.#connection, Op.HISTORY, head, new ResultRequest(readHistory));
  }

  async delayed(topic: string, options: DelayedOptions): Promise<DelayedCounts> {
    this.#checks.name("topic", topic);
    const { queue, buckets, from, to } = readOptions(options, DELAYED_OPTIONS);
    this.#checks.key("queue", queue);
    if (buckets !== undefined && !isWhole(buckets, 1, MAX_PARTS)) throw badArgument("buckets", buckets, PARTS);
    if (from !== undefined && !isWhole(from, 0, Number.MAX_SAFE_INTEGER)) throw badArgument("from", from, TIME);
    if (to !== undefined && !isWhole(to, from ?? 0, Number.MAX_SAFE_INTEGER)) throw badArgument("to", to, TIME);
    return look(this.#connection, Op.DELAYED, [topic, queue, buckets, from, to], new ResultRequest(readDelayed));
  }

  async deadGroups(topic: string, queue: string, max: number): Promise<DeadLetterGroups> {
    return look(this.#connection, Op.DEAD_GROUPS, [topic, queue, max], new ResultRequest(readDeadGroups));
  }

  async *connections(): AsyncGenerator<ConnectionInfo, void> {
    for (let after = 0, more = true; more; ) {
      const page = await look(
        this.#connection,
        Op.CONNECTIONS,
        [after, PAGE_SIZE],
        new ResultRequest(readConnectionPage),
      );
      yield* page.items;
      after = page.items.at(-1)?.id ?? 0;
      more = page.more && after > 0;
    }
  }

  async *consumers(): AsyncGenerator<ConsumerInfo, void> {
    for (let shard = 0; shard < this.#connection.info.shards; shard++) {
      for (let after = 0, more = true; more; ) {
        const head = [shard, after, PAGE_SIZE];
        const page = await look(this.#connection, Op.CONSUMERS, head, new ResultRequest(readConsumerPage));
        yield* page.items;
        after = page.items.at(-1)?.number ?? 0;
        more = page.more && after > 0;
      }
    }
  }

  async closeConnection(id: number): Promise<boolean> {
    if (!Number.isSafeInteger(id) || id < 1) throw badArgument("id", id, "the id of a connection");
    return (await ask(this.#connection, Op.CLOSE_CONNECTION, [id], new CountRequest())) > 0;
  }
}
