/**
 * Backups of a running broker. Each shard seals its journal and leaves the files alone until the pool has copied them. A
 * backup is a data directory with everything that was confirmed before it was requested.
 *
 * A backup writes files where a client says, so it is restricted: to TCP, which no page in a browser can use, and to
 * brokers that listen on this machine only, unless the broker was started to allow it.
 */
import { mkdir, rm } from "node:fs/promises";
import { isAbsolute, posix, relative, sep } from "node:path";
import type { ListedFile } from "../../journal/backup-list.js";
import { segmentPath, shardDirectory } from "../../journal/layout.js";
import { type LedgerEntry, NO_SEGMENTS } from "../../journal/ledger.js";
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { isLoopback } from "../../protocol/loopback.js";
import type { JobName, JobOutcome, JobResult } from "../../workers/jobs/job.js";
import type { PinnedSegment } from "../../workers/shard-messages.js";
import type { BrokerOptions } from "../options.js";
import type { JobPool } from "../shards/job-pool.js";
import type { ShardLife } from "../shards/shard-life.js";
import type { Supervisor } from "../shards/supervisor.js";
import { BackupRoom, type RoomOf, roomOfDirectory } from "./backup-room.js";
import { escapeControls } from "./control-characters.js";

export interface BackupSummary {
  readonly shards: number;
  readonly segments: number;
  readonly bytes: number;
}

interface CopiedShard {
  readonly files: readonly ListedFile[];
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

/** Why a backup is refused at once. Not an error: there may be thousands, and each would cost a stack trace. */
export interface BackupRefusal {
  readonly kind: ErrorName;
  readonly text: string;
}

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
    readonly roomOf: RoomOf = roomOfDirectory,
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
      const copies = await this.#copyAll(directory);
      const files = copies.flatMap((copy) => copy.files);
      const ledgers = copies.map(({ ledger }) => ledger);
      resultOf(await this.pool.run({ job: "finish directory", path: directory, ledgers, files }));
      const segments = files.length;
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
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

  /** Copies all segments of all shards, once it is known that there is room for them. */
  async #copyAll(directory: string): Promise<CopiedShard[]> {
    const { shards, data, diskReserve } = this.options;
    const room = new BackupRoom(directory, data, diskReserve, this.roomOf);
    // All settled: if a shard fails, the others must still unpin, and not copy into a removed directory.
    const pins = await settled(Array.from({ length: shards }, (_, shard) => this.#pin(shard)));
    const pinned = pins.filter((pin) => pin.status === "fulfilled").map(({ value }) => value);
    try {
      valuesOf(pins);
      const progress = { left: pinned.reduce((sum, { bytes }) => sum + bytes, 0) };
      const copies = pinned.map((pin) => this.#copyShard(pin, directory, room, progress));
      return valuesOf(await settled(copies));
    } finally {
      for (const { life } of pinned) life.unpin();
    }
  }

  async #pin(shard: number): Promise<Pinned> {
    const life = this.supervisor.life(shard);
    const segments = await life?.pin();
    if (life === undefined || segments === undefined) {
      throw failed(`shard ${shard} cannot make its messages durable now`);
    }
    const pinned = { shard, life, segments, bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0), isOver: false };
    const over = (): void => {
      pinned.isOver = true;
    };
    life.ended.then(over, over);
    return pinned;
  }

  async #copyShard(
    pinned: Pinned,
    directory: string,
    room: BackupRoom,
    progress: { left: number },
  ): Promise<CopiedShard> {
    const { shard, segments } = pinned;
    const into = shardDirectory(directory, GENERATION, shard);
    const files: ListedFile[] = [];
    let ledger = NO_SEGMENTS;
    for (const { path, sequence, replaces, bytes } of segments) {
      // Of all that is left, also of other shards: what others write to the disk meanwhile counts as well.
      const lack = await room.lacks(progress.left);
      if (lack !== undefined) throw failed(escapeControls(lack, ""));
      const to = segmentPath(into, sequence);
      const copied = resultOf(await this.pool.run({ job: "copy", path, sequence, to }));
      // The next life knows of no pin: the file may have changed while it was copied.
      if (pinned.isOver) throw failed(`shard ${shard} was restarted meanwhile`);
      ledger = { first: ledger === NO_SEGMENTS ? replaces : ledger.first, last: sequence, bytes: copied.bytes };
      files.push({ path: relative(directory, to).replaceAll(sep, posix.sep), ...copied });
      progress.left -= bytes;
    }
    return { files, ledger };
  }
}

/** A shard whose files stay as they are. */
interface Pinned {
  readonly shard: number;
  readonly life: Pick<ShardLife, "unpin">;
  readonly segments: readonly PinnedSegment[];
  readonly bytes: number;
  /** It has ended, and the pin with it. */
  isOver: boolean;
}

const settled = <T>(promises: readonly Promise<T>[]): Promise<PromiseSettledResult<T>[]> =>
  Promise.allSettled(promises);

/** Throws the first error. */
const valuesOf = <T>(outcomes: readonly PromiseSettledResult<T>[]): T[] =>
  outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });

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
