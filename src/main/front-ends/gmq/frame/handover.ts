/** Hands popped messages to the pops that wait for them: acks or holds each as its TTR says, and answers. */
import type { AnswerFrame } from "../../../native/answer-frame.js";
import type { Session } from "../../../native/session.js";
import { type Answers, JOB, type Place } from "./answers.js";
import type { FrameContext } from "./frame-context.js";
import type { JobTable } from "./job-table.js";
import { ackJobs, failJobs, giveBack, holdJobs } from "./leases.js";
import { answerOf, type PoppedJob, readJobs } from "./popped-jobs.js";
import { MAX_DATA_BYTES } from "./request.js";
import type { TopicTtrs } from "./topic-ttrs.js";

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
  readonly #ttrs: TopicTtrs;

  constructor(session: Session, answers: Answers, { jobs, ttrs }: FrameContext) {
    this.#session = session;
    this.#answers = answers;
    this.#table = jobs;
    this.#ttrs = ttrs;
  }

  /** Messages of a topic. Answers how many pops they are for; of those some may be settled later. */
  take(frame: AnswerFrame, topic: string, takers: Takers): { taken: number; unsettled: number } {
    const surplus: PoppedJob[] = [];
    const refused: PoppedJob[] = [];
    const held = new Map<number, PoppedJob[]>();
    const acked: Handed[] = [];
    const foreign: Handed[] = [];
    const topicTtr = this.#ttrs.get(topic);
    let taken = 0;
    for (const job of readJobs(frame, topic)) {
      const place = takers.next();
      if (place === undefined) {
        surplus.push(job);
        continue;
      }
      taken++;
      const ttr = job.delivery === 0 ? 0 : (job.ttr ?? topicTtr);
      const answer = answerOf(job, ttr ?? Number.MAX_SAFE_INTEGER);
      if (answer === undefined) {
        refused.push(job);
        this.#answers.refuse(place, `job ${job.id.text} of ${topic} is longer than ${MAX_DATA_BYTES} bytes`);
      } else if (ttr === undefined) foreign.push({ job, place, answer });
      else if (ttr === 0 && job.delivery !== 0) acked.push({ job, place, answer });
      else {
        if (ttr > 0 && job.ttr !== undefined) add(held, ttr, job);
        this.#answer(place, job, answer);
      }
    }
    for (const [ttr, jobs] of held) holdJobs(this.#session, topic, ttr, jobs);
    if (surplus.length > 0) giveBack(this.#session, topic, surplus, frame);
    if (refused.length > 0) failJobs(this.#session, topic, refused, frame);
    if (acked.length > 0) this.#ack(topic, acked, takers);
    if (foreign.length > 0) this.#answerForeign(topic, foreign, takers);
    return { taken, unsettled: acked.length + foreign.length };
  }

  #answer(place: Place, job: PoppedJob, answer: string): void {
    const { topic, idHigh, idLow, delivery } = job;
    const { text } = job.id;
    if (delivery === 0) this.#table.forget(text);
    else this.#table.set(text, { topic, idHigh, idLow, delivery, isDelivered: true, isBusy: false });
    this.#answers.give(place, JOB, answer);
  }

  #ack(topic: string, handed: readonly Handed[], takers: Takers): void {
    const jobs = handed.map(({ job }) => job);
    ackJobs(this.#session, topic, jobs, (number, outcome) => {
      const one = handed[number];
      if (one === undefined) return;
      if (outcome === undefined) {
        this.#table.forget(one.job.id.text);
        this.#answers.give(one.place, JOB, one.answer);
      } else if (outcome === false) takers.again(one.place);
      else this.#answers.refuse(one.place, outcome);
      takers.settled();
    });
  }

  #answerForeign(topic: string, handed: readonly Handed[], takers: Takers): void {
    // Its turn to ask may come when the session has nothing else to wait for, and its client has ended its side.
    const release = this.#session.pause();
    this.#ttrs.request(this.#session, topic, (ttr) => {
      for (const { job, place } of handed) {
        this.#answer(place, job, answerOf(job, ttr) ?? "");
        takers.settled();
      }
      release();
    });
  }
}

/** A job whose answer waits for a shard. */
interface Handed {
  readonly job: PoppedJob;
  readonly place: Place;
  readonly answer: string;
}

const add = (jobs: Map<number, PoppedJob[]>, ttr: number, job: PoppedJob): void => {
  const same = jobs.get(ttr);
  if (same === undefined) jobs.set(ttr, [job]);
  else same.push(job);
};
