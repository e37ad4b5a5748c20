/**
 * The data directory of a running broker: locks it first and releases it last, prepares it for the shards' threads, and
 * watches its free space. The layout is in src/journal/layout.ts.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DamageError, DataDirectoryError } from "../../journal/damage-error.js";
import {
  claimDataDirectory,
  type Manifest,
  makeDurably,
  makeGeneration,
  removeOtherGenerations,
  writeManifest,
} from "../../journal/data-directory.js";
import type { Disk } from "../../journal/disk.js";
import { journalFiles, MANIFEST, segmentPath, shardDirectory } from "../../journal/layout.js";
import { type DirectoryLock, expectFree } from "../../journal/lock.js";
import { nodeDisk } from "../../journal/node-disk.js";
import type { Log } from "../log.js";
import type { BrokerOptions } from "../options.js";
import type { JobPool } from "../shards/job-pool.js";
import { StartError } from "../shards/start-error.js";
import type { ShardFiles, ShardOnDisk } from "../shards/start-up.js";
import { DirectorySocket, socketOf } from "./directory-socket.js";
import { DiskWatch, freeSpace } from "./disk-watch.js";
import { HomeWatch } from "./home-watch.js";
import { journalSpace, lackOfRoom, TOO_SMALL } from "./journal-room.js";

export class Data implements ShardFiles {
  readonly watch: DiskWatch;
  readonly #lock: DirectoryLock;
  readonly #log: Log;

  private constructor(
    { data, diskReserve, log }: BrokerOptions,
    readonly socket: DirectorySocket,
    lock: DirectoryLock,
    readonly home: HomeWatch,
    /** By shard. */
    readonly shards: readonly ShardOnDisk[],
  ) {
    this.#log = log;
    this.#lock = lock;
    this.watch = new DiskWatch(data, diskReserve, log, (directory) => {
      home.look();
      // Of a directory that is not there: failed writes show what is the matter.
      return home.isHome ? freeSpace(directory) : Promise.resolve(Number.POSITIVE_INFINITY);
    });
  }

  /**
   * Locks the directory and removes what the last run left unfinished.
   *
   * @throws StartError when it cannot be used; its text says what to do.
   */
  static async open(options: BrokerOptions, pool: Pick<JobPool, "run">, disk: Disk = nodeDisk): Promise<Data> {
    const { data } = options;
    try {
      makeDurably(disk, data);
      const socket = await DirectorySocket.take(data);
      if (socket === undefined) throw inUse(data);
      try {
        const opened = await Data.#open(options, pool, disk, socket);
        await warnOfLack(options);
        return opened;
      } catch (error) {
        socket.close();
        throw error;
      }
    } catch (error) {
      throw explain(data, error);
    }
  }

  static async #open(
    options: BrokerOptions,
    pool: Pick<JobPool, "run">,
    disk: Disk,
    socket: DirectorySocket,
  ): Promise<Data> {
    const { data, shards, log } = options;
    const { lock, manifest } = claimDataDirectory(disk, data, shards);
    try {
      const present = await withShards(options, manifest, pool, disk);
      removeOtherGenerations(disk, data, present);
      const directories = Array.from({ length: shards }, (_, shard) => shardDirectory(data, present.generation, shard));
      const found = directories.map((directory) => shardOnDisk(disk, directory));
      const named = join(data, MANIFEST);
      const home = new HomeWatch(data, [named, ...directories], log);
      const placed = found.map((each) => ({ ...each, home: [home.placeOf(each.directory), home.placeOf(named)] }));
      return new Data(options, socket, lock, home, placed);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Bytes of all segments. */
  get bytes(): number {
    let bytes = 0;
    for (const { segments } of this.shards) for (const segment of segments) bytes += segment.bytes;
    return bytes;
  }

  /** Releases the directory for another broker. */
  close(): void {
    this.watch.stop();
    this.home.stop();
    this.socket.close();
    try {
      this.#lock.release();
    } catch (error) {
      // The next start will find that this process is gone.
      this.#log.warn({ error, data: this.#lock.directory }, "the lock of the data directory could not be released");
    }
  }
}

/**
 * Returns the manifest for the number of shards in the options. If that has changed, everything moves to a new generation
 * first. The old one is current until the manifest names the new one, so that a crash in between loses nothing.
 */
const withShards = async (
  { data, shards, segmentBytes, log }: BrokerOptions,
  manifest: Manifest,
  pool: Pick<JobPool, "run">,
  disk: Disk,
): Promise<Manifest> => {
  if (manifest.shards === shards) return manifest;
  const { generation, shards: from } = manifest;
  log.info({ from, to: shards }, "the number of shards has changed: messages move to their new ones");
  makeGeneration(disk, data, generation + 1, shards);
  const job = { job: "reshard", data, generation, from, to: shards, segmentBytes, now: Date.now() } as const;
  const outcome = await pool.run(job);
  if (!outcome.ok) {
    throw new StartError(
      `messages cannot move from ${from} to ${shards} shards: ${outcome.error.message}. ` +
        `Nothing has changed: start with --shards ${from}, or remedy that first`,
    );
  }
  const moved: Manifest = { ...manifest, shards, generation: generation + 1 };
  writeManifest(disk, data, moved);
  log.info({ ...outcome.result, shards }, "messages have moved to their new shards");
  return moved;
};

const shardOnDisk = (disk: Disk, directory: string): Omit<ShardOnDisk, "home"> => {
  const { sequences, temporary } = journalFiles(disk, directory);
  for (const name of temporary) disk.remove(join(directory, name));
  const segments = sequences.map((sequence) => {
    const path = segmentPath(directory, sequence);
    const file = disk.open(path, "read");
    try {
      return { path, sequence, bytes: file.size };
    } finally {
      file.close();
    }
  });
  return { directory, segments };
};

/** Another broker of this machine has the directory, perhaps by another path; or a process that has taken its socket's name. */
const inUse = (data: string): Error => {
  // Names its process, if the lock does.
  expectFree(data);
  return new DataDirectoryError(
    `the data directory ${data} is in use by another broker, though nothing in it says so: stop that one first. If there ` +
      `is none, some process has taken the name of its socket: \`ss -xlp | grep ${socketOf(data).slice(1)}\` tells root which; end it`,
  );
};

const warnOfLack = async (options: BrokerOptions): Promise<void> => {
  const { data, log } = options;
  // Where the space is not known, the watch of the disk says so.
  const space = await journalSpace(data).catch(() => undefined);
  const lack = space && lackOfRoom(options, space);
  if (lack === undefined) return;
  const { needed, available, remedy } = lack;
  log.warn({ data, neededBytes: needed, availableBytes: available, remedy }, TOO_SMALL);
};

const isFile = (path: string): boolean => {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** What to do, by the system's code. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", ". Free some space there, or give another directory"],
  ["EDQUOT", ". Free some space there, or raise the quota of the broker's user"],
  ["EROFS", ". Mount its file system for writing, or give another directory"],
  ["EACCES", ". Give the broker's user the right to write there, or give another directory"],
  ["EPERM", ". Give the broker's user the right to write there, or give another directory"],
]);

const explain = (data: string, error: unknown): unknown => {
  if (error instanceof DataDirectoryError || error instanceof DamageError) {
    return new StartError(error.message, { cause: error });
  }
  if (error instanceof Error && "syscall" in error) {
    const remedy = ("code" in error && REMEDIES.get(String(error.code))) || "";
    const text = isFile(data)
      ? `${data} is a file: give the name of a directory`
      : `the data directory ${data} cannot be used: ${error.message}${remedy}`;
    return new StartError(text, { cause: error });
  }
  return error;
};
