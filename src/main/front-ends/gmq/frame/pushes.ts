/** push: a job becomes a message. */

import { ERRORS } from "../../../../protocol/errors.js";
import { packHead } from "../../../../protocol/head.js";
import { DEFAULT_KEY } from "../../../../protocol/limits.js";
import { Answer, Op } from "../../../../protocol/op.js";
import {
  CODE,
  RECEIPT_ID_HIGH,
  RECEIPT_ID_LOW,
  SELECTION_BYTES,
  writeSelection,
} from "../../../../protocol/selection.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { refusal, refusalMessage, result } from "../../../native/answer-reading.js";
import type { Session } from "../../../native/session.js";
import { PublishHeads } from "../publish-heads.js";
import { parseStatistics } from "../topic-statistics.js";
import { type Answers, MESSAGE, type Place } from "./answers.js";
import type { Job } from "./job.js";
import { entryOfJob } from "./job-entry.js";
import type { JobEntry, JobTable } from "./job-table.js";

const MILLISECONDS = 1000;

/** A delivery that no message has, to ask about one without touching it. */
const NO_DELIVERY = 0xffff_ffff;

/** Of all clients: those of many take megabytes. */
const heads = new PublishHeads();

export class Pushes {
  readonly #session: Session;
  readonly #answers: Answers;
  readonly #table: JobTable;

  constructor(session: Session, answers: Answers, table: JobTable) {
    this.#session = session;
    this.#answers = answers;
    this.#table = table;
  }

  push(place: Place, job: Job): void {
    const before = this.#table.get(job.id.text);
    if (before === undefined) this.#publish(place, job);
    else if (before.isBusy) this.#answers.refuseInTurn(place, hasExist(job));
    else this.#check(place, job, before);
  }

  #publish(place: Place, job: Job): void {
    const { topic } = job;
    const id = job.id.text;
    const entry: JobEntry = { topic, idHigh: 0, idLow: 0, delivery: 0, isDelivered: false, isBusy: true };
    this.#table.set(id, entry);
    const head = heads.get(topic, "", job.delay * MILLISECONDS);
    this.#session.request(Op.PUBLISH, 0, head, entryOfJob(job), (frame) => {
      if (frame.op !== Answer.CONFIRM) {
        this.#table.remove(id, entry);
        return this.#answers.refuse(place, refusalMessage(frame));
      }
      const idHigh = frame.view.getUint32(frame.payloadStart + RECEIPT_ID_HIGH);
      const idLow = frame.view.getUint32(frame.payloadStart + RECEIPT_ID_LOW);
      this.#table.replace(id, entry, { ...entry, idHigh, idLow, isBusy: false });
      this.#answers.give(place, MESSAGE, id);
    });
  }

  /** A job of this id was there: whether its message still is, the shard knows. */
  #check(place: Place, job: Job, before: JobEntry): void {
    const release = this.#session.pause();
    before.isBusy = true;
    const end = (isThere: boolean | string): void => {
      before.isBusy = false;
      release();
      if (typeof isThere === "string") this.#answers.refuse(place, isThere);
      else if (isThere) this.#answers.refuse(place, hasExist(job));
      else {
        this.#table.remove(job.id.text, before);
        // Somebody may have pushed or popped another meanwhile.
        this.push(place, job);
      }
    };
    const { topic, idHigh, idLow, isDelivered } = before;
    const selection = new Uint8Array(SELECTION_BYTES);
    writeSelection(new DataView(selection.buffer), 0, idHigh, idLow, 1, NO_DELIVERY);
    this.#session.request(Op.TOUCH, 0, packHead([topic, DEFAULT_KEY]), selection, (frame) => {
      if (isGone(frame)) end(false);
      else if (frame.op !== Answer.SETTLED) end(frame.op === Answer.CONFIRM || refusalMessage(frame));
      else if (frame.view.getUint16(frame.payloadStart + CODE) === ERRORS.LEASE_LOST.code) end(true);
      else if (isDelivered) end(false);
      else this.#checkTopic(topic, end);
    });
  }

  /** A message that was never delivered cannot be told from one that is gone, unless the topic has none to deliver. */
  #checkTopic(topic: string, end: (isThere: boolean | string) => void): void {
    this.#session.request(Op.STATS, 0, packHead([topic]), undefined, (frame) => {
      if (isGone(frame)) return end(false);
      if (frame.op !== Answer.RESULT) return end(refusalMessage(frame));
      const { ready, delayed } = parseStatistics(result(frame));
      end(ready + delayed > 0);
    });
  }
}

const hasExist = ({ id }: Job): string => `job ${id.text} has exist`;

const isGone = (frame: AnswerFrame): boolean => {
  const name = refusal(frame);
  return name === "NO_TOPIC" || name === "NO_QUEUE";
};
