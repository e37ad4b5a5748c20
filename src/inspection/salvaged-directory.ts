/**
 * The topics, queues and channels known so far while a damaged journal is read. A start ignores records about unknown queues, so
 * directory entries lost to damage must be taken from elsewhere (each later segment has the whole directory) or made
 * up.
 */
import { DEFAULT_KEY } from "../protocol/limits.js";
import type { DirectoryEntry } from "../shard/log/recorder.js";

/** `["queue", number, topic, bindKey, paused, declared]` of record.ts. */
type QueueEntry = readonly ["queue", number, string, string, boolean, boolean?];
/** `["channel", number, name, config, epoch, next]`. */
type ChannelEntry = readonly ["channel", number, string, unknown, string, number];
/** What records name by its number. */
type NumberedEntry = QueueEntry | ChannelEntry;
/** `["topic", name, config, startTime]`. */
type TopicEntry = readonly ["topic", string, unknown, number];

const isQueue = (entry: readonly unknown[]): entry is QueueEntry =>
  entry[0] === "queue" &&
  typeof entry[1] === "number" &&
  typeof entry[2] === "string" &&
  typeof entry[3] === "string" &&
  typeof entry[4] === "boolean";

const isChannel = (entry: readonly unknown[]): entry is ChannelEntry =>
  entry[0] === "channel" &&
  typeof entry[1] === "number" &&
  typeof entry[2] === "string" &&
  typeof entry[4] === "string" &&
  typeof entry[5] === "number";

const isNumbered = (entry: readonly unknown[]): entry is NumberedEntry => isQueue(entry) || isChannel(entry);

const isTopic = (entry: readonly unknown[]): entry is TopicEntry =>
  entry[0] === "topic" && typeof entry[1] === "string" && typeof entry[3] === "number";

/** The topic of a queue, or the channel that it is. */
export interface Owner {
  readonly name: string;
  readonly isChannel: boolean;
}

const isOf = (entry: NumberedEntry, { name, isChannel }: Owner): boolean =>
  entry[2] === name && (entry[0] === "channel") === isChannel;

export class SalvagedDirectory {
  readonly #topics = new Map<string, TopicEntry>();
  /** With the channels. */
  readonly #queues = new Map<number, NumberedEntry>();
  /** Entries of the checkpoint that is being read; undefined: none is. */
  #named: Set<string | number> | undefined;

  /** Applies an entry, as a start does. */
  apply(entry: DirectoryEntry): void {
    const [kind, subject] = entry;
    if (isTopic(entry)) {
      this.#topics.set(entry[1], entry);
      this.#named?.add(entry[1]);
    } else if (isNumbered(entry)) {
      this.#queues.set(entry[1], entry);
      this.#named?.add(entry[1]);
    } else if (kind === "queue deleted" && typeof subject === "number") this.#queues.delete(subject);
    else if (kind === "topic deleted" && typeof subject === "string") this.#deleteTopic(subject);
    else if (kind === "checkpoint") this.#named = new Set();
    else if (kind === "complete") this.#complete();
  }

  /** A gap: a checkpoint that it interrupts is incomplete. */
  interrupt(): void {
    this.#named = undefined;
  }

  /** Whether a start would apply a record about the queue. `owner`: whose it is according to the record, if that says. */
  knows(queue: number, owner: Owner | undefined): boolean {
    const known = this.#queues.get(queue);
    return known !== undefined && (owner === undefined || isOf(known, owner));
  }

  /** Whether it has an entry for the same topic or the same queue number. */
  mentions(entry: DirectoryEntry): boolean {
    if (isTopic(entry)) return this.#topics.has(entry[1]);
    return isNumbered(entry) && this.#queues.has(entry[1]);
  }

  /** The whole directory, as in the head of a segment. */
  entries(): DirectoryEntry[] {
    return [["checkpoint"], ...this.#topics.values(), ...this.#queues.values(), ["complete"]];
  }

  /** Entries of all channels, by which their positions count in another epoch: some may have been told and are lost. */
  renumberings(): DirectoryEntry[] {
    return [...this.#queues.values()].flatMap((entry) => {
      if (entry[0] !== "channel") return [];
      const [kind, number, name, config, , next] = entry;
      return [[kind, number, name, config, "", next] as const];
    });
  }

  /**
   * The entries that must precede a record about an unknown queue. `later`: directory entries of later records. Empty
   * if those do not help and the record does not say whose it is.
   */
  introduce(
    queue: number,
    owner: Owner | undefined,
    routeKey: string,
    now: number,
    later: SalvagedDirectory,
  ): DirectoryEntry[] {
    const found = later.#queues.get(queue);
    const fits = found !== undefined && (owner === undefined || isOf(found, owner));
    const entry = fits ? found : owner && this.#madeUp(queue, owner, routeKey);
    if (entry === undefined) return [];
    const entries = [...this.introduceTopic(entry, now, later), entry];
    this.apply(entry);
    return entries;
  }

  /** Of a channel the messages say how far positions have come, and a start takes another epoch. */
  #madeUp(queue: number, { name, isChannel }: Owner, routeKey: string): NumberedEntry {
    if (isChannel) return ["channel", queue, name, {}, "", 0];
    return ["queue", queue, name, this.#bindKey(queue, name, routeKey), false];
  }

  /** The entries that must precede an entry: none, unless it is about a queue whose topic is unknown. */
  introduceTopic(entry: DirectoryEntry, now: number, later: SalvagedDirectory): DirectoryEntry[] {
    if (!this.lacksTopic(entry)) return [];
    const name = entry[2] as string;
    const topic = later.#topics.get(name) ?? (["topic", name, {}, now] as const);
    this.apply(topic);
    return [topic];
  }

  /** Whether it is about a queue whose topic is unknown. */
  lacksTopic(entry: DirectoryEntry): boolean {
    return isQueue(entry) && !this.#topics.has(entry[2]);
  }

  /** In exact mode the route key is the bind key, which two queues of a topic cannot share. */
  #bindKey(queue: number, topic: string, routeKey: string): string {
    const key = routeKey === "" ? DEFAULT_KEY : routeKey;
    const isTaken = [...this.#queues.values()].some(
      (entry) => isQueue(entry) && entry[2] === topic && entry[3] === key,
    );
    return isTaken ? `recovered-${queue}` : key;
  }

  #deleteTopic(name: string): void {
    this.#topics.delete(name);
    for (const [number, entry] of this.#queues) if (isQueue(entry) && entry[2] === name) this.#queues.delete(number);
  }

  #complete(): void {
    const named = this.#named;
    this.#named = undefined;
    if (named === undefined) return;
    for (const number of [...this.#queues.keys()]) if (!named.has(number)) this.#queues.delete(number);
    for (const name of [...this.#topics.keys()]) if (!named.has(name)) this.#deleteTopic(name);
  }
}
