/**
 * The dead letters of a queue: looking through them, sending them on their way again, with another body if need be, and
 * dropping them.
 */
import { DEFAULT_KEY, MAX_BROWSE } from "../../protocol/limits.js";
import { badArgument, checkFlag } from "../arguments/argument-checks.js";
import type { DeadLetterGroups } from "../arguments/dead-letter-groups.js";
import { names, readOptions } from "../arguments/option-reader.js";
import type {
  Body,
  BrowseOptions,
  PublishOptions,
  PurgeOptions,
  QueueOptions,
  RedriveOptions,
  TopicStatistics,
} from "../arguments/options.js";
import { REQUEST_OPTIONS } from "../arguments/request-options.js";
import { checkWhole, readTexts } from "../arguments/value-checks.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import type { FoundMessage } from "../consume/found-message.js";
import { faultError, type Settlement, type SettlementFault } from "../consume/settle-result.js";
import type { StoredMessage } from "../consume/stored-message.js";
import type { Receipt } from "../publish/receipt.js";
import type {
  DeadLetterChoice,
  DeadLetterEditOptions,
  DeadLetterGroupOptions,
  DeadLetterListOptions,
  DeadLetterRedriveOptions,
} from "./options.js";
import { paceOf, pauseFor } from "./pace.js";

const OPTIONS = {
  list: names("offset", "max"),
  groups: names("max"),
  edit: names("headers"),
  choice: names("ids", "reason", "filter", "all", "dryRun"),
  redrive: names("ids", "reason", "filter", "all", "dryRun", "rate", "signal", "onProgress"),
};

/** Where they are: a broker, or several. */
export interface DeadLetterSource {
  browse(topic: string, options?: BrowseOptions): Promise<StoredMessage[]>;
  redrive(topic: string, options?: RedriveOptions): Promise<Settlement>;
  purge(topic: string, options?: PurgeOptions): Promise<number>;
  readonly inspection: { deadGroups(topic: string, queue: string, max: number): Promise<DeadLetterGroups> };
}

/** The client of the broker that has one. */
export interface DeadLetterClient extends DeadLetterSource {
  publish(topic: string, body: Body, options?: PublishOptions): Promise<Receipt>;
  stats(topic: string): Promise<TopicStatistics>;
  lookup(topic: string, id: string): Promise<FoundMessage | undefined>;
}

/** What became of an edited dead letter. */
export interface EditedDeadLetter {
  /** Of the new message. */
  readonly receipt: Receipt;
  /** The old one is gone. False: somebody else has had it re-driven, popped or dropped meanwhile. */
  readonly isReplaced: boolean;
}

/** Which are meant: those with these ids, those that a filter chooses, or all. */
interface Choice {
  readonly ids: readonly string[] | undefined;
  readonly filter: ((message: StoredMessage) => boolean) | undefined;
  readonly isDryRun: boolean;
}

/** Throws BAD_ARGUMENT. */
const readChoice = ({ ids, reason, filter, all, dryRun }: DeadLetterChoice): Choice => {
  checkFlag("all", all);
  checkFlag("dryRun", dryRun);
  if (filter !== undefined && typeof filter !== "function") throw badArgument("filter", filter, "a function");
  if (reason !== undefined && typeof reason !== "string") throw badArgument("reason", reason, "a text");
  const ways = [ids !== undefined, reason !== undefined, filter !== undefined, all === true].filter(Boolean).length;
  if (ways !== 1)
    throw badArgument("the choice", { ids, reason, filter, all }, "one of ids, reason, filter and all: true");
  const begins = reason === undefined ? undefined : (message: StoredMessage) => message.lastReason.startsWith(reason);
  const read = ids === undefined ? undefined : readTexts("ids", ids, "ids of messages as text");
  return { ids: read, filter: filter ?? begins, isDryRun: dryRun === true };
};

/** A pattern that only this bind key matches. */
const patternFor = (key: string): string => `^${key.replaceAll(/[^\p{L}\p{N}_]/gu, (letter) => `\\${letter}`)}$`;

/**
 * The dead letters of a queue, made by `client.deadLetters`. Iterating it shows all of them, a page at a time, in the order in
 * which they died; those that come or go meanwhile may be missed. Its promises reject as those of the client do.
 */
export class DeadLetters implements AsyncIterable<StoredMessage> {
  readonly topic: string;
  readonly queue: string;
  readonly #source: DeadLetterSource;
  readonly #holderOf: (id: string) => Promise<DeadLetterClient>;

  /** @internal */
  constructor(
    source: DeadLetterSource,
    /** The broker that has a message. */
    holderOf: (id: string) => Promise<DeadLetterClient>,
    topic: string,
    options: QueueOptions = {},
  ) {
    this.topic = topic;
    this.queue = readOptions(options, REQUEST_OPTIONS.queue).queue || DEFAULT_KEY;
    this.#source = source;
    this.#holderOf = holderOf;
  }

  /** A page of them: at most `max` (default 100, at most 1,000) after the first `offset`. */
  async list(options: DeadLetterListOptions = {}): Promise<StoredMessage[]> {
    const { offset = 0, max = 100 } = readOptions(options, OPTIONS.list);
    return this.#source.browse(this.topic, { queue: this.queue, state: "dead", offset, max });
  }

  async *[Symbol.asyncIterator](): AsyncIterator<StoredMessage> {
    for (let offset = 0; ; ) {
      const page = await this.list({ offset, max: MAX_BROWSE });
      if (page.length === 0) return;
      offset += page.length;
      yield* page;
    }
  }

  /**
   * Counts them by why they are dead, how and with whom their last delivery failed, and the first line of what was said last: the
   * `max` largest groups (default 100, at most 1,000), and how many are in others.
   */
  async groups(options: DeadLetterGroupOptions = {}): Promise<DeadLetterGroups> {
    const { max = 100 } = readOptions(options, OPTIONS.groups);
    checkWhole("max", max, 1, MAX_BROWSE);
    return this.#source.inspection.deadGroups(this.topic, this.queue, max);
  }

  /**
   * Sends a dead letter on its way again with another body: a new message is published to its queue, and when that is
   * confirmed the old one is dropped. If the program or the broker dies in between, both are there, and nothing is lost.
   * The new message has an id of its own and no history, and the old one's headers unless others are given. Rejects with
   * UNKNOWN_MESSAGE when there is no such dead letter.
   */
  async edit(id: string, body: Body, options: DeadLetterEditOptions = {}): Promise<EditedDeadLetter> {
    const { headers } = readOptions(options, OPTIONS.edit);
    const { topic, queue } = this;
    const holder = await this.#holderOf(id);
    const known = await this.#find(holder, id);
    const { config } = await holder.stats(topic);
    const routeKey = queue === DEFAULT_KEY || config.mode === "exact" ? queue : patternFor(queue);
    const receipt = await holder.publish(topic, body, { routeKey, headers: headers ?? known.headers });
    const purged = await holder.purge(topic, { queue, state: "dead", ids: id });
    return { receipt, isReplaced: purged > 0 };
  }

  /**
   * Puts dead letters at the tail of their queue, with retry 0 and their history: those with these `ids`, those whose last
   * reason begins with `reason`, those that the `filter` chooses, or `all` that there are now. At no more than `rate`
   * messages a second; an aborted `signal` stops it.
   * With `dryRun` it answers what it would do, and changes nothing.
   */
  async redrive(options: DeadLetterRedriveOptions): Promise<Settlement> {
    const { rate = Number.POSITIVE_INFINITY, signal, onProgress, ...which } = readOptions(options, OPTIONS.redrive);
    if (typeof rate !== "number" || !(rate > 0)) throw badArgument("rate", rate, "messages a second, above 0");
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw badArgument("signal", signal, "an AbortSignal");
    if (onProgress !== undefined && typeof onProgress !== "function")
      throw badArgument("onProgress", onProgress, "a function");
    const choice = readChoice(which);
    const { topic, queue } = this;
    const isPlain = rate === Number.POSITIVE_INFINITY && onProgress === undefined;
    const isAll = choice.ids === undefined && choice.filter === undefined && isPlain;
    if (isAll && !choice.isDryRun) return this.#source.redrive(topic, { queue });
    const faults: SettlementFault[] = [];
    const redrive = async (ids: readonly string[]): Promise<number> => {
      const done = await this.#source.redrive(topic, { queue, ids });
      faults.push(...done.faults);
      return done.settled;
    };
    const settled = await this.#act(choice, redrive, rate, signal, onProgress);
    if (choice.isDryRun && choice.ids !== undefined && settled < choice.ids.length)
      faults.push(...(await this.#missing(choice.ids)));
    return { settled, faults };
  }

  /** Drops dead letters, chosen as for `redrive`. Answers how many. */
  async purge(options: DeadLetterChoice): Promise<number> {
    const choice = readChoice(readOptions(options, OPTIONS.choice));
    const { topic, queue } = this;
    const isAll = choice.ids === undefined && choice.filter === undefined;
    if (isAll && !choice.isDryRun) return this.#source.purge(topic, { queue, state: "dead" });
    return this.#act(choice, (ids) => this.#source.purge(topic, { queue, state: "dead", ids }));
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("DeadLetters", { topic: this.topic, queue: this.queue }, options, inspect);
  }

  async #find(holder: DeadLetterClient, id: string): Promise<StoredMessage> {
    const found = await holder.lookup(this.topic, id);
    if (found?.copies.some(({ queue, state }) => queue === this.queue && state === "dead") === true) return found;
    // Of very many copies not all are told.
    if (found !== undefined) for await (const message of this) if (message.id === id) return message;
    throw faultError(id, "UNKNOWN_MESSAGE");
  }

  /** Does it to the chosen ones, some at a time: to those that are there when it begins, so that it ends. */
  async #act(
    { ids, filter, isDryRun }: Choice,
    act: (ids: readonly string[]) => Promise<number>,
    rate = Number.POSITIVE_INFINITY,
    signal?: AbortSignal,
    onProgress?: DeadLetterRedriveOptions["onProgress"],
  ): Promise<number> {
    const chosen = ids !== undefined && !isDryRun ? ids : await this.#choose(ids, filter);
    if (isDryRun) return chosen.length;
    const { count, pause } = paceOf(rate);
    let done = 0;
    for (let from = 0; from < chosen.length; from += count) {
      if (from > 0) await pauseFor(pause, signal);
      if (signal?.aborted === true) break;
      const some = chosen.slice(from, from + count);
      done += await act(some);
      onProgress?.(from + some.length, chosen.length);
    }
    return done;
  }

  /** The ids of those that there are. */
  async #choose(ids: readonly string[] | undefined, filter: Choice["filter"]): Promise<readonly string[]> {
    const wanted = ids === undefined ? undefined : new Set(ids);
    const chosen: string[] = [];
    for await (const message of this) {
      if (wanted?.has(message.id) !== false && filter?.(message) !== false) chosen.push(message.id);
    }
    return chosen;
  }

  async #missing(ids: readonly string[]): Promise<SettlementFault[]> {
    const found = new Set(await this.#choose(ids, undefined));
    return ids.filter((id) => !found.has(id)).map((id) => ({ id, code: "UNKNOWN_MESSAGE" }));
  }
}
