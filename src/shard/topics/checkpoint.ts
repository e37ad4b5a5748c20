/**
 * The whole directory in each segment, so that all segments before it can go. What is small stands at the head of the
 * segment; the rest follows in steps, turn by turn, between records of other kinds, and the segment goes on until it is
 * there. A batch is read back only where its queue is known: whatever needs a queue that has not been named yet names it
 * first. So each segment can be read without those before it, were it cut off in the middle of its directory.
 */

import type { DirectoryItem } from "../log/recorder.js";
import type { Segment } from "../log/segment.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { Topic } from "./topic.js";

/** Bytes at the head of a segment: some hundred microseconds of work. */
export const HEAD_BYTES = 64 * 1024;

/** Of that: what a turn adds at least and at most. In between it is a part of what else was appended since the last. */
const MIN_STEP = 1 / 2;
const MAX_STEP = 2;
const PART = 1 / 4;

/** What it costs to look at a topic or queue that has been named, in bytes that could have been written. */
const LOOK_BYTES = 16;

export class Checkpoint {
  /** That of which the directory is being written; undefined: it is whole. */
  #segment: Segment | undefined;
  /** Of the segments that have begun. */
  #serial = 0;
  #topics: Iterator<Topic> | undefined;
  #queues: Iterator<Queue> | undefined;
  /** The log's position at the end of the last step. */
  #stepped = 0;
  /** Bytes of the last one that was whole. */
  #length = 0;

  constructor(
    readonly store: Store,
    readonly topics: ReadonlyMap<string, Topic>,
    readonly headBytes: number,
  ) {}

  /** At the head of a new segment, which a record about these queues begins. True: the directory is whole. */
  begin(queues: readonly Queue[]): boolean {
    const { log, recorder } = this.store;
    this.#serial++;
    this.#segment = log.segments.last;
    recorder.directory(["checkpoint"], this.store.level);
    for (const queue of queues) this.ensureNamed(queue);
    this.#topics = this.topics.values();
    this.#queues = undefined;
    this.#write(this.headBytes);
    return !log.isDirectoryPending;
  }

  /** A record about a queue comes next: says what is recorded of it and its topic, if this segment does not know it. */
  ensureNamed(queue: Queue): void {
    // It may have gone since it was expected.
    if (this.#segment === undefined || this.store.queues[queue.number] !== queue) return;
    if (queue.topic.isRecorded && queue.topic.namedIn !== this.#serial) this.#name(queue.topic);
    if (queue.isRecorded && queue.namedIn !== this.#serial) this.#name(queue);
  }

  /** It has been written down just now. */
  markNamed(item: DirectoryItem): void {
    item.namedIn = this.#serial;
  }

  /**
   * Goes on with it. True: there is more to do. `isTight`: room is short, so that it takes only as much as else has come
   * into the segment.
   */
  step(isTight: boolean): boolean {
    const segment = this.#segment;
    if (segment === undefined) return false;
    const { log } = this.store;
    // It was sealed, for a backup or at the end: the next one has its own.
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

  /** A topic, then its queues; undefined: that was all. What is made meanwhile comes last. */
  #next(): DirectoryItem | undefined {
    const queue = this.#queues?.next().value as Queue | undefined;
    if (queue !== undefined) return queue;
    const topic = this.#topics?.next().value as Topic | undefined;
    this.#queues = topic?.queues.values();
    return topic;
  }

  #name(item: DirectoryItem): void {
    this.store.recorder.directory(item.entry, 0);
    item.namedIn = this.#serial;
  }

  #end(): false {
    this.#segment = undefined;
    this.#topics = undefined;
    this.#queues = undefined;
    this.store.log.isDirectoryPending = false;
    return false;
  }
}
