/** ack: of a job by the id that its client gave it. */
import { ERRORS } from "../../../../protocol/errors.js";
import { Answer } from "../../../../protocol/op.js";
import { CODE } from "../../../../protocol/selection.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { refusal, refusalMessage } from "../../../native/answer-reading.js";
import type { Session } from "../../../native/session.js";
import { SUCCESS } from "../words.js";
import { type Answers, MESSAGE, type Place } from "./answers.js";
import type { JobEntry, JobTable } from "./job-table.js";

export class Acks {
  readonly #session: Session;
  readonly #answers: Answers;
  readonly #table: JobTable;

  constructor(session: Session, answers: Answers, table: JobTable) {
    this.#session = session;
    this.#answers = answers;
    this.#table = table;
  }

  /** Whether somebody has popped the job, as far as is known. */
  isHeld(id: string): boolean {
    return (this.#table.get(id)?.delivery ?? 0) !== 0;
  }

  ack(place: Place, id: string): void {
    const entry = this.#table.get(id);
    if (entry === undefined) return this.#answers.refuseInTurn(place, `job ${id} is not exist`);
    if (entry.delivery === 0) {
      const why = entry.isDelivered ? "its TTR has passed" : "it has not been popped";
      return this.#answers.refuseInTurn(place, `job ${id} cannot be acked: ${why}`);
    }
    this.#session.ack(entry.topic, "", entry, (frame) => this.#acked(place, id, entry, frame));
  }

  #acked(place: Place, id: string, entry: JobEntry, frame: AnswerFrame): void {
    const name = refusal(frame);
    if (frame.op === Answer.CONFIRM) {
      this.#table.remove(id, entry);
      this.#answers.give(place, MESSAGE, SUCCESS);
    } else if (frame.op === Answer.SETTLED && isLeaseLost(frame)) {
      this.#table.replace(id, entry, { ...entry, delivery: 0, isBusy: false });
      this.#answers.refuse(place, `job ${id} cannot be acked: its TTR has passed`);
    } else if (frame.op === Answer.SETTLED || name === "NO_TOPIC" || name === "NO_QUEUE") {
      this.#table.remove(id, entry);
      this.#answers.refuse(place, `job ${id} is not exist`);
    } else this.#answers.refuse(place, refusalMessage(frame));
  }
}

/** The message is here, but not held any more under that delivery. */
const isLeaseLost = (frame: AnswerFrame): boolean =>
  frame.view.getUint16(frame.payloadStart + CODE) === ERRORS.LEASE_LOST.code;
