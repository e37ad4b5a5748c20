/**
 * The pulse of a shard's thread: four words of shared memory in which it says what it is doing and that it makes
 * progress. The main thread's watchdog reads them; nothing else is published with them.
 *
 * ```
 *  word 0  BEATS       counts progress, and wraps
 *  word 1  DOING       `Doing`
 *  word 2  OP          of the present or last request
 *  word 3  CONNECTION  of that request
 * ```
 */
import { Op } from "../protocol/op.js";

const BEATS = 0;
const DOING = 1;
const OP = 2;
const CONNECTION = 3;

export const PULSE_BYTES = 4 * Int32Array.BYTES_PER_ELEMENT;

export const Doing = {
  starting: 0,
  replaying: 1,
  requests: 2,
  turn: 3,
  answers: 4,
  chores: 5,
  ending: 6,
  disk: 7,
  outbox: 8,
  asleep: 9,
} as const;

export type DoingCode = (typeof Doing)[keyof typeof Doing];

const TEXTS: Readonly<Record<DoingCode, string>> = {
  [Doing.starting]: "starting",
  [Doing.replaying]: "replaying its journal",
  [Doing.requests]: "carrying out requests",
  [Doing.turn]: "firing timers and handing out messages",
  [Doing.answers]: "committing and sending answers",
  [Doing.chores]: "looking after its journal",
  [Doing.ending]: "ending",
  [Doing.disk]: "waiting for the disk",
  [Doing.outbox]: "waiting for room in its outbox",
  [Doing.asleep]: "asleep",
};

/** While it does one of these, a lack of progress is not its fault: another thread would wait just as long. */
const WAITS: ReadonlySet<number> = new Set([Doing.starting, Doing.disk, Doing.outbox, Doing.asleep]);

const OP_NAMES = new Map<number, string>(Object.entries(Op).map(([name, op]) => [op, name]));

/** The thread's side. */
export class Pulse {
  readonly #words: Int32Array;

  /** `memory` is what the watchdog reads. Without it nothing is shared and nobody watches. */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(PULSE_BYTES)) {
    this.#words = new Int32Array(memory);
  }

  /** It has made progress. */
  beat(): void {
    Atomics.add(this.#words, BEATS, 1);
  }

  /** Sets what it is doing from now on. Returns what it was doing before. */
  at(doing: DoingCode): DoingCode {
    const before = this.#words[DOING] as DoingCode;
    this.#words[DOING] = doing;
    return before;
  }

  /** Sets the request that it carries out now. Plain stores, because there is one per frame. */
  carriesOut(op: number, connection: number): void {
    this.#words[OP] = op;
    this.#words[CONNECTION] = connection;
  }
}

/** The watchdog's side. */
export class PulseReader {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Changes whenever the thread makes progress. */
  get beats(): number {
    return Atomics.load(this.#words, BEATS);
  }

  get isAsleep(): boolean {
    return Atomics.load(this.#words, DOING) === Doing.asleep;
  }

  /** It waits for something else, such as the disk. */
  get isWaiting(): boolean {
    return WAITS.has(Atomics.load(this.#words, DOING));
  }

  /** What it is doing, for the log: "carrying out CONFIGURE of connection 12". */
  get doing(): string {
    const doing = Atomics.load(this.#words, DOING) as DoingCode;
    const op = OP_NAMES.get(Atomics.load(this.#words, OP));
    if (doing !== Doing.requests || op === undefined) return TEXTS[doing];
    return `carrying out ${op} of connection ${Atomics.load(this.#words, CONNECTION)}`;
  }
}
