/**
 * Whether a file system is large enough for the journal of a broker. One that is not takes publishes for a while and then
 * refuses them, however fast they are consumed: a shard goes on when there is room for its next segment.
 */
import { readdir, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ballastBytes } from "../../journal/ballast.js";
import { isJournalFile } from "../../journal/layout.js";
import { ENOUGH_AGAIN } from "../../workers/shard-thread-data.js";
import type { BrokerOptions } from "../options.js";

type JournalOptions = Pick<BrokerOptions, "shards" | "segmentBytes" | "diskReserve">;

/** Bytes of a file system. */
export interface JournalSpace {
  /** All there are. */
  readonly total: number;
  /** What the journal may have: what is free, and what it has already. */
  readonly available: number;
}

export interface JournalLack {
  readonly needed: number;
  readonly available: number;
  /** What to do, in the flags of the program. */
  readonly remedy: string;
}

/** What is the matter then. */
export const TOO_SMALL =
  "the disk has too little room for two segments of each shard: publishes will be refused (DISK_FULL) before they are full";

const MIB = 1024 * 1024;

/** Smaller segments are possible; but each costs a file and two syncs. */
const MIN_ADVISED = MIB;

/** Of the space, where the reserve has to be smaller as well. */
const ADVISED_RESERVE = 1 / 8;

/** The last segment of each shard, the next one, and the ballast; and so much that the disk does not count as full. */
const neededBy = ({ shards, segmentBytes, diskReserve }: JournalOptions): number =>
  shards * (2 * segmentBytes + ballastBytes(segmentBytes)) + Math.ceil(diskReserve * ENOUGH_AGAIN);

/** What the journal needs and does not have; undefined: it has enough. */
export const lackOfRoom = (options: JournalOptions, { total, available }: JournalSpace): JournalLack | undefined => {
  const needed = neededBy(options);
  if (available >= needed) return undefined;
  const remedies = [
    total < needed ? `give it a larger disk (${mebibytes(needed)})` : `free ${mebibytes(needed - available)}`,
    smallerSettings(options, available),
  ];
  return { needed, available, remedy: remedies.filter((remedy) => remedy !== undefined).join(", or ") };
};

/** Settings with which the space is enough, as near as may be to the present ones; undefined: there are none. */
const smallerSettings = (options: JournalOptions, available: number): string | undefined => {
  const smallReserve = wholeMebibytes(available * ADVISED_RESERVE);
  const reserves =
    smallReserve === 0 || smallReserve >= options.diskReserve
      ? [options.diskReserve]
      : [options.diskReserve, smallReserve];
  for (const diskReserve of reserves) {
    for (let { segmentBytes } = options; segmentBytes >= MIN_ADVISED; segmentBytes = wholeMebibytes(segmentBytes / 2)) {
      if (neededBy({ ...options, segmentBytes, diskReserve }) > available) continue;
      const segment = segmentBytes < options.segmentBytes ? ` --segment-bytes ${segmentBytes / MIB}mb` : "";
      const reserve = diskReserve < options.diskReserve ? ` --disk-reserve ${diskReserve / MIB}mb` : "";
      return `start with${segment}${reserve}`;
    }
  }
  return undefined;
};

const wholeMebibytes = (bytes: number): number => Math.floor(bytes / MIB) * MIB;

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;

/** Of a data directory, or of where it would be made. Rejects when that cannot be known. */
export const journalSpace = async (data: string): Promise<JournalSpace> => {
  const { bsize, blocks, bavail } = await statfs(await existing(data));
  return { total: blocks * bsize, available: bavail * bsize + (await journalBytes(data)) };
};

const existing = async (directory: string): Promise<string> => {
  for (let path = directory; ; path = dirname(path)) {
    if (path === dirname(path) || (await isThere(path))) return path;
  }
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const journalBytes = async (data: string): Promise<number> => {
  if (!(await isThere(data))) return 0;
  let bytes = 0;
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && isJournalFile(entry.name)) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
};
