/**
 * The jobs of the pool, with their inputs and results. Jobs touch only files that nobody else writes: sealed segments, and
 * files that are not in use yet.
 */

import type { ListedFile } from "../../journal/backup-list.js";
import type { CompactInput } from "../../journal/compact.js";
import type { Place } from "../../journal/home.js";
import type { LedgerEntry } from "../../journal/ledger.js";
import type { CompactedSegment } from "../../shard/compaction/relocation.js";
import type { TrailEvent, TrailOrigin } from "./message-trail.js";
import type { ReshardInput, ReshardResult } from "./reshard.js";

interface Jobs {
  /** Checks every record of a sealed segment. */
  verify: { readonly input: VerifyInput; readonly result: VerifyResult };
  /** Makes a spare file for a later segment: zeros, synced. */
  prepare: { readonly input: PrepareInput; readonly result: PrepareResult };
  /** Removes obsolete files. */
  remove: { readonly input: RemoveInput; readonly result: RemoveResult };
  /** Copies everything to another number of shards, in a new generation that is not current yet. */
  reshard: { readonly input: ReshardInput; readonly result: ReshardResult };
  /** Makes one segment of what is still needed of several. */
  compact: { readonly input: CompactInput; readonly result: CompactedSegment };
  /** Makes an empty directory the unfinished one of a backup. */
  "begin directory": { readonly input: BeginDirectoryInput; readonly result: object };
  /** Copies a sealed segment, for a backup. */
  copy: { readonly input: CopyInput; readonly result: CopyResult };
  /** Finishes the directory of a backup, which holds all copies. */
  "finish directory": { readonly input: FinishDirectoryInput; readonly result: object };
  /** Reads what a shard's journal still says of a message. */
  trail: { readonly input: TrailInput; readonly result: TrailResult };
  /** Reads the certificate that the broker made, and makes one where there is none that is good for long enough. */
  certificate: { readonly input: CertificateInput; readonly result: CertificateResult };
}

export interface VerifyInput {
  readonly path: string;
  readonly sequence: number;
}

export interface VerifyResult {
  /** Bytes of the records. The file may be longer. */
  readonly bytes: number;
  readonly records: number;
  /** The last record is SEAL. */
  readonly isSealed: boolean;
}

export interface PrepareInput {
  /** Where to make it: a name ending in `.tmp` that is not taken. */
  readonly path: string;
  readonly bytes: number;
}

export interface PrepareResult {
  readonly bytes: number;
}

export interface BeginDirectoryInput {
  /** An empty directory. */
  readonly path: string;
  readonly shards: number;
}

export interface FinishDirectoryInput {
  readonly path: string;
  /** Which segments it has, by shard. */
  readonly ledgers: readonly LedgerEntry[];
  readonly files: readonly ListedFile[];
}

export interface CopyInput {
  readonly path: string;
  readonly sequence: number;
  /** Where to write the copy: a name that is not taken. */
  readonly to: string;
}

export interface CopyResult {
  /** Bytes of the records, up to SEAL, and of the copy. */
  readonly bytes: number;
  /** Of the copy, in hexadecimal. */
  readonly sha256: string;
}

export interface TrailInput {
  /** The data directory of a broker that may be running. */
  readonly data: string;
  /** That the topic belongs to. */
  readonly shard: number;
  readonly topic: string;
  readonly idHigh: number;
  readonly idLow: number;
  /** Bytes of segments that are read at most. Default 1 GiB. */
  readonly maxBytes?: number;
}

export interface TrailResult {
  /** In the order of the journal. */
  readonly events: readonly TrailEvent[];
  /** Null: the batch is not there any more, or never was. */
  readonly origin: TrailOrigin | null;
  /** Events in the middle that are left out. */
  readonly leftOut: number;
  /** When the first segment was made that was read: milliseconds since 1970; 0: there is none. */
  readonly from: number;
  /** It was read to its end. */
  readonly isWhole: boolean;
}

export interface CertificateInput {
  /** The data directory. Undefined: nothing is read or written. */
  readonly directory: string | undefined;
  /** That are served under it: DNS names and addresses, the first of them its common name. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** In PEM, what is in use now: it stays where the directory has nothing better. Undefined: nothing yet. */
  readonly current?: string | undefined;
}

export interface CertificateResult {
  /** The certificate and its private key, in PEM. */
  readonly pem: string;
  /** Why it was made anew. Undefined: it was not. */
  readonly made: string | undefined;
  /** Why it could not be written to the directory. */
  readonly unwritten: string | undefined;
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

/** A job as it is sent to the pool. `home`: nothing is done under names that lead elsewhere. */
export type Job<N extends JobName = JobName> = {
  readonly [K in N]: { readonly job: K; readonly home?: readonly Place[] | undefined } & JobInput<K>;
}[N];

/** An error as it is sent between threads: a structured clone would drop its `code`. */
export interface JobError {
  readonly name: string;
  readonly message: string;
  /** The system's code, such as ENOSPC. */
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
