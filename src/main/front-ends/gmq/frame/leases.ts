/** What becomes of the messages that pops brought: acked, held for the TTR of the job, or given back. */
import { packHead } from "../../../../protocol/head.js";
import { Answer, Op } from "../../../../protocol/op.js";
import { type ReceivedFault, readFaults, SELECTION_BYTES, writeSelection } from "../../../../protocol/selection.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { refusalMessage } from "../../../native/answer-reading.js";
import type { Session } from "../../../native/session.js";
import type { PoppedJob } from "./popped-jobs.js";

const MILLISECONDS = 1000;

/** Of the job of that number. Undefined: it is acked. False: it was lost before, and will be there again. Text: an error. */
export type Acked = (number: number, outcome: undefined | false | string) => void;

/** Acks jobs of a topic. `onAcked` is called for each. */
export const ackJobs = (session: Session, topic: string, jobs: readonly PoppedJob[], onAcked: Acked): void => {
  session.request(Op.ACK, 0, packHead([topic, ""]), selectionsOf(jobs), (frame) => {
    const faults =
      frame.op === Answer.SETTLED ? readFaults(frame.view, frame.payloadStart, frame.payloadEnd) : NO_FAULTS;
    const error = frame.op === Answer.ERROR ? refusalMessage(frame) : undefined;
    jobs.forEach((job, i) => {
      onAcked(i, error ?? (faults.some((fault) => isAbout(fault, job)) ? false : undefined));
    });
  });
};

const NO_FAULTS: readonly ReceivedFault[] = [];

const isAbout = ({ high, low, count }: ReceivedFault, { idHigh, idLow }: PoppedJob): boolean =>
  high === idHigh && idLow >= low && idLow < low + count;

/**
 * Lets leases end when the TTR of the jobs does. Nobody waits for the answer: what comes next for these messages is behind it,
 * and a lease that is over by now is so for the client too.
 */
export const holdJobs = (session: Session, topic: string, ttr: number, jobs: readonly PoppedJob[]): void => {
  session.request(Op.TOUCH, 0, packHead([topic, "", ttr * MILLISECONDS]), selectionsOf(jobs), () => {});
};

/** Gives messages back that no client was handed; those that the topic has acked already are published again. */
export const giveBack = (session: Session, topic: string, jobs: readonly PoppedJob[], frame: AnswerFrame): void =>
  sendBack(Op.RELEASE, session, topic, jobs, frame);

/** The same with messages that no client can be handed: it counts as a failure, or they would come again for ever. */
export const failJobs = (session: Session, topic: string, jobs: readonly PoppedJob[], frame: AnswerFrame): void =>
  sendBack(Op.NACK, session, topic, jobs, frame);

const sendBack = (
  op: number,
  session: Session,
  topic: string,
  jobs: readonly PoppedJob[],
  frame: AnswerFrame,
): void => {
  const held = jobs.filter(({ delivery }) => delivery !== 0);
  if (held.length > 0) session.request(op, 0, packHead([topic, ""]), selectionsOf(held), () => {});
  for (const { delivery, start, end } of jobs) {
    if (delivery === 0) session.request(Op.PUBLISH, 0, packHead([topic]), frame.bytes.subarray(start, end), () => {});
  }
};

const selectionsOf = (jobs: readonly PoppedJob[]): Uint8Array => {
  const bytes = new Uint8Array(jobs.length * SELECTION_BYTES);
  const view = new DataView(bytes.buffer);
  jobs.forEach(({ idHigh, idLow, delivery }, i) => {
    writeSelection(view, i * SELECTION_BYTES, idHigh, idLow, 1, delivery);
  });
  return bytes;
};
