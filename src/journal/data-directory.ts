/**
 * The data directory of a broker. Its manifest, `ringmq.json`, names the number of shards and the current generation.
 *
 * The manifest is written last, so a directory without one is empty or unfinished. A change of the number of shards
 * makes a new generation beside the current one; it becomes current when the manifest names it.
 */
import { dirname, join, resolve } from "node:path";
import { faultOfListed, incomplete, readBackupList } from "./backup-list.js";
import { DamageError, DataDirectoryError } from "./damage-error.js";
import type { Disk } from "./disk.js";
import { isDiskFault, isOutOfSpace } from "./disk-fault.js";
import {
  BACKUP_LIST,
  generationName,
  generationOf,
  isOfCertificate,
  isOfFileSystem,
  journalFiles,
  LEDGER,
  LOCK_PREFIX,
  MANIFEST,
  segmentPath,
  shardDirectory,
  TEMPORARY_SUFFIX,
  UNFINISHED_MANIFEST,
} from "./layout.js";
import { makeLedger, NO_SEGMENTS, NOT_KNOWN, readLedger } from "./ledger.js";
import { DirectoryLock } from "./lock.js";
import { makeSpare } from "./spares.js";
import { readSmallFile, replaceFile } from "./whole-file.js";

/**
 * Version of the directory layout and the manifest. Segments have their own (record.ts of src/shard). In format 2 each
 * shard has a ledger (ledger.ts). A directory of format 1 is read, and a start makes it one of format 2, which older
 * versions refuse: they would not keep the ledger.
 *
 * **Changing the format.** Raise the number, have `openDataDirectory` make the new format of the one before, so that a crash
 * in between leaves either, let src/inspection read both, keep a directory of the old one in test/journal/fixtures, and say
 * in CHANGELOG.md from which release on it is read.
 */
export const DIRECTORY_FORMAT = 2;

/** The first format with ledgers. */
const WITH_LEDGERS = 2;

const MANIFEST_BYTES = 64 * 1024;

export interface Manifest {
  readonly format: number;
  readonly shards: number;
  readonly generation: number;
  /** In a backup that no broker has started from: the SHA-256 of its list of files. */
  readonly backup?: string;
}

/** Whether each shard must have a ledger. */
export const hasLedgers = ({ format }: Manifest): boolean => format >= WITH_LEDGERS;

const positive = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;

/** Throws if the manifest is damaged, unfinished or of a newer format. Undefined: there is none. */
export const readManifest = (disk: Disk, data: string): Manifest | undefined => {
  const names = disk.list(data);
  if (!names.includes(MANIFEST)) {
    if (names.includes(UNFINISHED_MANIFEST)) throw unfinished(data);
    return undefined;
  }
  const path = join(data, MANIFEST);
  let value: unknown;
  const bytes = readSmallFile(disk, path, MANIFEST_BYTES);
  if (bytes === undefined) throw unreadable(path);
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) throw unreadable(path);
    throw error;
  }
  const { format, shards, generation, backup } = (value ?? {}) as Partial<Record<keyof Manifest, unknown>>;
  if (!positive(format)) throw unreadable(path);
  if (format > DIRECTORY_FORMAT) {
    throw new DataDirectoryError(
      `the data directory ${data} has format ${format}; this ringmq reads up to ${DIRECTORY_FORMAT}: use the version that wrote it, or a later one`,
    );
  }
  if (!positive(shards) || !positive(generation)) throw unreadable(path);
  if (backup === undefined) return { format, shards, generation };
  if (typeof backup !== "string") throw unreadable(path);
  return { format, shards, generation, backup };
};

const unfinished = (data: string): DataDirectoryError =>
  new DataDirectoryError(
    `${data} is not complete: the restore, repair or backup that made it was interrupted, and messages are missing. Delete it and do that again`,
  );

const ADVICE =
  "If this is a copy, it may not be complete: make it again. If it is where the broker has always worked, write the " +
  'file anew: {"format":2,"shards":N,"generation":G}, with the highest generation-G there is and the number of shards in it';

const unreadable = (path: string): DataDirectoryError => new DataDirectoryError(`${path} cannot be read. ${ADVICE}`);

export const writeManifest = (disk: Disk, data: string, manifest: Manifest): void => {
  replaceFile(disk, data, MANIFEST, encodeManifest(manifest));
};

export const encodeManifest = (manifest: Manifest): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(manifest)}\n`);

/** Makes the empty shard directories of a generation, durably. Deletes whatever was there. */
export const makeGeneration = (disk: Disk, data: string, generation: number, shards: number): void => {
  const directory = join(data, generationName(generation));
  disk.removeDirectory(directory);
  disk.makeDirectory(directory);
  for (let shard = 0; shard < shards; shard++) {
    const path = shardDirectory(data, generation, shard);
    disk.makeDirectory(path);
    makeLedger(disk, path, shard, NO_SEGMENTS);
  }
  disk.syncDirectory(directory);
  disk.syncDirectory(data);
};

/** Deletes all generations but the current one: older ones, and unfinished newer ones. */
export const removeOtherGenerations = (disk: Disk, data: string, { generation }: Manifest): void => {
  for (const name of disk.list(data)) {
    const found = generationOf(name);
    if (found !== undefined && found !== generation) disk.removeDirectory(join(data, name));
  }
};

/** Throws unless the directory is a data directory, an unfinished one, or empty. */
const expectOurs = (disk: Disk, data: string): void => {
  for (const name of disk.list(data)) {
    if (name.startsWith(LOCK_PREFIX) || name.endsWith(TEMPORARY_SUFFIX)) continue;
    if (isOfCertificate(name) || isOfFileSystem(name)) continue;
    const generation = generationOf(name);
    if (generation === undefined) {
      throw new DataDirectoryError(
        `${data} has no ${MANIFEST} and is not empty ("${name}"): it is no data directory of ringmq; give an empty or a new one`,
      );
    }
    if (hasSegments(disk, join(data, name))) {
      throw new DataDirectoryError(`${data} has messages in ${name} but no ${MANIFEST}. ${ADVICE}`);
    }
    if (hasHadSegments(disk, join(data, name))) {
      throw new DataDirectoryError(
        `${data} has no ${MANIFEST}, and segments that were in ${name} are gone. Find out what removed them, and put them ` +
          `back or restore a backup. To begin without messages, give an empty or a new directory`,
      );
    }
  }
};

const hasSegments = (disk: Disk, generation: string): boolean =>
  disk.list(generation).some((shard) => journalFiles(disk, join(generation, shard)).sequences.length > 0);

/** Whether a ledger knows of segments. A new directory that is unfinished has whole ledgers or none, of no segments. */
const hasHadSegments = (disk: Disk, generation: string): boolean =>
  disk
    .list(generation)
    .map((shard) => join(generation, shard))
    .some((shard) => disk.list(shard).includes(LEDGER) && readLedger(disk, shard, undefined).last > 0);

/** Every shard in the manifest must have its directory: a missing one is not the same as an empty one. */
const expectShards = (disk: Disk, data: string, { generation, shards }: Manifest): void => {
  const name = generationName(generation);
  const names = new Set(disk.list(data).includes(name) ? disk.list(join(data, name)) : []);
  for (let shard = 0; shard < shards; shard++) {
    if (names.has(`shard-${shard}`)) continue;
    const path = segmentPath(shardDirectory(data, generation, shard), 1);
    throw new DamageError(path, 0, "the directory of this shard is missing");
  }
};

/**
 * The process that wrote the manifest may have been killed before its name was durable. The generation of the manifest
 * before it is about to be deleted, so a power loss must not bring that one back.
 */
const holdDurably = (disk: Disk, data: string): void => {
  disk.syncDirectory(data);
  try {
    disk.syncDirectory(dirname(resolve(data)));
  } catch (error) {
    // The parent belongs to another user and cannot be opened. Whoever made the directory in it has synced its name.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw error;
  }
};

/** Gives each shard of an older directory a ledger, and then the directory its format. */
const upgrade = (disk: Disk, data: string, manifest: Manifest): Manifest => {
  const { generation, shards } = manifest;
  for (let shard = 0; shard < shards; shard++) {
    const path = shardDirectory(data, generation, shard);
    if (!disk.list(path).includes(LEDGER)) makeLedger(disk, path, shard, NOT_KNOWN);
  }
  const upgraded = { ...manifest, format: DIRECTORY_FORMAT };
  writeManifest(disk, data, upgraded);
  return upgraded;
};

/**
 * A broker is about to write to the directory. Throws a `DataDirectoryError` when it is a backup of which files are missing or
 * cut off; their records are checked by the start. Otherwise its list of files is removed, since it will not hold any more.
 */
const noLongerBackup = (disk: Disk, data: string, { backup, ...manifest }: Manifest): Manifest => {
  if (backup !== undefined) {
    for (const file of readBackupList(disk, data, backup)) {
      const fault = faultOfListed(disk, data, file);
      if (fault !== undefined) throw incomplete(data, `${file.path}: ${fault}`);
    }
    writeManifest(disk, data, manifest);
  }
  if (disk.list(data).includes(BACKUP_LIST)) disk.remove(join(data, BACKUP_LIST));
  return manifest;
};

/** Opens a data directory, or makes one for this number of shards. The caller holds the lock. */
export const openDataDirectory = (disk: Disk, data: string, shards: number): Manifest => {
  const present = readManifest(disk, data);
  if (present !== undefined) {
    expectShards(disk, data, present);
    holdDurably(disk, data);
    const own = noLongerBackup(disk, data, present);
    return hasLedgers(own) ? own : upgrade(disk, data, own);
  }
  expectOurs(disk, data);
  const manifest: Manifest = { format: DIRECTORY_FORMAT, shards, generation: 1 };
  makeGeneration(disk, data, manifest.generation, shards);
  writeManifest(disk, data, manifest);
  return manifest;
};

/** Makes the directory and its missing parents, durably. */
export const makeDurably = (disk: Disk, path: string): void => {
  const missing: string[] = [];
  for (let at = path; isMissing(disk, at); at = dirname(at)) missing.push(at);
  disk.makeDirectory(path);
  for (const made of missing) disk.syncDirectory(dirname(made));
};

const isMissing = (disk: Disk, directory: string): boolean => {
  try {
    disk.list(directory);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
};

/** Space reserved for a start on a full disk: for its lock, and for the segments that recovery seals. */
const ROOM = `room${TEMPORARY_SUFFIX}`;
const ROOM_BYTES = 64 * 1024;

/** Frees the reserved space on a full disk, provided that nobody holds the lock. */
const acquire = (disk: Disk, data: string): DirectoryLock => {
  try {
    return DirectoryLock.acquire(data);
  } catch (error) {
    if (!isDiskFault(error) || !isOutOfSpace(error) || !disk.list(data).includes(ROOM)) throw error;
    disk.remove(join(data, ROOM));
    return DirectoryLock.acquire(data);
  }
};

/** Reserves the space, unless it is. If the disk is full now, the next start does it. */
const keepRoom = (disk: Disk, data: string): void => {
  if (disk.list(data).includes(ROOM)) return;
  try {
    makeSpare(disk, join(data, ROOM), ROOM_BYTES);
  } catch (error) {
    if (!isDiskFault(error)) throw error;
  }
};

/**
 * Locks and opens a data directory, which is made if there is none. Throws a `DataDirectoryError` that says what to do
 * if another broker uses it, if it is something else, or if a newer version has written it. The manifest may name
 * another number of shards than the one asked for.
 */
export const claimDataDirectory = (
  disk: Disk,
  data: string,
  shards: number,
): { readonly lock: DirectoryLock; readonly manifest: Manifest } => {
  makeDurably(disk, data);
  // Before the lock, which must not be written into a foreign directory.
  if (readManifest(disk, data) === undefined) expectOurs(disk, data);
  const lock = acquire(disk, data);
  try {
    keepRoom(disk, data);
    return { lock, manifest: openDataDirectory(disk, data, shards) };
  } catch (error) {
    lock.release();
    throw error;
  }
};
