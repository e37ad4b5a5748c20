/**
 * Writes the whole directory (topics, queues and channels) into each segment, so that the segments before it can go.
 *
 * A small directory fits at the head of the segment. The rest of a large one is written in steps, turn by turn, between
 * other records; the segment does not end before it is complete. A record about a queue that this segment has not named
 * yet is preceded by the queue's own entry, so that a segment can be read by itself even if it ends in the middle of its
 * directory.
 */
import type { DirectoryItem } from "../log/recorder.js";
import type { Segment } from "../log/segment.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { StoredChannel } from "./stored-channel.js";
import type { Topic } from "./topic.js";

/** Bytes of it that are written at the head of a segment: some hundred microseconds of work. */
export const HEAD_BYTES = 64 * 1024;

/** What a turn adds: a `PART` of what was appended since the last one, but at least and at most so many heads. */
const MIN_STEP = 1 / 2;
const MAX_STEP = 2;
const PART = 1 / 4;

/** The price of skipping an item that has been named already, in bytes written. */
const LOOK_BYTES = 16;

export class Checkpoint {
  /** The segment whose directory is being written; undefined: it is complete. */
  #segment: Segment | undefined;
  /** Counts the segments that have begun. */
  #serial = 0;
  #topics: Iterator<Topic> | undefined;
  #queues: Iterator<Queue> | undefined;
  #remembered: Iterator<DirectoryItem> | undefined;
  #channels: Iterator<StoredChannel> | undefined;
  /** The log's position at the end of the last step. */
  #stepped = 0;
  /** Bytes of the last complete directory. */
  #length = 0;

  constructor(
    readonly store: Store,
    readonly topics: ReadonlyMap<string, Topic>,
    readonly channels: ReadonlyMap<string, StoredChannel>,
    readonly headBytes: number,
  ) {}

  /** Begins at the head of a new segment, whose first record will be about these queues. True: it is complete. */
  begin(queues: readonly Queue[]): boolean {
    const { log, recorder } = this.store;
    this.#serial++;
    this.#segment = log.segments.last;
    recorder.directory(["checkpoint"], this.store.level);
    for (const queue of queues) this.ensureNamed(queue);
    this.#topics = this.topics.values();
    this.#queues = undefined;
    this.#remembered = undefined;
    this.#channels = this.channels.values();
    this.#write(this.headBytes);
    return !log.isDirectoryPending;
  }

  /** Before a record about a queue: names the queue and its topic, if this segment has not yet. */
  ensureNamed(queue: Queue): void {
    // It may have been deleted since it was announced.
    if (this.#segment === undefined || this.store.queues[queue.number] !== queue) return;
    if (queue.topic.isRecorded && queue.topic.namedIn !== this.#serial) this.#name(queue.topic);
    if (queue.isRecorded && queue.namedIn !== this.#serial) this.#name(queue);
  }

  /** Its entry has just been written. */
  markNamed(item: DirectoryItem): void {
    item.namedIn = this.#serial;
  }

  /**
   * Writes another step. True: there is more to do. `isTight`: disk space is short, so the directory must not be more
   * than half of the segment.
   */
  step(isTight: boolean): boolean {
    const segment = this.#segment;
    if (segment === undefined) return false;
    const { log } = this.store;
    // It was sealed early, for a backup or a shutdown: the next segment has a directory of its own.
    if (segment.isSealed) return this.#end();
    if (isTight && segment.used < 2 * (segment.directoryBytes + this.#length)) return false;
    const max = Math.min(
      Math.max((log.position - this.#stepped) * PART, this.headBytes * MIN_STEP),
      this.headBytes * MAX_STEP,
    );
    return this.#write(max);
  }

  /** True: there is more. */
  #write(max: number): boolean {
    const { log, recorder } = this.store;
    const begin = log.position;
    for (let looks = 0; log.position - begin + looks < max; looks += LOOK_BYTES) {
      const item = this.#next();
      if (item === undefined) {
        recorder.directory(["complete"], 0);
        this.#count(begin);
        if (this.#segment !== undefined) this.#segment.hasDirectory = true;
        this.#length = this.#segment?.directoryBytes ?? 0;
        return this.#end();
      }
      if (item.isRecorded && item.namedIn !== this.#serial) this.#name(item);
    }
    this.#count(begin);
    this.#stepped = log.position;
    log.isDirectoryPending = true;
    return true;
  }

  #count(begin: number): void {
    if (this.#segment !== undefined) this.#segment.directoryBytes += this.store.log.position - begin;
  }

  /**
   * The next topic, queue or part of what a topic remembers, each topic before its queues and what it remembers, channels last;
   * undefined: that was all. Those made meanwhile come last.
   */
  #next(): DirectoryItem | undefined {
    const item = (this.#queues?.next().value ?? this.#remembered?.next().value) as DirectoryItem | undefined;
    if (item !== undefined) return item;
    const topic = this.#topics?.next().value as Topic | undefined;
    this.#queues = topic?.queues.values();
    this.#remembered = topic?.isRecorded ? topic.remembered()[Symbol.iterator]() : undefined;
    if (topic !== undefined) return topic;
    return (this.#channels?.next().value as StoredChannel | undefined)?.queue;
  }

  #name(item: DirectoryItem): void {
    this.store.recorder.directory(item.entry, 0);
    item.namedIn = this.#serial;
  }

  #end(): false {
    this.#segment = undefined;
    this.#topics = undefined;
    this.#queues = undefined;
    this.#remembered = undefined;
    this.#channels = undefined;
    this.store.log.isDirectoryPending = false;
    return false;
  }
}
