/**
 * Segment compaction: writes what is still needed of several segments into one. It runs in the pool, beside the shard.
 * It reads sealed segments only, and writes a file that means nothing until the journal gives it its name.
 *
 * The new segment holds: STATE records about messages of earlier segments, records of deleted queues and topics, the
 * queues that messages are kept for, a KEEP for each run of messages in the plan (keep-plan.ts of src/shard), and what is
 * known of their failures. The state of messages that the compacted segments published is in their KEEPs; other records about them are dropped.
 */

import { unpackHead } from "../protocol/head.js";
import { idOrder } from "../protocol/id.js";
import { KEEP_WORDS } from "../shard/compaction/keep-plan.js";
import { type CompactedSegment, PLACE_WORDS } from "../shard/compaction/relocation.js";
import * as record from "../shard/log/record.js";
import type { Checksum } from "./checksum.js";
import { DamageError } from "./damage-error.js";
import type { Disk, DiskFile } from "./disk.js";
import { eachKeep, writeKeep } from "./keep-writer.js";
import { segmentPath } from "./layout.js";
import { PublishedIds } from "./published-ids.js";
import { type NewSegment, RecordWriter } from "./record-writer.js";
import { SegmentFile } from "./segment-file.js";

const { RecordType } = record;

export interface CompactInput {
  readonly directory: string;
  /** The segments to compact, ascending. */
  readonly sequences: readonly number[];
  readonly head: NewSegment;
  /** Where to write the new segment: a temporary name that is not taken. */
  readonly path: string;
  readonly pageBytes: number;
  /** First and last id, by `idOrder`, of each earlier segment, all of which stay. Empty: there is no earlier one. */
  readonly before: Float64Array;
  readonly keeps: Uint32Array;
  readonly claims: Uint8Array;
  readonly bodies: readonly Uint8Array[];
  readonly failures: readonly Uint8Array[];
}

/** Throws when a segment cannot be read or is damaged, or when the new one cannot be written; it is removed then. */
export const compact = (disk: Disk, checksum: Checksum, input: CompactInput): CompactedSegment => {
  const file = disk.open(input.path, "create");
  try {
    const written = new SegmentCompaction(disk, checksum, input, file).run();
    file.close();
    return written;
  } catch (error) {
    file.close();
    disk.remove(input.path);
    throw error;
  }
};

class SegmentCompaction {
  readonly #disk: Disk;
  readonly #checksum: Checksum;
  readonly #input: CompactInput;
  readonly #writer: RecordWriter;
  readonly #published = new PublishedIds();
  /** Bodies of DIRECTORY records that delete something, by what they delete. */
  readonly #deletions = new Map<string, Uint8Array>();

  constructor(disk: Disk, checksum: Checksum, input: CompactInput, file: DiskFile) {
    this.#disk = disk;
    this.#checksum = checksum;
    this.#input = input;
    this.#writer = new RecordWriter(file, checksum, input.head, input.pageBytes);
  }

  run(): CompactedSegment {
    const { head, sequences, bodies } = this.#input;
    const begin = this.#writer.size;
    for (const sequence of sequences) this.#readStates(sequence);
    for (const body of this.#deletions.values()) this.#writer.directory(body);
    const carriedBytes = this.#writer.size - begin;
    // After the deletions, because queue numbers are reused.
    for (const body of bodies) this.#writer.directory(body);
    const places = this.#writeKeeps();
    for (const body of this.#input.failures) this.#writer.state(body);
    this.#writer.seal();
    const { sequence, replaces } = head;
    return { sequence, replaces, pages: Uint32Array.from(this.#writer.pages), places, carriedBytes };
  }

  /** Copies the STATE of messages that none of the compacted segments has published. */
  #readStates(sequence: number): void {
    const { directory, pageBytes } = this.#input;
    const path = segmentPath(directory, sequence);
    const file = this.#disk.open(path, "read");
    try {
      let memory = new Uint8Array(0);
      const buffer = (length: number): Uint8Array => {
        if (memory.length < length) memory = new Uint8Array(length);
        return memory;
      };
      const page = (_: number, used: number): void => {
        const view = new DataView(memory.buffer);
        for (let at = 0; at < used; at += record.align(view.getUint32(at + record.LENGTH))) this.#look(view, at);
      };
      const walk = new SegmentFile(path, sequence, file, this.#checksum).walk({ buffer, page }, pageBytes);
      if (!walk.isSealed) throw new DamageError(path, walk.end, walk.fault);
    } finally {
      file.close();
    }
  }

  #look(view: DataView, at: number): void {
    const type = view.getUint8(at + record.TYPE);
    if (type === RecordType.PUBLISH || type === RecordType.KEEP) {
      const count = view.getUint16(at + record.COUNT);
      this.#published.add(view.getUint32(at + record.FIRST_ID_HIGH), view.getUint32(at + record.FIRST_ID_LOW), count);
    } else if (this.#input.before.length === 0) {
      // There is no earlier segment that the record could be about.
      return;
    } else if (type === RecordType.STATE) {
      this.#state(view, at);
    } else if (type === RecordType.DIRECTORY) {
      this.#deletion(view, at);
    }
  }

  /** Deletions are kept: they also delete messages of earlier segments. */
  #deletion(view: DataView, at: number): void {
    const body = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).subarray(
      at + record.DIRECTORY_BODY,
      at + view.getUint32(at + record.LENGTH),
    );
    const [kind, name] = unpackHead(body, 0, body.length);
    if (kind === "queue deleted" || kind === "topic deleted")
      this.#deletions.set(`${kind} ${String(name)}`, body.slice());
  }

  #state(view: DataView, at: number): void {
    const begin = record.rangesOf(view, at);
    const end = at + view.getUint32(at + record.LENGTH);
    const ranges: number[] = [];
    for (let range = begin; range < end; range += record.RANGE_BYTES) {
      const high = view.getUint32(range + record.RANGE_ID_HIGH);
      const low = view.getUint32(range + record.RANGE_ID_LOW);
      const count = view.getUint32(range + record.RANGE_COUNT);
      for (let done = 0; done < count; ) {
        const run = this.#published.run(high, low + done, count - done);
        if (run < 0 && this.#isBefore(high, low + done, -run)) ranges.push(high, low + done, -run);
        done += Math.abs(run);
      }
    }
    if (ranges.length === 0) return;
    const writer = this.#writer;
    const to = writer.begin(RecordType.STATE, begin - at + ranges.length * 4);
    for (let i = record.TYPE; i < begin - at; i += 4) writer.view.setUint32(to + i, view.getUint32(at + i));
    for (const [i, word] of ranges.entries()) writer.view.setUint32(to + begin - at + i * 4, word);
    writer.end();
  }

  /** Whether an earlier segment may hold some of these messages. */
  #isBefore(high: number, low: number, count: number): boolean {
    const { before } = this.#input;
    const first = idOrder(high, low);
    for (let i = 0; i < before.length; i += 2) {
      if (first <= (before[i + 1] as number) && first + count > (before[i] as number)) return true;
    }
    return false;
  }

  /** Returns where each message was written, as in `CompactedSegment`. */
  #writeKeeps(): Uint32Array {
    const { directory, keeps } = this.#input;
    const places = new Uint32Array((keeps.length / KEEP_WORDS) * PLACE_WORDS);
    const open = (sequence: number): DiskFile => this.#disk.open(segmentPath(directory, sequence), "read");
    let at = 0;
    eachKeep(this.#input, open, (keep, claims, file) => {
      places.set(writeKeep(this.#writer, file, keep, claims), at);
      at += PLACE_WORDS;
    });
    return places;
  }
}
