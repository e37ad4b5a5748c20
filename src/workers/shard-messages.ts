/**
 * What the thread of a shard and the main thread say to each other beside the rings, by `postMessage`: seldom, and never
 * about messages.
 */
import type { Job, JobOutcome } from "./jobs/job.js";

/** What a recovery came to. */
export interface Recovered {
  readonly segments: number;
  readonly bytes: number;
  readonly records: number;
  /** That the shard now holds. */
  readonly messages: number;
  /** The torn end of the last segment, which was never confirmed. */
  readonly cut: { readonly file: string; readonly offset: number; readonly bytes: number } | undefined;
}

export type ThreadLogLevel = "info" | "warn" | "error";

export type ShardMessage =
  /** It takes what is in its inbox now. */
  | { readonly kind: "ready"; readonly recovered: Recovered | undefined }
  /** Bytes of the journal that are replayed, all in all. */
  | { readonly kind: "replayed"; readonly bytes: number }
  /** It cannot start, and no other thread could: the text names what is wrong and what to do. */
  | { readonly kind: "refuses"; readonly text: string }
  | { readonly kind: "job"; readonly id: number; readonly job: Job }
  /** All that there was is sealed and on disk, and stays as it is. Undefined: the journal could not do that. */
  | { readonly kind: "pinned"; readonly segments: readonly PinnedSegment[] | undefined }
  | { readonly kind: "log"; readonly level: ThreadLogLevel; readonly fields: object; readonly text: string };

/** A sealed segment's file. */
export interface PinnedSegment {
  readonly path: string;
  readonly sequence: number;
}

/** To the thread, with a NOTICE in its inbox behind it: what a job has come to, or what is wanted for a backup. */
export type ThreadMessage = JobAnswer | { readonly kind: "pin" } | { readonly kind: "unpin" };

export interface JobAnswer {
  readonly kind: "job done";
  readonly id: number;
  readonly outcome: JobOutcome;
}
