/**
 * The log of a shard: batches one after another in segments of memory. The extents point into it, deliveries are copied
 * out of it, and a journal writes its bytes as they are: `position` counts what has been appended.
 *
 * A segment counts the messages (once for each queue) that still need it and is reused when it is full and nobody does.
 * What is left in a sparse segment is moved to segments of its own (see compaction.ts), which `position` leaves out.
 */
import * as record from "./record.js";

/**
 * Small enough that the segments of a steady flow stay in the processor's cache and that a few old messages hold on to
 * little; large enough that a 64 KiB batch seldom meets an end.
 */
export const SEGMENT_BYTES = 4 * 1024 * 1024;

/** Free segments kept for reuse: they save the kernel's work of finding and clearing pages. */
const SPARE_SEGMENTS = 32;

const NONE = -1;

export class Segment {
  readonly view: DataView;
  /** Where the next record goes. */
  used = 0;
  /** Messages that are still in some queue, once for each. */
  live = 0;
  /** Messages that have ever been put in, counted alike. */
  total = 0;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

export class Log {
  /** By segment number; numbers are used again. */
  readonly segments: (Segment | undefined)[] = [];
  /** Bytes of all segments that hold messages or wait for the next. */
  bytes = 0;
  /** Bytes ever appended. */
  position = 0;
  /** Where the last `append` or `shelter` put its record and the entries behind the header. */
  segment = 0;
  recordOffset = 0;
  entriesOffset = 0;
  /** How many segments have been begun: when it moves, it is time to look for sparse ones. */
  rolls = 0;
  #current = NONE;
  /** Where moved messages go. */
  #shelter = NONE;
  readonly #freeNumbers: number[] = [];
  readonly #spare: Segment[] = [];

  constructor(readonly segmentBytes = SEGMENT_BYTES) {}

  /** Bytes that a batch would add to `bytes`. */
  growth(topicLength: number, keyLength: number, entriesLength: number): number {
    const length = record.NAMES + topicLength + keyLength + entriesLength;
    const current = this.segments[this.#current];
    if (current !== undefined && current.used + length <= current.bytes.length) return 0;
    return Math.max(length, this.segmentBytes);
  }

  /** Appends a batch. Answers its segment, and leaves the place in `segment`, `recordOffset`, `entriesOffset`. */
  append(
    topic: Uint8Array,
    key: Uint8Array,
    count: number,
    idHigh: number,
    idLow: number,
    due: number,
    expiry: number,
    source: Uint8Array,
    start: number,
    end: number,
  ): Segment {
    const names = topic.length + key.length;
    const length = record.NAMES + names + end - start;
    let segment = this.segments[this.#current];
    if (segment === undefined || segment.used + length > segment.bytes.length) {
      segment = this.#begin(length, this.#current);
      this.#current = this.segment;
    }
    const at = segment.used;
    const { view, bytes } = segment;
    view.setUint32(at + record.LENGTH, length);
    view.setUint32(at + record.TYPE, (record.RecordType.PUBLISH << 24) | (topic.length << 16) | (key.length << 8));
    view.setUint32(at + record.COUNT, count);
    view.setUint32(at + record.FIRST_ID_HIGH, idHigh);
    view.setUint32(at + record.FIRST_ID_LOW, idLow);
    view.setFloat64(at + record.DUE, due);
    view.setFloat64(at + record.EXPIRY, expiry);
    copyName(topic, bytes, at + record.NAMES);
    copyName(key, bytes, at + record.NAMES + topic.length);
    const entries = at + record.NAMES + names;
    bytes.set(source.subarray(start, end), entries);
    segment.used = at + length;
    this.position += length;
    this.segment = this.#current;
    this.recordOffset = at;
    this.entriesOffset = entries;
    return segment;
  }

  /**
   * Copies the header of a record and some of its entries to where they are safe from a sparse segment's end. Leaves
   * the place in `segment`, `recordOffset`, `entriesOffset`.
   */
  shelter(from: Segment, recordOffset: number, start: number, end: number): Segment {
    const names =
      from.view.getUint8(recordOffset + record.TOPIC_LENGTH) + from.view.getUint8(recordOffset + record.KEY_LENGTH);
    const header = record.NAMES + names;
    const length = header + end - start;
    let segment = this.segments[this.#shelter];
    if (segment === undefined || segment.used + length > segment.bytes.length) {
      segment = this.#begin(length, this.#shelter);
      this.#shelter = this.segment;
    }
    const at = segment.used;
    segment.bytes.set(from.bytes.subarray(recordOffset, recordOffset + header), at);
    segment.bytes.set(from.bytes.subarray(start, end), at + header);
    segment.used = at + length;
    this.segment = this.#shelter;
    this.recordOffset = at;
    this.entriesOffset = at + header;
    return segment;
  }

  /** Whether records are still being added to a segment. */
  isOpen(number: number): boolean {
    return number === this.#current || number === this.#shelter;
  }

  /** A segment that is known to exist. */
  at(number: number): Segment {
    const segment = this.segments[number];
    if (segment === undefined) throw new Error(`log: segment ${number} is gone`);
    return segment;
  }

  /** `count` messages no longer need a segment. */
  release(number: number, count: number): void {
    const segment = this.at(number);
    segment.live -= count;
    if (segment.live < 0) throw new Error(`log: segment ${number} was released too often`);
    if (segment.live === 0 && !this.isOpen(number)) this.#drop(number, segment);
  }

  /** Ends the segment `open` and begins one with room for `length` bytes, whose number is left in `segment`. */
  #begin(length: number, open: number): Segment {
    const full = this.segments[open];
    if (full !== undefined && full.live === 0) this.#drop(open, full);
    const size = Math.max(length, this.segmentBytes);
    const segment = (size === this.segmentBytes ? this.#spare.pop() : undefined) ?? new Segment(new Uint8Array(size));
    this.segment = this.#freeNumbers.pop() ?? this.segments.length;
    this.segments[this.segment] = segment;
    this.bytes += size;
    this.rolls++;
    return segment;
  }

  #drop(number: number, segment: Segment): void {
    this.segments[number] = undefined;
    this.#freeNumbers.push(number);
    this.bytes -= segment.bytes.length;
    segment.used = 0;
    segment.total = 0;
    if (segment.bytes.length === this.segmentBytes && this.#spare.length < SPARE_SEGMENTS) this.#spare.push(segment);
  }
}

/** Names are short: a loop is done before a call of `set` has begun. */
const copyName = (name: Uint8Array, to: Uint8Array, at: number): void => {
  for (let i = 0; i < name.length; i++) to[at + i] = name[i] ?? 0;
};
