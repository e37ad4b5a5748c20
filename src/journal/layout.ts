/**
 * Names in a data directory:
 *
 * ```
 * DATA/LOCK.N                                who uses it, see lock.ts
 * DATA/room.tmp                              room for a start on a full disk
 * DATA/ringmq.json                           format, shards and generation, see data-directory.ts
 * DATA/ringmq.json.unfinished                instead of it while a restore, a repair or a backup makes the directory
 * DATA/backup.json                           in a backup: its files, see backup-list.ts
 * DATA/self-signed.pem                       the certificate that the broker made, and its private key
 * DATA/certificate.pem                       the same certificate, for clients to check it by
 * DATA/generation-G/shard-K/00000001.seg     segments of the journal, by sequence
 * DATA/generation-G/shard-K/segments.ledger  which segments there must be, see ledger.ts
 * DATA/generation-G/shard-K/*.tmp            being made, or spare: nothing in them counts; deleted at start
 * ```
 *
 * A new generation is made when the number of shards changes.
 */
import type { Disk } from "./disk.js";
import { join } from "./paths.js";

export const MANIFEST = "ringmq.json";
/** The manifest's name while a restore, a repair or a backup is making the directory. */
export const UNFINISHED_MANIFEST = `${MANIFEST}.unfinished`;
/** The list of a backup's files. */
export const BACKUP_LIST = "backup.json";
export const SELF_SIGNED = "self-signed.pem";
export const PUBLIC_CERTIFICATE = "certificate.pem";
export const LOCK_PREFIX = "LOCK.";
export const TEMPORARY_SUFFIX = ".tmp";
/** In the directory of each shard. */
export const LEDGER = "segments.ledger";
const SEGMENT_SUFFIX = ".seg";
const SEQUENCE_DIGITS = 8;

const SEGMENT_NAME = /^(\d{8,15})\.seg$/;
const GENERATION_NAME = /^generation-([1-9]\d{0,14})$/;

/** Files that a data directory may have without any messages. */
export const isOfCertificate = (name: string): boolean => name === SELF_SIGNED || name === PUBLIC_CERTIFICATE;

/** What a file system has at its root of its own accord: a directory with nothing else in it counts as empty. */
export const isOfFileSystem = (name: string): boolean => name === "lost+found";

export const generationName = (generation: number): string => `generation-${generation}`;

/** The number of a generation's directory; undefined for any other name. */
export const generationOf = (name: string): number | undefined => {
  const digits = GENERATION_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

export const shardDirectory = (data: string, generation: number, shard: number): string =>
  join(data, generationName(generation), `shard-${shard}`);

export const segmentPath = (directory: string, sequence: number): string =>
  join(directory, `${String(sequence).padStart(SEQUENCE_DIGITS, "0")}${SEGMENT_SUFFIX}`);

/** The sequence of a segment's file; undefined for any other name. */
const sequenceOf = (name: string): number | undefined => {
  const digits = SEGMENT_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

/** Whether a file in the directory of a shard takes space for messages: a segment, a spare, the ballast. */
export const isJournalFile = (name: string): boolean =>
  sequenceOf(name) !== undefined || name.endsWith(TEMPORARY_SUFFIX);

export interface JournalFiles {
  /** Ascending. */
  readonly sequences: readonly number[];
  /** Names of temporary files. */
  readonly temporary: readonly string[];
}

/** The files of a shard's journal. Other names are ignored. */
export const journalFiles = (disk: Disk, directory: string): JournalFiles => {
  const names = disk.list(directory);
  const sequences = names.map(sequenceOf).filter((sequence) => sequence !== undefined);
  return {
    sequences: sequences.sort((a, b) => a - b),
    temporary: names.filter((name) => name.endsWith(TEMPORARY_SUFFIX)),
  };
};
