/**
 * Slow work that a shard's thread or a start hands to the pool: what each job takes and what it comes to. Jobs touch
 * only files that nobody else writes: a sealed segment, or one that does not count yet.
 */

import type { CompactInput } from "../../journal/compact.js";
import type { CompactedSegment } from "../../shard/compaction/relocation.js";
import type { ReshardInput, ReshardResult } from "./reshard.js";

interface Jobs {
  /** Checks all records of a sealed segment. */
  verify: { readonly input: VerifyInput; readonly result: VerifyResult };
  /** Makes a spare for a segment to come: a file of zeros, synced. */
  prepare: { readonly input: PrepareInput; readonly result: PrepareResult };
  /** Removes files that count no more. */
  remove: { readonly input: RemoveInput; readonly result: RemoveResult };
  /** Moves everything to another number of shards, in a generation that does not count yet. */
  reshard: { readonly input: ReshardInput; readonly result: ReshardResult };
  /** Makes one segment out of several, with what is still wanted of them. */
  compact: { readonly input: CompactInput; readonly result: CompactedSegment };
  /** Makes the directory of a backup one that is not finished, without messages. */
  "begin directory": { readonly input: BeginDirectoryInput; readonly result: object };
  /** Copies a sealed segment, for a backup. */
  copy: { readonly input: CopyInput; readonly result: CopyResult };
  /** All copies are in it: from now on it counts. */
  "finish directory": { readonly input: FinishDirectoryInput; readonly result: object };
}

export interface VerifyInput {
  readonly path: string;
  readonly sequence: number;
}

export interface VerifyResult {
  /** Of the contents: the file may be longer. */
  readonly bytes: number;
  readonly records: number;
  /** Ends in SEAL. */
  readonly isSealed: boolean;
}

export interface PrepareInput {
  /** Where it is to be; its name ends in `.tmp`. Nothing is there. */
  readonly path: string;
  readonly bytes: number;
}

export interface PrepareResult {
  readonly bytes: number;
}

export interface BeginDirectoryInput {
  /** It is there and empty. */
  readonly path: string;
  readonly shards: number;
}

export interface FinishDirectoryInput {
  readonly path: string;
}

export interface CopyInput {
  readonly path: string;
  readonly sequence: number;
  /** Where it goes: nothing is there. */
  readonly to: string;
}

export interface CopyResult {
  /** Of the contents, up to its SEAL. */
  readonly bytes: number;
}

export interface RemoveInput {
  readonly paths: readonly string[];
}

export interface RemoveResult {
  readonly removed: number;
}

export type JobName = keyof Jobs;
export type JobInput<N extends JobName> = Jobs[N]["input"];
export type JobResult<N extends JobName> = Jobs[N]["result"];

/** As it travels to the pool. */
export type Job<N extends JobName = JobName> = { readonly [K in N]: { readonly job: K } & JobInput<K> }[N];

/** What an error is between threads: a structured clone drops its `code`. */
export interface JobError {
  readonly name: string;
  readonly message: string;
  /** Of the system: ENOSPC, EIO. */
  readonly code?: string;
}

export type JobOutcome<N extends JobName = JobName> =
  | { readonly ok: true; readonly result: JobResult<N> }
  | { readonly ok: false; readonly error: JobError };

export const describeError = (error: unknown): JobError => {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message } = error;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return code === undefined ? { name, message } : { name, message, code };
};
