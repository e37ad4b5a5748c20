/** Hands popped messages to the pops that wait for them: acks or holds each as its TTR says, and answers. */
import type { AnswerFrame } from "../../../native/answer-frame.js";
import type { Session } from "../../../native/session.js";
import { type Answers, JOB, type Place } from "./answers.js";
import type { JobTable } from "./job-table.js";
import { ackJobs, giveBack, holdJobs, requestTtr } from "./leases.js";
import { answerOf, type PoppedJob, readJobs } from "./popped-jobs.js";
import { MAX_DATA_BYTES } from "./request.js";

/** Whose turn it is: the pops that a message of the topic may go to. */
export interface Takers {
  /** The place of the next one; undefined: nobody wants the message. */
  next(): Place | undefined;
  /** It got nothing after all: it waits again. */
  again(place: Place): void;
  /** One of those whose message was still to be settled is answered. */
  settled(): void;
}

export class Handover {
  readonly #session: Session;
  readonly #answers: Answers;
  readonly #table: JobTable;

  constructor(session: Session, answers: Answers, table: JobTable) {
    this.#session = session;
    this.#answers = answers;
    this.#table = table;
  }

  /** Messages of a topic. Answers how many pops they are for; of those some may be settled later. */
  take(frame: AnswerFrame, topic: string, takers: Takers): { taken: number; unsettled: number } {
    const places = new Map<PoppedJob, Place>();
    const surplus: PoppedJob[] = [];
    const held = new Map<number, PoppedJob[]>();
    const acked: PoppedJob[] = [];
    const foreign: PoppedJob[] = [];
    for (const job of readJobs(frame, topic)) {
      const place = takers.next();
      if (place === undefined) {
        surplus.push(job);
        continue;
      }
      places.set(job, place);
      if (answerOf(job, job.ttr ?? Number.MAX_SAFE_INTEGER) === undefined) {
        surplus.push(job);
        this.#answers.refuse(place, `job ${job.id.text} of ${topic} is longer than ${MAX_DATA_BYTES} bytes`);
      } else if (job.delivery === 0) this.#answer(place, job, 0);
      else if (job.ttr === undefined) foreign.push(job);
      else if (job.ttr === 0) acked.push(job);
      else {
        const jobs = held.get(job.ttr);
        if (jobs === undefined) held.set(job.ttr, [job]);
        else jobs.push(job);
        this.#answer(place, job, job.ttr);
      }
    }
    for (const [ttr, jobs] of held) holdJobs(this.#session, topic, ttr, jobs);
    if (surplus.length > 0) giveBack(this.#session, topic, surplus, frame);
    if (acked.length > 0) this.#ack(topic, acked, places, takers);
    if (foreign.length > 0) this.#answerForeign(topic, foreign, places, takers);
    return { taken: places.size, unsettled: acked.length + foreign.length };
  }

  #answer(place: Place, job: PoppedJob, ttr: number): void {
    const { topic, idHigh, idLow, delivery } = job;
    const { text } = job.id;
    if (delivery === 0) this.#table.forget(text);
    else this.#table.set(text, { topic, idHigh, idLow, delivery, isDelivered: true, isBusy: false });
    this.#answers.give(place, JOB, answerOf(job, ttr) ?? "");
  }

  #ack(topic: string, jobs: readonly PoppedJob[], places: ReadonlyMap<PoppedJob, Place>, takers: Takers): void {
    ackJobs(this.#session, topic, jobs, (job, outcome) => {
      const place = places.get(job);
      if (place === undefined) return;
      if (outcome === undefined) {
        this.#table.forget(job.id.text);
        this.#answers.give(place, JOB, answerOf(job, 0) ?? "");
      } else if (outcome === false) takers.again(place);
      else this.#answers.refuse(place, outcome);
      takers.settled();
    });
  }

  #answerForeign(
    topic: string,
    jobs: readonly PoppedJob[],
    places: ReadonlyMap<PoppedJob, Place>,
    takers: Takers,
  ): void {
    requestTtr(this.#session, topic, (ttr) => {
      for (const job of jobs) {
        const place = places.get(job);
        if (place !== undefined) this.#answer(place, job, ttr);
        takers.settled();
      }
    });
  }
}
