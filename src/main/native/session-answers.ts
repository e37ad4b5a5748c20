/** Who waits for which answer of a session, in the order of the requests where the protocol wants it. */
import { SmallMap } from "../../collections/small-map.js";
import { type AnswerFrame, type AnswerHandler, CurrentFrame } from "./answer-frame.js";
import { AnswerOrder } from "./answer-order.js";
import { errorFrame } from "./local-answers.js";

/** Why requests are not answered any more. */
export const SESSION_ENDED = "the session has ended";

export class SessionAnswers {
  /** What is being shown to a handler. */
  readonly frame: AnswerFrame;
  readonly #frame = new CurrentFrame();
  /** Undefined: answers come as they are. */
  readonly #order: AnswerOrder | undefined;
  /** By request, where there is no order; else those that have no place in it. */
  readonly #handlers = new SmallMap<number, AnswerHandler>();
  readonly #onFault: (error: unknown) => void;

  /** `onFault` is told what a handler throws: the answers of others lie in the same bytes, so it goes no further. */
  constructor(inOrder: boolean, onFault: (error: unknown) => void) {
    this.frame = this.#frame;
    this.#onFault = onFault;
    this.#order = inOrder ? new AnswerOrder(onFault) : undefined;
  }

  get areInOrder(): boolean {
    return this.#order !== undefined;
  }

  /** Requests that are not answered. */
  get unanswered(): number {
    return this.#handlers.size + (this.#order?.waiting ?? 0);
  }

  /** The same with answers that wait for earlier ones. */
  get length(): number {
    return this.#handlers.size + (this.#order?.length ?? 0);
  }

  /** Bytes of answers that wait for earlier ones. */
  get heldBytes(): number {
    return this.#order?.bytes ?? 0;
  }

  isExpected(request: number): boolean {
    if (this.#order?.isWaiting(request)) return true;
    return this.#handlers.size > 0 && this.#handlers.has(request);
  }

  /** `onAnswer` gets the answer to a request: behind those to earlier ones where they are in order. */
  expect(request: number, onAnswer: AnswerHandler): void {
    if (this.#order === undefined) this.#handlers.set(request, onAnswer);
    else this.#order.expect(request, onAnswer);
  }

  /** The same, as soon as it comes. */
  expectOutOfOrder(request: number, onAnswer: AnswerHandler): void {
    this.#handlers.set(request, onAnswer);
  }

  /** Runs `work` in its place among the answers, by a number that is used for nothing else. */
  run(nextRequest: () => number, work: () => void): void {
    if (this.#order === undefined) work();
    else this.#order.run(nextRequest(), work);
  }

  /** Makes a frame the current one. */
  look(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.#frame.show(bytes, view, start, end);
  }

  /** No handler is being shown anything: keeps no bytes. */
  lookAway(): void {
    this.#frame.clear();
  }

  /** Shows whoever waits for it the answer in [start, end). False: nobody does. */
  take(request: number, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    this.#frame.show(bytes, view, start, end);
    if (this.#order?.answer(request, this.#frame)) return true;
    const handler = this.#handlers.get(request);
    if (handler === undefined) return false;
    this.#handlers.delete(request);
    this.#call(handler);
    return true;
  }

  /** Answers a request with a frame of our own, unless it has been answered. */
  takeOwn(request: number, frame: Uint8Array): void {
    this.take(request, frame, new DataView(frame.buffer, frame.byteOffset, frame.length), 0, frame.length);
  }

  /** Shows a frame to a handler that is not one of those here. */
  show(bytes: Uint8Array, view: DataView, start: number, end: number, handler: AnswerHandler): void {
    this.#frame.show(bytes, view, start, end);
    this.#call(handler);
  }

  /** Tells a handler that is not one of those here that the session has ended. */
  fail(handler: AnswerHandler): void {
    const frame = errorFrame("SHUTTING_DOWN", SESSION_ENDED, 0);
    this.show(frame, new DataView(frame.buffer, frame.byteOffset, frame.length), 0, frame.length, handler);
  }

  /** Tells whoever waits for an answer that the session has ended. */
  failAll(): void {
    if (this.unanswered === 0) return;
    const frame = errorFrame("SHUTTING_DOWN", SESSION_ENDED, 0);
    for (const request of [...this.#handlers.keys(), ...(this.#order?.unanswered() ?? [])])
      this.takeOwn(request, frame);
  }

  #call(handler: AnswerHandler): void {
    try {
      handler(this.#frame);
    } catch (error) {
      this.#onFault(error);
    }
  }
}
