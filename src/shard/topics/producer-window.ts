/**
 * What a topic remembers of a producer: which of the messages that it has numbered were taken, and under which ids. A
 * publish that comes again is answered from here.
 *
 * Messages with consecutive numbers and ids make one **run**: five numbers, in the order of their sequences. Those of one
 * millisecond have consecutive ids, so a producer in full flow adds a run each millisecond, however much it publishes. What is
 * behind the `floor` is forgotten: too old, too much, or the producer has said that it knows.
 */
import { idTime } from "../../protocol/id.js";
import { Durability } from "../../protocol/op.js";
import type { DirectoryItem } from "../log/recorder.js";
import { RUN_BYTES, RunTable, readRun } from "./run-table.js";

/** Runs of one record of a checkpoint: 20 KiB. */
const PART_RUNS = 512;

/** Where a part is laid out. */
const PART = new DataView(new ArrayBuffer(PART_RUNS * RUN_BYTES));

/** Memory of a window without its runs: measured, rounded up. */
export const WINDOW_BYTES = 512;

export class ProducerWindow {
  readonly nameBytes: Uint8Array;
  /** Of lower sequences nothing is known any more. */
  floor = 0;
  /** When something was last added; milliseconds since 1970. */
  usedAt = Number.NEGATIVE_INFINITY;
  /** What `known` has found: the first id, and the `Durability` that the messages were taken with. */
  idHigh = 0;
  idLow = 0;
  level = 0;
  #runs = new RunTable();
  #messages = 0;

  constructor(
    readonly topic: string,
    readonly name: string,
  ) {
    this.nameBytes = new TextEncoder().encode(name);
  }

  /** The sequence behind the highest that was taken. */
  get next(): number {
    return this.#runs.last() ? this.#runs.end : this.floor;
  }

  /** No message is remembered. */
  get isEmpty(): boolean {
    return !this.#runs.first();
  }

  get bytes(): number {
    return WINDOW_BYTES + this.#runs.bytes;
  }

  /**
   * How many messages from a sequence on were taken, up to `max`; what they got is left in `idHigh`, `idLow` and `level`. Below
   * zero: so many were not, or are forgotten.
   */
  known(sequence: number, max: number): number {
    const runs = this.#runs;
    if (sequence < this.floor) return -Math.min(max, this.floor - sequence);
    if (!runs.seek(sequence)) return -max;
    const begin = runs.sequence;
    if (begin > sequence) return -Math.min(max, begin - sequence);
    this.idHigh = runs.idHigh;
    this.idLow = runs.idLow + sequence - begin;
    this.level = runs.level;
    return Math.min(max, runs.end - sequence);
  }

  /** Whether all of these messages were taken. */
  hasAll(sequence: number, count: number): boolean {
    for (let i = 0; i < count; ) {
      const n = this.known(sequence + i, count - i);
      if (n < 0) return false;
      i += n;
    }
    return true;
  }

  /** Messages were taken, none of which was known. */
  add(sequence: number, count: number, idHigh: number, idLow: number, level: number, now: number): void {
    if (now > this.usedAt) this.usedAt = now;
    this.#messages += count;
    const runs = this.#runs;
    if (!runs.last() || sequence >= runs.end) {
      if (this.#continues(sequence, idHigh, idLow, level)) runs.extend(count);
      else runs.append(sequence, count, idHigh, idLow, level);
      return;
    }
    // A late one: it was refused at first, when others behind it were taken.
    runs.insert(sequence, count, idHigh, idLow, level);
  }

  /**
   * The same of a batch that is read back, and that is known already if it is in a directory as well. `dedupWindow`: for how
   * long messages were remembered.
   */
  restore(sequence: number, count: number, idHigh: number, idLow: number, level: number, dedupWindow: number): void {
    // What was before had been forgotten by then.
    const isOver = this.isOver(idTime(idHigh, idLow), dedupWindow);
    if (isOver || sequence < this.floor || this.#contradicts(sequence, count, idHigh, idLow)) this.clear();
    this.#restore(sequence, count, idHigh, idLow, level);
  }

  #restore(sequence: number, count: number, idHigh: number, idLow: number, level: number): void {
    const at = idTime(idHigh, idLow);
    for (let i = Math.max(0, this.floor - sequence); i < count; ) {
      const n = this.known(sequence + i, count - i);
      if (n < 0) this.add(sequence + i, -n, idHigh, idLow + i, level, at);
      i += Math.abs(n);
    }
  }

  /** Whether nothing was added for so long that the producer is forgotten. */
  isOver(now: number, dedupWindow: number): boolean {
    return now - this.usedAt >= dedupWindow;
  }

  /** Forgets everything, as if the producer had never published. */
  clear(): void {
    this.floor = 0;
    this.#runs.clear();
    this.#messages = 0;
  }

  /** Forgets what is below a sequence. */
  forget(sequence: number): void {
    if (sequence > this.floor) this.floor = sequence;
    const runs = this.#runs;
    while (runs.first() && runs.end <= this.floor) this.#drop();
  }

  /** Forgets the oldest runs while there are so many `messages` without them, and those from before `oldest` (since 1970). */
  trim(messages: number, oldest: number): void {
    const runs = this.#runs;
    while (runs.first()) {
      const isOld = idTime(runs.idHigh, runs.idLow) < oldest;
      if (!isOld && this.#messages - runs.count < messages) break;
      this.floor = Math.max(this.floor, runs.end);
      this.#drop();
    }
  }

  /**
   * What a recovery restores it from, in parts, which can be written one after another while messages are added: what is
   * only in memory is left out.
   */
  *parts(): Iterable<DirectoryItem> {
    let from = 0;
    let isFirst = true;
    // Whenever this goes on, the cursor is somewhere else.
    while (this.#runs.seek(from) || isFirst) {
      const runs = this.#runs;
      let used = 0;
      for (let i = 0, isThere = runs.seek(from); isThere && i < PART_RUNS; i++) {
        if (runs.level !== Durability.memory) {
          runs.copyTo(PART, used);
          used += RUN_BYTES;
        }
        from = runs.end;
        isThere = runs.next();
      }
      isFirst = false;
      const bytes = new Uint8Array(PART.buffer).slice(0, used);
      yield {
        entry: ["producer", this.topic, this.name, this.floor, bytes, this.usedAt],
        isRecorded: true,
        namedIn: 0,
      };
    }
  }

  /** Takes over a part. `usedAt`: without it one that remembers no message would be over, and its floor forgotten. */
  restorePart(floor: number, runs: Uint8Array, usedAt: number): void {
    if (usedAt > this.usedAt) this.usedAt = usedAt;
    const view = new DataView(runs.buffer, runs.byteOffset, runs.byteLength);
    for (let at = 0; at + RUN_BYTES <= runs.length; at += RUN_BYTES) this.#restore(...readRun(view, at));
    this.forget(floor);
  }

  /** As `trim`, of all runs: what was forgotten before may be among them. */
  finishRestore(messages: number, oldest: number): void {
    const runs = this.#runs;
    const young = new RunTable();
    for (let isThere = runs.first(); isThere; isThere = runs.next()) {
      const { sequence, count, idHigh, idLow, level } = runs;
      if (idTime(idHigh, idLow) >= oldest) young.append(sequence, count, idHigh, idLow, level);
      else this.#messages -= count;
      if (!young.first()) this.floor = Math.max(this.floor, runs.end);
    }
    this.#runs = young;
    this.trim(messages, oldest);
  }

  /** Throws when the runs contradict each other. For tests. */
  invariants(): void {
    let messages = 0;
    let end = this.floor;
    const runs = this.#runs;
    for (let isThere = runs.first(), isFirst = true; isThere; isThere = runs.next(), isFirst = false) {
      const isPartlyForgotten = isFirst && runs.sequence < end && runs.end > end;
      if (runs.sequence < end && !isPartlyForgotten) {
        throw new Error(`producer ${this.name}: a run at ${runs.sequence} behind ${end}`);
      }
      end = runs.end;
      messages += runs.count;
    }
    if (messages !== this.#messages) {
      throw new Error(`producer ${this.name}: ${this.#messages} messages, and ${messages} in its runs`);
    }
  }

  /** Whether some of these messages are known under other ids. */
  #contradicts(sequence: number, count: number, idHigh: number, idLow: number): boolean {
    for (let i = 0; i < count; ) {
      const n = this.known(sequence + i, count - i);
      if (n > 0 && (this.idHigh !== idHigh || this.idLow !== idLow + i)) return true;
      i += Math.abs(n);
    }
    return false;
  }

  /** Whether a run continues that at the cursor. False if there is none. */
  #continues(sequence: number, idHigh: number, idLow: number, level: number): boolean {
    const runs = this.#runs;
    return (
      runs.last() &&
      runs.end === sequence &&
      runs.idLow + runs.count === idLow &&
      runs.idHigh === idHigh &&
      runs.level === level
    );
  }

  #drop(): void {
    this.#messages -= this.#runs.count;
    this.#runs.dropFirst();
  }
}
