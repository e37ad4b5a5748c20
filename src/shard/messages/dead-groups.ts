/** DEAD_GROUPS: the dead letters of a queue by what they have died of. */
import { FAILED_HOW } from "../../protocol/failure.js";
import { formatId } from "../../protocol/id.js";
import { DEATHS } from "../../protocol/run.js";
import type { DeadGroups } from "../command.js";
import { ListWalk } from "./list-walk.js";
import type { Queue } from "./queue.js";
import type { Store } from "./store.js";

/** Groups that are counted; what would make another one is counted as the rest. */
const MAX_GROUPS = 10_000;

/** What it costs to find the group of an extent, in extents looked at. */
const GROUP_LOOKS = 32;

/** Dead letters that have died alike. */
interface DeadGroup {
  /** Why, and how the last of their deliveries failed, in words; empty: it did not, or that is not known. */
  readonly reason: string;
  readonly how: string;
  /** What the client calls itself that had them then, and the first line of what was said last. */
  readonly client: string;
  readonly text: string;
  count: number;
  /** When the first and the last of them died. */
  first: number;
  last: number;
  /** The id of the one that died last. */
  example: string;
}

const NOTHING_KNOWN = { how: 0, consumer: "", reason: "" };

export class DeadGroupsCursor {
  readonly #store: Store;
  readonly #queue: Queue;
  readonly #command: DeadGroups;
  readonly #walk: ListWalk;
  readonly #groups = new Map<string, DeadGroup>();
  #dead = 0;
  /** The last extent's history and reason, and their group: those that died together stand together. */
  #lastHistory = -1;
  #lastReason = -1;
  #lastGroup: DeadGroup | undefined;

  constructor(store: Store, queue: Queue, c: DeadGroups) {
    this.#store = store;
    this.#queue = queue;
    this.#command = c;
    this.#walk = new ListWalk(store, queue.dead, queue.deadCount, this.#look, GROUP_LOOKS);
  }

  get looks(): number {
    return this.#walk.looks;
  }

  /** Walks on, at about as much as costs `max` extents. False: it is not at the end yet. */
  advance(max: number): boolean {
    // Between two steps a history may end, and another one begin with its number.
    this.#lastHistory = -1;
    return this.#walk.advance(max);
  }

  answer(): void {
    const { connection, request, max } = this.#command;
    const all = [...this.#groups.values()].sort((a, b) => b.count - a.count || b.last - a.last);
    const groups = all.slice(0, max);
    const rest = this.#dead - groups.reduce((sum, { count }) => sum + count, 0);
    this.close();
    this.#store.effects.result(connection, request, { groups, rest });
  }

  close(): void {
    this.#walk.close();
  }

  readonly #look = (extent: number): void => {
    const { extents } = this.#store;
    const count = extents.count(extent);
    const time = Math.floor(extents.times[extent] as number);
    const group = this.#groupOf(extent);
    this.#dead += count;
    if (group === undefined) return;
    group.count += count;
    group.first = Math.min(group.first, time);
    if (time < group.last) return;
    group.last = time;
    group.example = formatId(extents.idHigh(extent), extents.firstLow(extent));
  };

  /** Undefined: there are too many already. */
  #groupOf(extent: number): DeadGroup | undefined {
    const { extents } = this.#store;
    const history = extents.historyOf(extent);
    const death = extents.reason(extent);
    if (history === this.#lastHistory && death === this.#lastReason) return this.#lastGroup;
    const cause = (history !== 0 && this.#queue.topic.failures?.lastCause(history)) || NOTHING_KNOWN;
    const text = cause.reason.split("\n", 1)[0] ?? "";
    const key = `${death} ${cause.how} ${cause.consumer.length} ${cause.consumer}${text}`;
    let group = this.#groups.get(key);
    if (group === undefined && this.#groups.size < MAX_GROUPS) {
      const time = Math.floor(extents.times[extent] as number);
      const words = { reason: DEATHS[death] ?? "", how: FAILED_HOW[cause.how] ?? "", client: cause.consumer, text };
      group = { ...words, count: 0, first: time, last: time, example: "" };
      this.#groups.set(key, group);
    }
    this.#lastHistory = history;
    this.#lastReason = death;
    this.#lastGroup = group;
    return group;
  }
}
