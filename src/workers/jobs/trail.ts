/** Reads what a shard's journal still says of a message. The broker goes on meanwhile: files may be removed, or grow. */
import type { Checksum } from "../../journal/checksum.js";
import { readManifest } from "../../journal/data-directory.js";
import type { Disk } from "../../journal/disk.js";
import { journalFiles, segmentPath, shardDirectory } from "../../journal/layout.js";
import { faultOfHead, SegmentFile, type SegmentHead } from "../../journal/segment-file.js";
import { idTime } from "../../protocol/id.js";
import type { TrailInput, TrailResult } from "./job.js";
import { MessageTrail } from "./message-trail.js";

/** Bytes to read at a time. */
const READ_BYTES = 1024 * 1024;

/** Bytes of segments that are read at most: a second or two. */
const MAX_BYTES = 1024 * 1024 * 1024;

/** Clocks of a broker are not stepped back by more, and ids are not further ahead of them. Milliseconds. */
const SLACK = 60_000;

const isGone = (error: unknown): boolean => Object(error).code === "ENOENT";

export const trail = (disk: Disk, checksum: Checksum, input: TrailInput): TrailResult => {
  const { data, shard, topic, idHigh, idLow, maxBytes = MAX_BYTES } = input;
  const { generation } = readManifest(disk, data) ?? { generation: 1 };
  const directory = shardDirectory(data, generation, shard);
  const found = new MessageTrail(topic, idHigh, idLow);
  const heads = journalFiles(disk, directory)
    .sequences.map((sequence) => headOf(disk, checksum, directory, sequence, shard))
    .filter((head) => head !== undefined);
  const published = idTime(idHigh, idLow) - SLACK;
  let left = maxBytes;
  let from = 0;
  let isWhole = true;
  for (const [i, head] of heads.entries()) {
    const isCompacted = head.replaces < head.sequence;
    const next = heads[i + 1];
    // One that was made before the clock was known says 0.
    if (!isCompacted && next !== undefined && next.created > 0 && next.created < published) continue;
    if (left <= 0) {
      isWhole = false;
      break;
    }
    if (from === 0 && !isCompacted) from = head.created;
    left -= read(disk, checksum, directory, head, found);
  }
  const { events, origin = null, leftOut } = found;
  return { events, origin, leftOut, from, isWhole };
};

/** Undefined: the file is gone, is a spare, or cannot be read. */
const headOf = (
  disk: Disk,
  checksum: Checksum,
  directory: string,
  sequence: number,
  shard: number,
): SegmentHead | undefined => {
  const head = opened(disk, checksum, directory, sequence, (file) => file.head());
  if (head === undefined || typeof head === "string") return undefined;
  return faultOfHead(head, sequence, shard) === undefined ? head : undefined;
};

/** Reads a segment as far as it is whole; how many bytes. */
const read = (
  disk: Disk,
  checksum: Checksum,
  directory: string,
  { sequence, replaces, created }: SegmentHead,
  found: MessageTrail,
): number => {
  let memory = new Uint8Array(READ_BYTES);
  const buffer = (length: number): Uint8Array => {
    if (memory.length < length) memory = new Uint8Array(length);
    return memory;
  };
  const page = (_offset: number, used: number): void =>
    found.page(memory, new DataView(memory.buffer, memory.byteOffset, memory.length), used);
  found.begin(created, replaces < sequence);
  return opened(disk, checksum, directory, sequence, (file) => file.walk({ buffer, page }, READ_BYTES).end) ?? 0;
};

const opened = <T>(
  disk: Disk,
  checksum: Checksum,
  directory: string,
  sequence: number,
  work: (file: SegmentFile) => T,
): T | undefined => {
  const path = segmentPath(directory, sequence);
  try {
    const file = disk.open(path, "read");
    try {
      return work(new SegmentFile(path, sequence, file, checksum));
    } finally {
      file.close();
    }
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
};
