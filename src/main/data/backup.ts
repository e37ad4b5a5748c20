/**
 * Backups of a running broker. Each shard seals its journal and leaves the files alone until the pool has copied them. A
 * backup is a data directory with everything that was confirmed before it was requested.
 *
 * A backup writes files where a client says, so it is restricted: to TCP, which no page in a browser can use, and to
 * brokers that listen on this machine only, unless the broker was started to allow it.
 */
import { mkdir, rm } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { segmentPath, shardDirectory } from "../../journal/layout.js";
import { type LedgerEntry, NO_SEGMENTS } from "../../journal/ledger.js";
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { unpackHead } from "../../protocol/head.js";
import type { JobName, JobOutcome, JobResult } from "../../workers/jobs/job.js";
import { isLoopback } from "../loopback.js";
import type { BrokerOptions } from "../options.js";
import type { JobPool } from "../shards/job-pool.js";
import type { Supervisor } from "../shards/supervisor.js";
import { escapeControls } from "./control-characters.js";

export interface BackupSummary {
  readonly shards: number;
  readonly segments: number;
  readonly bytes: number;
}

interface CopiedShard extends Omit<BackupSummary, "shards"> {
  readonly ledger: LedgerEntry;
}

/** The generation of a new directory, see journal/new-data-directory.ts. */
const GENERATION = 1;

const NOT_ALLOWED: BackupRefusal = {
  kind: "NOT_ALLOWED",
  text: "a backup is made over TCP, of a broker that listens on this machine alone or was started with --allow-backup",
};
const NO_PATH: BackupRefusal = { kind: "BAD_HEAD", text: "the head of a backup is the path of a directory" };
const NOTHING_KEPT: BackupRefusal = {
  kind: "BACKUP_FAILED",
  text: "there is no backup: the broker keeps nothing on disk",
};
const ANOTHER_RUNS: BackupRefusal = {
  kind: "BACKUP_FAILED",
  text: "there is no backup: another backup is being made",
};

/** More than any system accepts. */
const MAX_PATH_BYTES = 4_096;

/** Why a backup is refused at once. Not an error: there may be thousands, and each would cost a stack trace. */
export interface BackupRefusal {
  readonly kind: ErrorName;
  readonly text: string;
}

/** The path in the head of a BACKUP; undefined: it is not a path. Throws BAD_HEAD. */
export const readBackupHead = (head: Uint8Array): string | undefined => {
  const [directory] = unpackHead(head, 0, head.length);
  if (typeof directory !== "string" || directory.length > MAX_PATH_BYTES || directory.includes("\0")) return undefined;
  return directory;
};

/** Whether only this machine can reach the broker. */
const isLocal = ({ tcp, http, grpc }: BrokerOptions): boolean =>
  [tcp, http, grpc].every((address) => address === "off" || isLoopback(address.host));

const removeTree = (directory: string): Promise<void> => rm(directory, { recursive: true, force: true });

export class Backups {
  /** The backup that is being made. */
  #running: Promise<BackupSummary> | undefined;

  constructor(
    readonly options: BrokerOptions,
    readonly supervisor: Pick<Supervisor, "life">,
    readonly pool: Pick<JobPool, "run">,
    readonly remove: (directory: string) => Promise<void> = removeTree,
  ) {}

  /** Makes a backup, or refuses. The promise rejects with BACKUP_FAILED, and then no directory is left. */
  run({ isTcp }: { readonly isTcp: boolean }, directory: string | undefined): Promise<BackupSummary> | BackupRefusal {
    const { options } = this;
    if (!isTcp || !(options.allowBackup || isLocal(options))) return NOT_ALLOWED;
    if (directory === undefined) return NO_PATH;
    if (!isAbsolute(directory)) return { kind: "BAD_HEAD", text: `${shown(directory)} is not an absolute path` };
    if (options.durability === "memory") return NOTHING_KEPT;
    if (this.#running !== undefined) return ANOTHER_RUNS;
    this.#running = this.#make(directory).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Resolves when no backup is being made. One fails, and is removed, when the shards or the pool end. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  async #make(directory: string): Promise<BackupSummary> {
    const { shards, log } = this.options;
    const begin = performance.now();
    try {
      await mkdir(directory, { mode: 0o750 });
    } catch (error) {
      throw failed(whyNotMade(directory, codeOf(error)));
    }
    try {
      resultOf(await this.pool.run({ job: "begin directory", path: directory, shards }));
      // All settled: if a shard fails, the others must still unpin, and not copy into a removed directory.
      const outcomes = await Promise.allSettled(
        Array.from({ length: shards }, (_, shard) =>
          this.#copyShard(shard, shardDirectory(directory, GENERATION, shard)),
        ),
      );
      let segments = 0;
      let bytes = 0;
      const ledgers: LedgerEntry[] = [];
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") throw outcome.reason;
        ledgers.push(outcome.value.ledger);
        segments += outcome.value.segments;
        bytes += outcome.value.bytes;
      }
      resultOf(await this.pool.run({ job: "finish directory", path: directory, ledgers }));
      log.info({ directory, segments, bytes, seconds: Math.round(performance.now() - begin) / 1_000 }, "backed up");
      return { shards, segments, bytes };
    } catch (error) {
      // Expected errors need no stack trace.
      const why = error instanceof ProtocolError ? { why: error.message } : { error };
      log.error({ directory, ...why }, "a backup failed");
      await this.#cleanUp(directory);
      throw error instanceof ProtocolError ? error : failed(reasonOf(error));
    }
  }

  /** Never rejects: the client is told why the backup failed. What is left cannot be taken for a backup. */
  async #cleanUp(directory: string): Promise<void> {
    try {
      await this.remove(directory);
    } catch (error) {
      this.options.log.error({ directory, error }, "what a failed backup has left cannot be removed: delete it");
    }
  }

  async #copyShard(shard: number, into: string): Promise<CopiedShard> {
    const life = this.supervisor.life(shard);
    const segments = await life?.pin();
    if (life === undefined || segments === undefined)
      throw failed(`shard ${shard} cannot make its messages durable now`);
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    life.ended.then(over, over);
    try {
      let bytes = 0;
      let ledger = NO_SEGMENTS;
      for (const { path, sequence, replaces } of segments) {
        const outcome = await this.pool.run({ job: "copy", path, sequence, to: segmentPath(into, sequence) });
        // The next life knows of no pin: the file may have changed while it was copied.
        if (isOver) throw failed(`shard ${shard} was restarted meanwhile`);
        const copied = resultOf(outcome).bytes;
        bytes += copied;
        ledger = { first: ledger === NO_SEGMENTS ? replaces : ledger.first, last: sequence, bytes: copied };
      }
      return { segments: segments.length, bytes, ledger };
    } finally {
      life.unpin();
    }
  }
}

const resultOf = <N extends JobName>(outcome: JobOutcome<N>): JobResult<N> => {
  if (!outcome.ok) throw failed(escapeControls(outcome.error.message, ""));
  return outcome.result;
};

const failed = (why: string): ProtocolError => new ProtocolError("BACKUP_FAILED", `there is no backup: ${why}`);

/** A client's path for a text: on one line, whatever is in it. */
const shown = (path: string): string => escapeControls(path, "");

/** The code only, because the system's text repeats the path unescaped. */
const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";

const whyNotMade = (directory: string, code: string): string => {
  const path = shown(directory);
  if (code === "EEXIST") return `${path} exists: give the name of a new directory`;
  if (code === "ENOENT") return `${path} cannot be made: the directory that it is to be in is not there`;
  if (code === "ENOTDIR") return `${path} cannot be made: what it is to be in is a file`;
  return `${path} cannot be made: ${code}`;
};

const reasonOf = (error: unknown): string => escapeControls(error instanceof Error ? error.message : String(error), "");
