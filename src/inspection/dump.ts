/** Lists all records of a data directory. */
import type { Checksum } from "../journal/checksum.js";
import { DataDirectoryError } from "../journal/damage-error.js";
import type { Disk } from "../journal/disk.js";
import { type DescribedRecord, describeRecord } from "./record-text.js";
import { scanSegment, viewOf } from "./segment-scan.js";
import { readSegment, shardsOf } from "./shard-files.js";

export interface DumpedRecord {
  readonly shard: number;
  readonly segment: number;
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  /** The record, or, for a gap without whole records, what is wrong at its beginning. */
  readonly what: DescribedRecord | string;
}

export interface DumpOptions {
  /** Undefined: all. */
  readonly shard?: number | undefined;
  /** Skips the segments before this one. */
  readonly from?: number | undefined;
}

/** Throws a `DataDirectoryError`. */
export function* dumpData(
  disk: Disk,
  data: string,
  checksum: Checksum,
  { shard, from = 0 }: DumpOptions,
): Generator<DumpedRecord, void> {
  const shards = shardsOf(disk, data, checksum);
  if (shard !== undefined && shard >= shards.length) {
    const present = shards.length === 1 ? "shard 0 alone" : `shards 0 to ${shards.length - 1}`;
    throw new DataDirectoryError(`there is no shard ${shard} in ${data}: it has ${present}`);
  }
  const wanted = shards.filter((found) => shard === undefined || found.shard === shard);
  const last = Math.max(0, ...wanted.flatMap(({ segments }) => segments.map(({ sequence }) => sequence)));
  if (from > last) throw new DataDirectoryError(`there is no segment ${from} in ${data}: the last is ${last}`);
  for (const found of wanted) {
    for (const segment of found.segments) {
      if (segment.sequence < from) continue;
      const bytes = readSegment(disk, segment);
      const view = viewOf(bytes);
      for (const item of scanSegment(bytes, segment.sequence, checksum)) {
        yield {
          shard: found.shard,
          segment: segment.sequence,
          file: segment.path,
          offset: item.offset,
          length: item.length,
          what: item.kind === "gap" ? item.what : describeRecord(bytes, view, item.offset),
        };
      }
    }
  }
}
