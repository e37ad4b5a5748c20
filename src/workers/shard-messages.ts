/**
 * The worker messages between a shard's thread and the main thread, beside the rings. They are rare.
 */
import type { TopicRows } from "../metrics/topic-metrics.js";
import type { Job, JobOutcome } from "./jobs/job.js";

/** The result of a recovery. */
export interface Recovered {
  readonly segments: number;
  readonly bytes: number;
  readonly records: number;
  /** Messages that the shard holds now. */
  readonly messages: number;
  /** The torn end of the last segment, which was never confirmed. */
  readonly cut: { readonly file: string; readonly offset: number; readonly bytes: number } | undefined;
}

export type ThreadLogLevel = "info" | "warn" | "error";

export type ShardMessage =
  /** It reads its inbox from now on. */
  | { readonly kind: "ready"; readonly recovered: Recovered | undefined }
  /** Bytes of the journal that have been replayed so far. */
  | { readonly kind: "replayed"; readonly bytes: number }
  /** It cannot start or go on, and neither could another thread. The text says what is wrong and what to do. */
  | { readonly kind: "refuses"; readonly isOfJournal: boolean; readonly text: string }
  | { readonly kind: "job"; readonly id: number; readonly job: Job }
  /** Everything is sealed and on disk, and stays as it is until `unpin`. Undefined: the journal could not do that. */
  | { readonly kind: "pinned"; readonly segments: readonly PinnedSegment[] | undefined }
  /** The metrics of single topics. */
  | { readonly kind: "topics"; readonly rows: TopicRows }
  | { readonly kind: "log"; readonly level: ThreadLogLevel; readonly fields: object; readonly text: string };

/** The file of a sealed segment. */
export interface PinnedSegment {
  readonly path: string;
  readonly sequence: number;
  /** The first of the segments that it stands for. */
  readonly replaces: number;
  /** Of its records: the file may be longer. */
  readonly bytes: number;
}

/** To the thread, followed by a NOTICE in its inbox: the outcome of a job, or a request of a backup. */
export type ThreadMessage = JobAnswer | { readonly kind: "pin" } | { readonly kind: "unpin" };

export interface JobAnswer {
  readonly kind: "job done";
  readonly id: number;
  readonly outcome: JobOutcome;
}
