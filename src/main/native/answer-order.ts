/**
 * Answers in the order of their requests, for protocols whose clients count them. Shards answer each in its own time: what
 * comes early waits here as a copy. A request has its place by its number, so that one costs no object.
 */
import { type AnswerFrame, type AnswerHandler, answerBytes, copyAnswer, NOTHING } from "./answer-frame.js";

/** What is at a place. A number that nobody used is `done` from the beginning. */
const DONE = 0;
const WAITING = 1;
/** The answer has come, and those before it have not. */
const ANSWERED = 2;

const FIRST_CAPACITY = 64;

/** Up to here a ring stays as long as it is. Beyond it halves when it is less than 1/4 full. */
const KEPT_CAPACITY = 1024;
const SPARE = 4;

export class AnswerOrder {
  readonly #onFault: (error: unknown) => void;
  /** Rings of the same power of two: what has the number `n` is at `n & mask`. */
  #states = new Uint8Array(FIRST_CAPACITY);
  #handlers: (AnswerHandler | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #answers: (AnswerFrame | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #mask = FIRST_CAPACITY - 1;
  /** The first number that is not done, and the one behind the last; 32 bits, beyond which they begin at 0 again. */
  #head = 1;
  #next = 1;
  #length = 0;
  #waiting = 0;
  #bytes = 0;

  /** `onFault` is told what a handler throws; the others are called all the same. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Answers that are still to be handed over. */
  get length(): number {
    return this.#length;
  }

  /** Of those, the ones that have not come. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Numbers that there is room for. */
  get capacity(): number {
    return this.#mask + 1;
  }

  /** Bytes of answers that wait for earlier ones. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Expects an answer to `request`, whose number is above those before it: `onAnswer` is called behind theirs. */
  expect(request: number, onAnswer: AnswerHandler): void {
    this.#add(request, WAITING, onAnswer);
    this.#waiting++;
  }

  /** Calls `work` when all that was expected before has been answered: at once if that is so. */
  run(request: number, work: () => void): void {
    if (this.#length === 0) return work();
    this.#add(request, ANSWERED, work);
  }

  isWaiting(request: number): boolean {
    return this.#isWithin(request) && this.#states[request & this.#mask] === WAITING;
  }

  /** Takes the answer to a request. False: none to it is expected. */
  answer(request: number, frame: AnswerFrame): boolean {
    if (!this.isWaiting(request)) return false;
    this.#waiting--;
    if (request !== this.#head) {
      const at = request & this.#mask;
      this.#states[at] = ANSWERED;
      this.#answers[at] = copyAnswer(frame);
      this.#bytes += answerBytes(frame);
      return true;
    }
    this.#handOver(frame);
    while (this.#head !== this.#next && this.#states[this.#head & this.#mask] !== WAITING) {
      if (this.#states[this.#head & this.#mask] === ANSWERED) this.#handOver(undefined);
      else this.#head = (this.#head + 1) >>> 0;
    }
    return true;
  }

  /** The requests to which no answer has come, in their order. */
  unanswered(): number[] {
    const requests: number[] = [];
    for (let request = this.#head; request !== this.#next; request = (request + 1) >>> 0) {
      if (this.#states[request & this.#mask] === WAITING) requests.push(request);
    }
    return requests;
  }

  #isWithin(request: number): boolean {
    return (request - this.#head) >>> 0 < (this.#next - this.#head) >>> 0;
  }

  #add(request: number, state: number, handler: AnswerHandler): void {
    if (this.#length === 0) this.#head = request;
    else
      for (let skipped = this.#next; skipped !== request; skipped = (skipped + 1) >>> 0)
        this.#put(skipped, DONE, undefined);
    this.#next = request;
    this.#put(request, state, handler);
    this.#length++;
  }

  #put(request: number, state: number, handler: AnswerHandler | undefined): void {
    if ((request - this.#head) >>> 0 > this.#mask) this.#resize(2 * this.capacity);
    const at = request & this.#mask;
    this.#states[at] = state;
    this.#handlers[at] = handler;
    this.#next = (request + 1) >>> 0;
  }

  /** Calls the handler at the front, with `frame` or with what waits there. */
  #handOver(frame: AnswerFrame | undefined): void {
    const at = this.#head & this.#mask;
    const handler = this.#handlers[at];
    const kept = this.#answers[at];
    this.#states[at] = DONE;
    this.#handlers[at] = undefined;
    this.#answers[at] = undefined;
    this.#head = (this.#head + 1) >>> 0;
    this.#length--;
    if (kept !== undefined) this.#bytes -= answerBytes(kept);
    if (this.#mask >= KEPT_CAPACITY && ((this.#next - this.#head) >>> 0) * SPARE < this.#mask)
      this.#resize(this.capacity / 2);
    try {
      handler?.(frame ?? kept ?? NOTHING);
    } catch (error) {
      this.#onFault(error);
    }
  }

  /** Moves to rings that have room for what is there. */
  #resize(capacity: number): void {
    const mask = capacity - 1;
    const states = new Uint8Array(capacity);
    const handlers: (AnswerHandler | undefined)[] = new Array(capacity).fill(undefined);
    const answers: (AnswerFrame | undefined)[] = new Array(capacity).fill(undefined);
    for (let request = this.#head; request !== this.#next; request = (request + 1) >>> 0) {
      const from = request & this.#mask;
      states[request & mask] = this.#states[from] ?? DONE;
      handlers[request & mask] = this.#handlers[from];
      answers[request & mask] = this.#answers[from];
    }
    this.#states = states;
    this.#handlers = handlers;
    this.#answers = answers;
    this.#mask = mask;
  }
}
