/**
 * Requests whose answers may be large: lists and statistics. To read one of a megabyte and to write its JSON takes long,
 * so each large one has a turn of the event loop for itself, and others have theirs between two. Few are under way at a
 * time, so that few are held.
 */
import { Fifo } from "../../../collections/fifo.js";
import { type AnswerFrame, type AnswerHandler, answerBytes, copyAnswer } from "../../native/answer-frame.js";
import type { Session } from "../../native/session.js";

/** Requests under way. */
const MAX_UNDER_WAY = 8;

/** A larger answer waits for its turn as a copy; of smaller ones many fit into a turn. */
const LARGE_BYTES = 16 * 1024;

/** What carries a request. */
export type Asker = Pick<Session, "request">;

interface Asked {
  readonly session: Asker;
  readonly op: number;
  readonly head: Uint8Array;
  readonly onAnswer: AnswerHandler;
}

interface Answered {
  readonly frame: AnswerFrame;
  readonly onAnswer: AnswerHandler;
}

export class AnswerTurns {
  readonly #asked = new Fifo<Asked>();
  readonly #answered = new Fifo<Answered>();
  #underWay = 0;

  /** As that of `Session`, perhaps later; `head` stays here, and `onAnswer` does not throw. */
  request(session: Asker, op: number, head: Uint8Array, onAnswer: AnswerHandler): void {
    const asked = { session, op, head, onAnswer };
    if (this.#underWay < MAX_UNDER_WAY) this.#send(asked);
    else this.#asked.push(asked);
  }

  #send({ session, op, head, onAnswer }: Asked): void {
    this.#underWay++;
    session.request(op, 0, head, undefined, (frame) => {
      if (answerBytes(frame) <= LARGE_BYTES) return this.#finish(frame, onAnswer);
      this.#answered.push({ frame: copyAnswer(frame), onAnswer });
      if (this.#answered.length === 1) setImmediate(this.#takeTurn);
    });
  }

  readonly #takeTurn = (): void => {
    const first = this.#answered.shift();
    if (first === undefined) return;
    // One answer in each turn of the event loop: other work gets in between.
    if (this.#answered.length > 0) setImmediate(this.#takeTurn);
    this.#finish(first.frame, first.onAnswer);
  };

  #finish(frame: AnswerFrame, onAnswer: AnswerHandler): void {
    try {
      onAnswer(frame);
    } finally {
      this.#underWay--;
      const next = this.#asked.shift();
      if (next !== undefined) this.#send(next);
    }
  }
}
