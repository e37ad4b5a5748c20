/**
 * Answers in the order of their requests, for protocols whose clients count them. Shards answer each in its own time: what
 * comes early waits here as a copy.
 */
import { Fifo } from "../../collections/fifo.js";
import { type AnswerFrame, type AnswerHandler, answerBytes, copyAnswer } from "./answer-frame.js";

interface Slot {
  readonly onAnswer: AnswerHandler;
  answer: AnswerFrame | undefined;
  isAnswered: boolean;
}

export class AnswerOrder {
  readonly #slots = new Fifo<Slot>();
  readonly #onFault: (error: unknown) => void;
  #bytes = 0;

  /** `onFault` is told what a handler throws; the others are called all the same. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Answers that are still to be handed over. */
  get length(): number {
    return this.#slots.length;
  }

  /** Bytes of answers that wait for earlier ones. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A handler that calls `onAnswer` when all that was expected before has been answered. */
  expect(onAnswer: AnswerHandler): AnswerHandler {
    const slot: Slot = { onAnswer, answer: undefined, isAnswered: false };
    this.#slots.push(slot);
    return (frame) => {
      if (this.#slots.at(0) === slot) {
        this.#slots.shift();
        this.#call(slot, frame);
        this.#handOver();
        return;
      }
      slot.answer = copyAnswer(frame);
      slot.isAnswered = true;
      this.#bytes += answerBytes(frame);
    };
  }

  /** Runs `work` when all that was expected before has been answered: at once if that is so. */
  run(work: () => void): void {
    if (this.#slots.length === 0) return work();
    this.#slots.push({ onAnswer: work, answer: undefined, isAnswered: true });
  }

  /** Hands over the answers at the front that have come. */
  #handOver(): void {
    for (let slot = this.#slots.at(0); slot?.isAnswered; slot = this.#slots.at(0)) {
      this.#slots.shift();
      if (slot.answer !== undefined) this.#bytes -= answerBytes(slot.answer);
      this.#call(slot, slot.answer ?? NOTHING);
    }
  }

  #call(slot: Slot, frame: AnswerFrame): void {
    try {
      slot.onAnswer(frame);
    } catch (error) {
      this.#onFault(error);
    }
  }
}

/** The frame for work that `run` has queued. */
const NOTHING: AnswerFrame = {
  op: 0,
  flags: 0,
  request: 0,
  bytes: new Uint8Array(0),
  view: new DataView(new ArrayBuffer(0)),
  headStart: 0,
  headEnd: 0,
  payloadStart: 0,
  payloadEnd: 0,
};
