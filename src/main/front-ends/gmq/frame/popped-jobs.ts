/** The messages that a pop brought, as jobs. */

import { WORD_BYTES } from "../../../../protocol/entry.js";
import { formatId } from "../../../../protocol/id.js";
import { readRuns } from "../../../../protocol/run.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { text } from "../../../native/answer-reading.js";
import { type JobId, jobJson } from "./job.js";
import { partsOf, readHeaders } from "./job-entry.js";
import { MAX_DATA_BYTES } from "./request.js";

/** A job that was popped. */
export interface PoppedJob {
  readonly id: JobId;
  readonly topic: string;
  readonly idHigh: number;
  readonly idLow: number;
  /** 0: the pop has acked it, for the topic says so. */
  readonly delivery: number;
  /** Seconds; 0: the pop acks it. Undefined: another protocol has published it, and the TTR is the topic's. */
  readonly ttr: number | undefined;
  readonly delay: number;
  /** How often it came back. */
  readonly retry: number;
  /** Undefined: it is longer than an answer may be. */
  readonly body: string | undefined;
  /** The whole entry in the bytes of the frame: [start, end). */
  readonly start: number;
  readonly end: number;
}

/** The jobs in a MESSAGES. */
export const readJobs = (frame: AnswerFrame, topic: string): PoppedJob[] => {
  const jobs: PoppedJob[] = [];
  for (const run of readRuns(frame.view, frame.payloadStart, frame.payloadEnd)) {
    let start = run.start;
    for (let i = 0; i < run.count; i++) {
      const { headers, body, end } = partsOf(frame.view, start);
      const idLow = run.idLow + i;
      const about = readHeaders(frame.bytes, headers, body);
      const { delivery, retry, idHigh } = run;
      const isLong = end - start - WORD_BYTES > MAX_DATA_BYTES;
      const bodyText = isLong && end - body > MAX_DATA_BYTES ? undefined : text(frame, body, end);
      jobs.push({
        id: about?.id ?? { text: formatId(idHigh, idLow), isNumber: false },
        topic,
        idHigh,
        idLow,
        delivery,
        ttr: about?.ttr ?? (delivery === 0 ? 0 : undefined),
        delay: about?.delay ?? 0,
        retry,
        body: bodyText,
        start,
        end,
      });
      start = end;
    }
  }
  return jobs;
};

/** What a pop answers; undefined: it does not fit into an answer. */
export const answerOf = (job: PoppedJob, ttr: number): string | undefined => {
  if (job.body === undefined) return undefined;
  const json = jobJson(job.id, job.topic, job.delay, ttr, job.body, job.retry);
  // What is longer in characters is longer in bytes; most are far from it.
  if (json.length * 3 <= MAX_DATA_BYTES) return json;
  return Buffer.byteLength(json) > MAX_DATA_BYTES ? undefined : json;
};
