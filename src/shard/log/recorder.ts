/**
 * Appends STATE, DIRECTORY and IDS records to the log: what happens to messages, to topics and queues, and to ids.
 * Without a journal it appends nothing.
 *
 * Messages of one queue that change in the same way one after another share a STATE record, and consecutive ids share a
 * range of it: an ack of a thousand messages is a record of 48 bytes.
 */
import { packHead } from "../../protocol/head.js";
import type { Log } from "./log.js";
import type { Page } from "./page.js";
import * as record from "./record.js";

/** The new state of messages: one of extent.ts, with what belongs to it. */
export interface StateChange {
  readonly state: number;
  readonly reason: number;
  readonly retry: number;
  /** FLAGS of an extent. */
  readonly flags: number;
  /** When they are due or have died, milliseconds since 1970. */
  readonly time: number;
  /** Failures that led to it, as src/protocol/failure.ts lays them out. Default: none. */
  readonly failures?: Uint8Array | undefined;
}

/** The messages are in no queue any more. */
export const GONE: StateChange = { state: 0, reason: 0, retry: 0, flags: 0, time: 0 };

/** The body of a DIRECTORY record: see record.ts. */
export type DirectoryEntry = readonly [string, ...unknown[]];

/** What DIRECTORY records are about: a topic or a queue. */
export interface DirectoryItem {
  /** What a recovery restores it from. */
  readonly entry: DirectoryEntry;
  /** The journal knows of it, or would if there were one. */
  isRecorded: boolean;
  /** The last segment that names it: see checkpoint.ts. */
  namedIn: number;
}

export class Recorder {
  /** The log is being read back: nothing is appended. */
  isReplaying = false;
  /** The last STATE record, and the log's position behind it. */
  #page: Page | undefined;
  #at = 0;
  #length = 0;
  #position = -1;
  #queue = -1;
  #change: StateChange = GONE;

  constructor(readonly log: Log) {}

  /** `count` messages from an id on have a new state. `level`: the `Durability` of the record. */
  state(queue: number, change: StateChange, idHigh: number, idLow: number, count: number, level: number): void {
    const { log } = this;
    if (this.isReplaying) return;
    if (level > log.demand) log.demand = level;
    if (!this.#continues(queue, change) || !this.#extend(idHigh, idLow, count)) {
      this.#begin(queue, change, idHigh, idLow, count);
    }
    this.#position = log.position;
  }

  /** A topic or queue was made, changed or deleted. */
  directory(entry: DirectoryEntry, level: number): void {
    const { log } = this;
    if (!log.isJournalled || this.isReplaying) return;
    if (level > log.demand) log.demand = level;
    const body = packHead(entry);
    const page = log.reserve(record.DIRECTORY_BODY + body.length);
    const at = log.recordOffset;
    page.view.setUint32(at + record.TYPE, record.RecordType.DIRECTORY << 24);
    page.view.setUint32(at + record.TYPE + 4, 0);
    page.bytes.set(body, at + record.DIRECTORY_BODY);
  }

  /** No id of a millisecond after `ceiling` (since the EPOCH of ids) is handed out before the next of these records. */
  ids(ceiling: number, level: number): void {
    const { log } = this;
    if (!log.isJournalled) return;
    if (level > log.demand) log.demand = level;
    const page = log.reserve(record.IDS_BYTES);
    const at = log.recordOffset;
    page.view.setUint32(at + record.TYPE, record.RecordType.IDS << 24);
    page.view.setUint32(at + record.TYPE + 4, 0);
    page.view.setFloat64(at + record.CEILING, ceiling);
  }

  #begin(queue: number, change: StateChange, idHigh: number, idLow: number, count: number): void {
    const { log } = this;
    const { failures } = change;
    const ranges = record.rangesBehind(failures?.length ?? 0);
    const length = ranges + record.RANGE_BYTES;
    const page = log.reserve(length);
    const at = log.recordOffset;
    const { view } = page;
    if (failures !== undefined && failures.length > 0) {
      view.setUint32(at + ranges - 4, 0);
      page.bytes.set(failures, at + record.FAILURES);
    }
    view.setUint32(
      at + record.TYPE,
      (record.RecordType.STATE << 24) | (change.state << 16) | (change.reason << 8) | change.flags,
    );
    view.setUint32(at + record.QUEUE, queue);
    view.setUint32(at + record.RETRY, (change.retry << 16) | (failures?.length ?? 0));
    view.setUint32(at + record.RETRY + 4, 0);
    view.setFloat64(at + record.TIME, change.time);
    this.#page = page;
    this.#at = at;
    this.#length = length;
    this.#queue = queue;
    this.#change = change;
    this.#range(idHigh, idLow, count);
  }

  /** Whether the last record of the log is a STATE record for the same change. */
  #continues(queue: number, change: StateChange): boolean {
    const page = this.#page;
    if (page === undefined || this.#position !== this.log.position || page.written > this.#at) return false;
    return queue === this.#queue && (change === this.#change || isSame(change, this.#change));
  }

  #extend(idHigh: number, idLow: number, count: number): boolean {
    const page = this.#page as Page;
    const last = this.#at + this.#length - record.RANGE_BYTES;
    const known = page.view.getUint32(last + record.RANGE_COUNT);
    if (
      page.view.getUint32(last + record.RANGE_ID_LOW) + known === idLow &&
      page.view.getUint32(last + record.RANGE_ID_HIGH) === idHigh
    ) {
      page.view.setUint32(last + record.RANGE_COUNT, known + count);
      return true;
    }
    if (!this.log.extend(page, this.#at, this.#length, record.RANGE_BYTES)) return false;
    this.#length += record.RANGE_BYTES;
    this.#range(idHigh, idLow, count);
    return true;
  }

  /** Writes the last range, and the padding behind it. */
  #range(idHigh: number, idLow: number, count: number): void {
    const { view } = this.#page as Page;
    const end = this.#at + this.#length;
    if ((end & 7) !== 0) view.setUint32(end, 0);
    const at = end - record.RANGE_BYTES;
    view.setUint32(at + record.RANGE_ID_HIGH, idHigh);
    view.setUint32(at + record.RANGE_ID_LOW, idLow);
    view.setUint32(at + record.RANGE_COUNT, count);
  }
}

const isSame = (a: StateChange, b: StateChange): boolean =>
  a.state === b.state &&
  a.reason === b.reason &&
  a.retry === b.retry &&
  a.flags === b.flags &&
  a.time === b.time &&
  a.failures === b.failures;
