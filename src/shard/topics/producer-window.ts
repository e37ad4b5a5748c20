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

const SEQUENCE = 0;
const COUNT = 1;
const ID_HIGH = 2;
const ID_LOW = 3;
const LEVEL = 4;
const RUN = 5;

const FIRST_RUNS = 2;
const WORD_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** Runs of one record of a checkpoint: 20 KiB. */
const PART_RUNS = 512;
const RUN_BYTES = RUN * WORD_BYTES;

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
  #runs = new Float64Array(FIRST_RUNS * RUN);
  /** The runs are [#first, #end) of it, in words. */
  #first = 0;
  #end = 0;
  #messages = 0;

  constructor(
    readonly topic: string,
    readonly name: string,
  ) {
    this.nameBytes = new TextEncoder().encode(name);
  }

  /** The sequence behind the highest that was taken. */
  get next(): number {
    return this.#end === this.#first ? this.floor : this.#runEnd(this.#end - RUN);
  }

  get bytes(): number {
    return WINDOW_BYTES + this.#runs.byteLength;
  }

  /**
   * How many messages from a sequence on were taken, up to `max`; what they got is left in `idHigh`, `idLow` and `level`. Below
   * zero: so many were not, or are forgotten.
   */
  known(sequence: number, max: number): number {
    const runs = this.#runs;
    if (sequence < this.floor) return -Math.min(max, this.floor - sequence);
    const at = this.#find(sequence);
    if (at === this.#end) return -max;
    const begin = runs[at + SEQUENCE] as number;
    if (begin > sequence) return -Math.min(max, begin - sequence);
    this.idHigh = runs[at + ID_HIGH] as number;
    this.idLow = (runs[at + ID_LOW] as number) + sequence - begin;
    this.level = runs[at + LEVEL] as number;
    return Math.min(max, this.#runEnd(at) - sequence);
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
    if (this.#end > this.#first) {
      const last = this.#end - RUN;
      if (sequence < this.#runEnd(last)) return this.#insert(sequence, count, idHigh, idLow, level);
      if (this.#continues(last, sequence, idHigh, idLow, level)) {
        this.#runs[last + COUNT] = (this.#runs[last + COUNT] as number) + count;
        return;
      }
    }
    this.#room();
    this.#write(this.#end, sequence, count, idHigh, idLow, level);
    this.#end += RUN;
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
    this.#first = 0;
    this.#end = 0;
    this.#messages = 0;
  }

  /** Forgets what is below a sequence. */
  forget(sequence: number): void {
    if (sequence > this.floor) this.floor = sequence;
    while (this.#first < this.#end && this.#runEnd(this.#first) <= this.floor) this.#drop();
  }

  /** Forgets the oldest runs while there are so many `messages` without them, and those from before `oldest` (since 1970). */
  trim(messages: number, oldest: number): void {
    const runs = this.#runs;
    while (this.#first < this.#end) {
      const first = this.#first;
      const isOld = idTime(runs[first + ID_HIGH] as number, runs[first + ID_LOW] as number) < oldest;
      if (!isOld && this.#messages - (runs[first + COUNT] as number) < messages) break;
      this.floor = Math.max(this.floor, this.#runEnd(first));
      this.#drop();
    }
  }

  /**
   * What a recovery restores it from, in parts, which can be written one after another while messages are added: what is
   * only in memory is left out.
   */
  *parts(): Iterable<DirectoryItem> {
    for (let from = 0, isFirst = true; ; isFirst = false) {
      let at = this.#find(from);
      const begin = at;
      const end = Math.min(this.#end, at + PART_RUNS * RUN);
      if (begin === end && !isFirst) return;
      const view = new DataView(new ArrayBuffer(((end - begin) / RUN) * RUN_BYTES));
      let used = 0;
      for (; at < end; at += RUN) {
        if (this.#runs[at + LEVEL] === Durability.memory) continue;
        for (let word = 0; word < RUN; word++, used += WORD_BYTES)
          view.setFloat64(used, this.#runs[at + word] as number);
      }
      if (end > begin) from = this.#runEnd(end - RUN);
      const runs = new Uint8Array(view.buffer, 0, used);
      yield { entry: ["producer", this.topic, this.name, this.floor, runs, this.usedAt], isRecorded: true, namedIn: 0 };
      if (end === begin) return;
    }
  }

  /** Takes over a part. `usedAt`: without it one that remembers no message would be over, and its floor forgotten. */
  restorePart(floor: number, runs: Uint8Array, usedAt: number): void {
    if (usedAt > this.usedAt) this.usedAt = usedAt;
    const view = new DataView(runs.buffer, runs.byteOffset, runs.byteLength);
    const word = (at: number, n: number): number => view.getFloat64(at + n * WORD_BYTES);
    for (let at = 0; at + RUN_BYTES <= runs.length; at += RUN_BYTES) {
      this.#restore(word(at, SEQUENCE), word(at, COUNT), word(at, ID_HIGH), word(at, ID_LOW), word(at, LEVEL));
    }
    this.forget(floor);
  }

  /** As `trim`, of all runs: what was forgotten before may be among them. */
  finishRestore(messages: number, oldest: number): void {
    const runs = this.#runs;
    let to = this.#first;
    for (let at = this.#first; at < this.#end; at += RUN) {
      const isOld = idTime(runs[at + ID_HIGH] as number, runs[at + ID_LOW] as number) < oldest;
      if (isOld) this.#messages -= runs[at + COUNT] as number;
      else runs.copyWithin(to, at, at + RUN);
      if (isOld && to === this.#first) this.floor = Math.max(this.floor, this.#runEnd(at));
      if (!isOld) to += RUN;
    }
    this.#end = to;
    this.trim(messages, oldest);
  }

  /** Throws when the runs contradict each other. For tests. */
  invariants(): void {
    let messages = 0;
    let end = this.floor;
    for (let at = this.#first; at < this.#end; at += RUN) {
      const begin = this.#runs[at + SEQUENCE] as number;
      const isPartlyForgotten = at === this.#first && begin < end;
      if (begin < end && !isPartlyForgotten) throw new Error(`producer ${this.name}: a run at ${begin} behind ${end}`);
      end = this.#runEnd(at);
      messages += this.#runs[at + COUNT] as number;
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

  #runEnd(at: number): number {
    return (this.#runs[at + SEQUENCE] as number) + (this.#runs[at + COUNT] as number);
  }

  /** The first run that ends behind a sequence. */
  #find(sequence: number): number {
    let low = this.#first / RUN;
    let high = this.#end / RUN;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runEnd(middle * RUN) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low * RUN;
  }

  /** A late one: it was refused at first, when others behind it were taken. */
  #insert(sequence: number, count: number, idHigh: number, idLow: number, level: number): void {
    this.#room();
    const at = this.#find(sequence);
    this.#runs.copyWithin(at + RUN, at, this.#end);
    this.#write(at, sequence, count, idHigh, idLow, level);
    this.#end += RUN;
  }

  #continues(at: number, sequence: number, idHigh: number, idLow: number, level: number): boolean {
    const runs = this.#runs;
    return (
      this.#runEnd(at) === sequence &&
      (runs[at + ID_LOW] as number) + (runs[at + COUNT] as number) === idLow &&
      runs[at + ID_HIGH] === idHigh &&
      runs[at + LEVEL] === level
    );
  }

  #write(at: number, sequence: number, count: number, idHigh: number, idLow: number, level: number): void {
    const runs = this.#runs;
    runs[at + SEQUENCE] = sequence;
    runs[at + COUNT] = count;
    runs[at + ID_HIGH] = idHigh;
    runs[at + ID_LOW] = idLow;
    runs[at + LEVEL] = level;
  }

  #drop(): void {
    this.#messages -= this.#runs[this.#first + COUNT] as number;
    this.#first += RUN;
  }

  /** Makes room for one more run. The table shrinks as well, when most of it was forgotten. */
  #room(): void {
    const used = this.#end - this.#first;
    if (this.#end + RUN <= this.#runs.length) return;
    const size = Math.max(FIRST_RUNS * RUN, 2 * used);
    const runs = size === this.#runs.length ? this.#runs : new Float64Array(size);
    runs.set(this.#runs.subarray(this.#first, this.#end));
    this.#runs = runs;
    this.#first = 0;
    this.#end = used;
  }
}
