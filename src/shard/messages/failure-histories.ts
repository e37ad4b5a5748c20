/**
 * What a topic knows of the failures of its messages. A history is the number of its last failure, which is linked to the
 * one before, so histories that begin in the same way share their beginnings: a million messages that fail together twice
 * have two failures in all. 0 is the history of a message that has not failed.
 *
 * ```
 *  word  0  the failure before, 0: none      3  how many refer to it: extents, and failures behind it
 *        1  its cause                        4  failures of the history
 *        2  its number                       5  the failure last added behind it, 0: none
 * ```
 *
 * A cause is how, by whom and why, and is there once. What all of it takes is bounded. Beyond that a failure loses first its
 * reason, then the failures before it, and at last is not kept.
 */
import { FAILURE_TEXTS, LAST_FAILURES, readFailures, writeFailure } from "../../protocol/failure.js";
import { readText } from "../../protocol/text.js";

const BEFORE = 0;
const CAUSE = 1;
const NUMBER = 2;
const REFERENCES = 3;
const LENGTH = 4;
const BEHIND = 5;
const WORDS = 6;

const NODE_BYTES = WORDS * 4 + 8;
const INITIAL_NODES = 16;

/** Failures that a history has. */
const MAX_LENGTH = LAST_FAILURES + 1;

/** Of the memory for all histories of a shard, one topic has at most so much, and the causes of that so much again. */
const SHARE = 1 / 2;

/** Memory of a cause beside its texts. */
const CAUSE_BYTES = 200;

export interface Cause {
  /** A `Failed` of src/protocol/failure.ts. */
  readonly how: number;
  readonly consumer: string;
  readonly reason: string;
}

interface KnownCause extends Cause {
  readonly key: string;
  /** Of its texts, in UTF-8. */
  readonly textBytes: number;
  /** Of memory. */
  readonly bytes: number;
  references: number;
}

/** Where memory is charged to, and how much there is. */
export interface FailureAccount {
  failureBytes: number;
  readonly maxFailureBytes: number;
}

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

export class FailureHistories {
  /** Of failure n from n × WORDS on; number 0 is none, of which only BEHIND is used. */
  #words = new Int32Array(INITIAL_NODES * WORDS);
  #times = new Float64Array(INITIAL_NODES);
  #used = 1;
  /** The first free failure; others follow through BEFORE. */
  #free = 0;
  /** Failures that are there. */
  #size = 0;
  readonly #causes: (KnownCause | undefined)[] = [];
  readonly #freeCauses: number[] = [];
  readonly #causeNumbers = new Map<string, number>();
  #causeBytes = 0;
  /** The failure that was encoded last by itself: its number, time and cause; -1: there is none. */
  #encodedNumber = 0;
  #encodedTime = 0;
  #encodedCause = -1;
  #encodedBytes: Uint8Array = NOTHING;

  constructor(readonly account: FailureAccount) {
    account.failureBytes += this.#tableBytes;
  }

  /** How many failures a message has had. */
  count(history: number): number {
    return history === 0 ? 0 : (this.#words[history * WORDS + NUMBER] as number);
  }

  /** How the last failure of a history was and who had the message then, and what was said last, be it of an earlier one. */
  lastCause(history: number): Cause {
    const causeOf = (at: number): Cause => this.#causes[this.#words[at * WORDS + CAUSE] as number] as KnownCause;
    const { how, consumer } = causeOf(history);
    let at = history;
    while (at !== 0 && causeOf(at).reason === "") at = this.#words[at * WORDS + BEFORE] as number;
    return { how, consumer, reason: at === 0 ? "" : causeOf(at).reason };
  }

  /** One more refers to a history. */
  share(history: number): void {
    if (history !== 0) (this.#words[history * WORDS + REFERENCES] as number)++;
  }

  /** One less does. */
  release(history: number): void {
    for (let at = history; at !== 0; ) {
      const words = this.#words;
      const word = at * WORDS;
      const left = (words[word + REFERENCES] as number) - 1;
      words[word + REFERENCES] = left;
      if (left > 0) return;
      const before = words[word + BEFORE] as number;
      if (words[before * WORDS + BEHIND] === at) words[before * WORDS + BEHIND] = 0;
      this.#releaseCause(words[word + CAUSE] as number);
      words[word + BEFORE] = this.#free;
      this.#free = at;
      if (--this.#size === 0) return this.#reset();
      at = before;
    }
  }

  /**
   * The history of a message that has failed once more. Whoever refers to it refers to what comes back instead. 0: there is no
   * room for any.
   */
  add(history: number, number: number, time: number, cause: Cause): number {
    return this.#append(
      this.#length(history) < MAX_LENGTH ? history : this.#withoutSecond(history),
      number,
      time,
      cause,
    );
  }

  /** As `add`, of those encoded failures that the history does not have yet. */
  addEncoded(history: number, bytes: Uint8Array, view: DataView, start: number, end: number): number {
    let tip = history;
    for (const { number, time, how, consumerStart, reasonStart, end: next } of readFailures(view, start, end)) {
      if (number <= this.count(tip)) continue;
      const consumer = readText(bytes, consumerStart, reasonStart);
      tip = this.add(tip, number, time, { how, consumer, reason: readText(bytes, reasonStart, next) });
    }
    return tip;
  }

  /**
   * The last failure of a history alone, as src/protocol/failure.ts lays it out: the same bytes as long as it is the same,
   * whatever was before it, so that messages that fail together share a record.
   */
  encodeLast(history: number): Uint8Array {
    const word = history * WORDS;
    const number = this.#words[word + NUMBER] as number;
    const cause = this.#words[word + CAUSE] as number;
    const time = this.#times[history] as number;
    if (this.#encodedCause !== cause || this.#encodedNumber !== number || this.#encodedTime !== time) {
      this.#encodedBytes = this.#encode([history]);
      this.#encodedCause = cause;
      this.#encodedNumber = number;
      this.#encodedTime = time;
    }
    return this.#encodedBytes;
  }

  /** All of a history. */
  encode(history: number): Uint8Array {
    return this.#encode(this.#failuresOf(history));
  }

  /** The bytes of all of a history, divided among those who refer to it. */
  bytesFor(history: number): number {
    let bytes = 0;
    for (const one of this.#failuresOf(history)) {
      const { textBytes } = this.#causes[this.#words[one * WORDS + CAUSE] as number] as KnownCause;
      bytes += FAILURE_TEXTS + textBytes;
    }
    return bytes / (this.#words[history * WORDS + REFERENCES] as number);
  }

  /** Nothing refers to any of it any more. */
  clear(): void {
    this.account.failureBytes -= this.#tableBytes + this.#causeBytes;
    this.#causeBytes = 0;
  }

  /** Throws when `references`, how many extents have each history, contradict what it knows. */
  invariants(references: ReadonlyMap<number, number>): void {
    const counts = new Map(references);
    const all = new Set([...references.keys()].flatMap((history) => this.#failuresOf(history)));
    for (const at of all) {
      const before = this.#words[at * WORDS + BEFORE] as number;
      if (before !== 0) counts.set(before, (counts.get(before) ?? 0) + 1);
      if (this.#length(at) !== this.#length(before) + 1) throw new Error("failures: a wrong length");
      if (this.#length(at) > MAX_LENGTH) throw new Error("failures: a history is too long");
      if (this.count(before) >= this.count(at)) throw new Error("failures: numbers do not ascend");
    }
    if (all.size !== this.#size) throw new Error(`failures: there are ${this.#size}, and ${all.size} in histories`);
    for (const at of all) {
      if (this.#words[at * WORDS + REFERENCES] !== counts.get(at)) throw new Error("failures: wrong references");
    }
    const causes = this.#causes.reduce((sum, cause) => sum + (cause?.references ?? 0), 0);
    if (causes !== this.#size) throw new Error("failures: wrong references to causes");
  }

  get #tableBytes(): number {
    return this.#times.length * NODE_BYTES;
  }

  #length(history: number): number {
    return history === 0 ? 0 : (this.#words[history * WORDS + LENGTH] as number);
  }

  /** From the first one on. */
  #failuresOf(history: number): number[] {
    const all: number[] = [];
    for (let at = history; at !== 0; at = this.#words[at * WORDS + BEFORE] as number) all.push(at);
    return all.reverse();
  }

  #withoutSecond(history: number): number {
    const [first = 0, , ...kept] = this.#failuresOf(history);
    let tip = first;
    this.share(tip);
    for (const one of kept) {
      const cause = this.#causes[this.#words[one * WORDS + CAUSE] as number] as KnownCause;
      tip = this.#append(tip, this.#words[one * WORDS + NUMBER] as number, this.#times[one] as number, cause);
    }
    this.release(history);
    return tip;
  }

  /** Adds a failure behind another one; many may share it. */
  #append(before: number, number: number, time: number, cause: Cause): number {
    const known = this.#words[before * WORDS + BEHIND] as number;
    if (known !== 0 && this.#is(known, number, time, cause)) {
      this.share(known);
      this.release(before);
      return known;
    }
    if (this.#hasRoom()) return this.#make(before, number, time, cause);
    if (before === 0) return 0;
    // Without those before it, which make room if nobody else has them.
    this.release(before);
    return this.#append(0, number, time, cause);
  }

  /** The caller's reference to `before` becomes that of the new failure. */
  #make(before: number, number: number, time: number, cause: Cause): number {
    const causeNumber = this.#causeOf(cause);
    const words = this.#words;
    let node = this.#free;
    if (node === 0) node = this.#used++;
    else this.#free = words[node * WORDS + BEFORE] as number;
    const at = node * WORDS;
    words[at + BEFORE] = before;
    words[at + CAUSE] = causeNumber;
    words[at + NUMBER] = number;
    words[at + REFERENCES] = 1;
    words[at + LENGTH] = this.#length(before) + 1;
    words[at + BEHIND] = 0;
    words[before * WORDS + BEHIND] = node;
    this.#times[node] = time;
    this.#size++;
    return node;
  }

  #is(node: number, number: number, time: number, { how, consumer, reason }: Cause): boolean {
    if (this.#words[node * WORDS + NUMBER] !== number || this.#times[node] !== time) return false;
    const known = this.#causes[this.#words[node * WORDS + CAUSE] as number];
    return known?.how === how && known.consumer === consumer && known.reason === reason;
  }

  /** Whether there is room for another failure; makes some if there may be more. */
  #hasRoom(): boolean {
    if (this.#free !== 0 || this.#used < this.#times.length) return true;
    if (!this.#mayTake(this.#tableBytes, SHARE)) return false;
    const words = new Int32Array(this.#words.length * 2);
    words.set(this.#words);
    const times = new Float64Array(this.#times.length * 2);
    times.set(this.#times);
    this.account.failureBytes += this.#tableBytes;
    this.#words = words;
    this.#times = times;
    return true;
  }

  #mayTake(bytes: number, share: number): boolean {
    const { failureBytes, maxFailureBytes } = this.account;
    if (failureBytes + bytes > maxFailureBytes) return false;
    return this.#tableBytes + this.#causeBytes + bytes <= maxFailureBytes * share;
  }

  /** Beyond what causes may take it has no reason, and then no consumer. */
  #causeOf(cause: Cause): number {
    const { how, consumer, reason } = cause;
    const key = `${how} ${consumer.length} ${consumer}${reason}`;
    const known = this.#causeNumbers.get(key);
    if (known !== undefined) {
      (this.#causes[known] as KnownCause).references++;
      return known;
    }
    const characters = consumer.length + reason.length;
    const textBytes = encoder.encode(consumer).length + encoder.encode(reason).length;
    // As a key and as itself. Text that is not ASCII alone may take two bytes for each of its characters.
    const bytes = CAUSE_BYTES + characters * (textBytes === characters ? 2 : 4);
    if (!this.#mayTake(bytes, SHARE * SHARE)) {
      if (reason !== "") return this.#causeOf({ how, consumer, reason: "" });
      if (consumer !== "") return this.#causeOf({ how, consumer: "", reason });
    }
    const number = this.#freeCauses.pop() ?? this.#causes.length;
    this.#causes[number] = { how, consumer, reason, key, textBytes, bytes, references: 1 };
    this.#causeNumbers.set(key, number);
    this.#causeBytes += bytes;
    this.account.failureBytes += bytes;
    return number;
  }

  #releaseCause(number: number): void {
    const cause = this.#causes[number] as KnownCause;
    if (--cause.references > 0) return;
    // Another one will have its number.
    if (this.#encodedCause === number) this.#encodedCause = -1;
    this.#causes[number] = undefined;
    this.#freeCauses.push(number);
    this.#causeNumbers.delete(cause.key);
    this.#causeBytes -= cause.bytes;
    this.account.failureBytes -= cause.bytes;
  }

  /** Gives back the memory of a worse time: nothing is left. */
  #reset(): void {
    this.account.failureBytes -= this.#tableBytes;
    this.#words = new Int32Array(INITIAL_NODES * WORDS);
    this.#times = new Float64Array(INITIAL_NODES);
    this.account.failureBytes += this.#tableBytes;
    this.#used = 1;
    this.#free = 0;
    this.#causes.length = 0;
    this.#freeCauses.length = 0;
  }

  #encode(failures: readonly number[]): Uint8Array {
    const causes = failures.map((one) => this.#causes[this.#words[one * WORDS + CAUSE] as number] as KnownCause);
    const length = causes.reduce((sum, { textBytes }) => sum + FAILURE_TEXTS + textBytes, 0);
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const [i, { how, consumer, reason }] of causes.entries()) {
      const [consumerBytes, reasonBytes] = [encoder.encode(consumer), encoder.encode(reason)];
      const one = failures[i] as number;
      const number = this.#words[one * WORDS + NUMBER] as number;
      at = writeFailure(bytes, view, at, number, this.#times[one] as number, how, consumerBytes, reasonBytes);
    }
    return bytes;
  }
}
