/** Small data directories with one shard, as a broker leaves them, and ways to damage them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { scanSegment } from "../../src/inspection/segment-scan.js";
import { openDataDirectory } from "../../src/journal/data-directory.js";
import { segmentPath, shardDirectory } from "../../src/journal/layout.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import * as record from "../../src/shard/log/record.js";
import { checksum, Keeper, type KeeperOptions } from "../journal/keeper.js";

export const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "ringmq-inspection-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

/** Where the shard of a data directory has its segments; the directory is made if it is new. */
export const shardOf = (data: string): string => {
  nodeDisk.makeDirectory(data);
  const { generation } = openDataDirectory(nodeDisk, data, 1);
  return shardDirectory(data, generation, 0);
};

export const keeperOf = (data: string, options: Partial<KeeperOptions> = {}): Keeper =>
  new Keeper({ disk: nodeDisk, directory: shardOf(data), ...options });

/** Sequences of the existing segments. */
export const segmentsOf = (data: string): number[] =>
  readdirSync(shardOf(data))
    .filter((name) => name.endsWith(".seg"))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);

export const pathOf = (data: string, sequence: number): string => segmentPath(shardOf(data), sequence);

export const bytesOf = (data: string, sequence: number): Buffer => readFileSync(pathOf(data, sequence));

/** The contents of a segment, with its bytes as text. */
export const recordsOf = (data: string, sequence: number) => {
  const bytes = bytesOf(data, sequence);
  return [...scanSegment(bytes, sequence, checksum)].map((item) => ({
    ...item,
    text: bytes.subarray(item.offset, item.offset + item.length).toString("latin1"),
  }));
};

/** Changes the head of a segment and its checksum, as if the file belonged elsewhere. */
export const changeHead = (data: string, sequence: number, change: (bytes: Buffer) => void): void => {
  const bytes = bytesOf(data, sequence);
  change(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sum = checksum(view, record.TYPE, record.SEGMENT_BYTES, record.checksumSeed(sequence, 0));
  bytes.writeUInt32BE(sum, record.CHECKSUM);
  writeFileSync(pathOf(data, sequence), bytes);
};

/** Flips every bit of the bytes [start, end) of a segment. */
export const damage = (data: string, sequence: number, start: number, end: number): void => {
  const bytes = bytesOf(data, sequence);
  for (let i = start; i < end; i++) bytes[i] = (bytes[i] ?? 0) ^ 0xff;
  writeFileSync(pathOf(data, sequence), bytes);
};

/** Unique bodies. */
export const bodies = (count: number, mark: string, length = 40): string[] =>
  Array.from({ length: count }, (_, i) => `${mark}-${i}`.padEnd(length, "."));
