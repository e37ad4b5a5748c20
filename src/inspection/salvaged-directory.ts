/**
 * Topics and queues while a damaged journal is read: what is known of them so far, in the order of the records. A start
 * drops records about a queue that it does not know, so that what damage has taken out of the directory has to be found
 * elsewhere (each later segment has all of it) or made up.
 */
import { DEFAULT_KEY } from "../protocol/limits.js";
import type { DirectoryEntry } from "../shard/log/recorder.js";

/** `["queue", number, topic, bindKey, paused, declared]` of record.ts. */
type QueueEntry = readonly ["queue", number, string, string, boolean, boolean?];
/** `["topic", name, config, startTime]`. */
type TopicEntry = readonly ["topic", string, unknown, number];

const isQueue = (entry: readonly unknown[]): entry is QueueEntry =>
  entry[0] === "queue" &&
  typeof entry[1] === "number" &&
  typeof entry[2] === "string" &&
  typeof entry[3] === "string" &&
  typeof entry[4] === "boolean";

const isTopic = (entry: readonly unknown[]): entry is TopicEntry =>
  entry[0] === "topic" && typeof entry[1] === "string" && typeof entry[3] === "number";

export class SalvagedDirectory {
  readonly #topics = new Map<string, TopicEntry>();
  readonly #queues = new Map<number, QueueEntry>();
  /** What a checkpoint that is being read has named; undefined: none is. */
  #named: Set<string | number> | undefined;

  /** Follows an entry as a start does. */
  apply(entry: DirectoryEntry): void {
    const [kind, subject] = entry;
    if (isTopic(entry)) {
      this.#topics.set(entry[1], entry);
      this.#named?.add(entry[1]);
    } else if (isQueue(entry)) {
      this.#queues.set(entry[1], entry);
      this.#named?.add(entry[1]);
    } else if (kind === "queue deleted" && typeof subject === "number") this.#queues.delete(subject);
    else if (kind === "topic deleted" && typeof subject === "string") this.#deleteTopic(subject);
    else if (kind === "checkpoint") this.#named = new Set();
    else if (kind === "complete") this.#complete();
  }

  /** A gap: a checkpoint that it cuts in two names some of what there is and no more. */
  interrupt(): void {
    this.#named = undefined;
  }

  /** Whether a record about the queue will be heeded. `topic`: what the record says; undefined if nothing. */
  knows(queue: number, topic: string | undefined): boolean {
    const known = this.#queues.get(queue);
    return known !== undefined && (topic === undefined || known[2] === topic);
  }

  /** Whether it has something of the same topic or of the same number of a queue. */
  mentions(entry: DirectoryEntry): boolean {
    if (isTopic(entry)) return this.#topics.has(entry[1]);
    return isQueue(entry) && this.#queues.has(entry[1]);
  }

  /** All of it, as the head of a segment has it. */
  entries(): DirectoryEntry[] {
    return [["checkpoint"], ...this.#topics.values(), ...this.#queues.values(), ["complete"]];
  }

  /**
   * What must be said before a record about a queue that is not known. `later`: what later records say of queues and
   * topics; empty if those do not help either and the record does not name its topic.
   */
  introduce(
    queue: number,
    topic: string | undefined,
    routeKey: string,
    now: number,
    later: SalvagedDirectory,
  ): DirectoryEntry[] {
    const found = later.#queues.get(queue);
    const fits = found !== undefined && (topic === undefined || found[2] === topic);
    const name = fits ? found[2] : topic;
    if (name === undefined) return [];
    const entry: QueueEntry = fits ? found : ["queue", queue, name, this.#bindKey(queue, name, routeKey), false];
    const entries = [...this.introduceTopic(entry, now, later), entry];
    this.apply(entry);
    return entries;
  }

  /** What must be said before an entry: nothing, unless it is about a queue whose topic is not known. */
  introduceTopic(entry: DirectoryEntry, now: number, later: SalvagedDirectory): DirectoryEntry[] {
    if (!this.lacksTopic(entry)) return [];
    const name = entry[2] as string;
    const topic = later.#topics.get(name) ?? (["topic", name, {}, now] as const);
    this.apply(topic);
    return [topic];
  }

  /** It is about a queue whose topic is not known. */
  lacksTopic(entry: DirectoryEntry): boolean {
    return isQueue(entry) && !this.#topics.has(entry[2]);
  }

  /** In exact mode the route key is the bind key. Two queues of a topic cannot have the same. */
  #bindKey(queue: number, topic: string, routeKey: string): string {
    const key = routeKey === "" ? DEFAULT_KEY : routeKey;
    const isTaken = [...this.#queues.values()].some((entry) => entry[2] === topic && entry[3] === key);
    return isTaken ? `recovered-${queue}` : key;
  }

  #deleteTopic(name: string): void {
    this.#topics.delete(name);
    for (const [number, entry] of this.#queues) if (entry[2] === name) this.#queues.delete(number);
  }

  #complete(): void {
    const named = this.#named;
    this.#named = undefined;
    if (named === undefined) return;
    for (const number of [...this.#queues.keys()]) if (!named.has(number)) this.#queues.delete(number);
    for (const name of [...this.#topics.keys()]) if (!named.has(name)) this.#deleteTopic(name);
  }
}
