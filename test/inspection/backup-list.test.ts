/** Copies of a backup in which something is missing or altered. */
import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { restoreData } from "../../src/inspection/restore.js";
import { verifyData } from "../../src/inspection/verification.js";
import { claimDataDirectory, readManifest } from "../../src/journal/data-directory.js";
import { segmentPath, shardDirectory } from "../../src/journal/layout.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { beginDirectory, copy, finishDirectory } from "../../src/workers/jobs/files.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { FaultyDisk, type Operation } from "../journal/faulty-disk.js";
import { checksum } from "../journal/keeper.js";
import { bodies, keeperOf, pathOf, segmentsOf, temporary } from "./data.js";

const SHARD = "generation-1/shard-0";

let root: string;
let backup: string;
let all: readonly string[];
let sequences: readonly number[];

beforeAll(() => {
  root = makeDirectory();
  backup = join(root, "backup");
  const data = join(root, "data");
  const keeper = keeperOf(data);
  for (let i = 0; i < 40; i++) {
    keeper.publish(bodies(20, `batch-${i}`));
    keeper.commit();
  }
  keeper.close();
  all = keeper.bodies;
  sequences = segmentsOf(data);
  // As the pool's jobs make it.
  nodeDisk.makeDirectory(backup);
  beginDirectory(nodeDisk, { path: backup, shards: 1 });
  const files = sequences.map((sequence) => {
    const to = segmentPath(shardDirectory(backup, 1, 0), sequence);
    const copied = copy(nodeDisk, checksum, { path: pathOf(data, sequence), sequence, to });
    return { path: `${SHARD}/${to.split("/").at(-1)}`, ...copied };
  });
  const last = sequences.at(-1) ?? 0;
  finishDirectory(nodeDisk, {
    path: backup,
    ledgers: [{ first: sequences[0] ?? 0, last, bytes: files.at(-1)?.bytes ?? 0 }],
    files,
  });
  return () => removeDirectory(root);
});

const copyOf = (): string => {
  const to = join(temporary(), "copy");
  cpSync(backup, to, { recursive: true });
  return to;
};

const verify = (data: string) => verifyData(nodeDisk, data, checksum, () => {}).flatMap(({ damage }) => damage);
const restore = (data: string) => restoreData(nodeDisk, data, join(temporary(), "out"), checksum, () => {});
const name = (index: number): string => segmentPath(SHARD, sequences.at(index) ?? 0);

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
};

describe("a copy of a backup", () => {
  it("is whole when nothing was changed, and is restored", () => {
    expect(sequences.length).toBeGreaterThan(3);
    const there = copyOf();
    expect(verify(there)).toEqual([]);
    const out = join(temporary(), "out");
    expect(restoreData(nodeDisk, there, out, checksum, () => {})).toMatchObject({
      segments: sequences.length,
      wasListed: true,
    });
    expect(readdirSync(out)).not.toContain("backup.json");
    expect(keeperOf(out).bodies).toEqual(all);
  });

  it.each<[string, number, (path: string) => void, RegExp]>([
    ["its last segment", -1, rmSync, /missing here/],
    ["its first segment", 0, rmSync, /missing here/],
    ["a segment between others", 1, rmSync, /missing here/],
    ["the contents of its last segment", -1, (path) => truncateSync(path), /has 0 bytes here, and \d+ in the backup/],
    ["the last bytes of a segment", 1, (path) => truncateSync(path, 64), /has 64 bytes here/],
    ["a byte", 1, (path) => flip(path, 300), /its SHA-256 is another one/],
    ["nothing, but has more", 0, (path) => appendFileSync(path, "x"), /bytes here/],
  ])("without %s is no backup: verify, restore and a start name the file", (_, index, change, what) => {
    const there = copyOf();
    change(join(there, name(index)));
    const found = verify(there).filter((damage) => what.test(damage.what));
    expect(found.map(({ file }) => file)).toEqual([join(there, name(index))]);
    expect(() => restore(there)).toThrow(new RegExp(`the backup is damaged: .*${there}`));
    // A byte is found by whoever reads the records.
    if (what.source.includes("SHA")) return;
    const before = readdirSync(there, { recursive: true });
    expect(() => claimDataDirectory(nodeDisk, there, 1)).toThrow(
      new RegExp(`the backup ${there} is not whole: ${name(index)}: .*Copy it again`),
    );
    expect(readdirSync(there, { recursive: true }).filter((file) => !/LOCK|room/.test(String(file)))).toEqual(before);
  });

  it("with a segment of another backup is none", () => {
    const there = copyOf();
    const foreign = segmentPath(join(there, SHARD), (sequences.at(-1) ?? 0) + 1);
    cpSync(join(there, name(-1)), foreign);
    expect(verify(there)).toContainEqual({ file: foreign, offset: 0, what: "the backup has no such file" });
    expect(() => restore(there)).toThrow(/is damaged/);
  });

  it.each<[string, (there: string) => void, RegExp]>([
    ["without its list", (there) => rmSync(join(there, "backup.json")), /its list of files, backup.json, is missing/],
    ["with another list", (there) => flip(join(there, "backup.json"), 40), /backup.json is not the list/],
    ["with a large list", (there) => truncateSync(join(there, "backup.json"), 2 ** 30), /backup.json is not the list/],
    ["without the directory of a shard", (there) => rmSync(join(there, SHARD), { recursive: true }), /shard.*missing/],
    ["without its manifest", (there) => rmSync(join(there, "ringmq.json")), /no ringmq.json/],
    [
      "under the manifest of an interrupted one",
      (there) => renameSync(join(there, "ringmq.json"), join(there, "ringmq.json.unfinished")),
      /is not complete/,
    ],
  ])("%s is none", (_, change, what) => {
    const there = copyOf();
    change(there);
    expect(() => restore(there)).toThrow(what);
    expect(() => claimDataDirectory(nodeDisk, there, 1)).toThrow(what);
  });
});

describe("a broker that starts from a backup", () => {
  const start = (data: string, disk = new FaultyDisk(nodeDisk)): void => {
    claimDataDirectory(disk, data, 1).lock.release();
  };

  it("makes a data directory of it, which changes from then on", () => {
    const there = copyOf();
    start(there);
    expect(readManifest(nodeDisk, there)).toEqual({ format: expect.any(Number), shards: 1, generation: 1 });
    expect(readdirSync(there)).not.toContain("backup.json");
    const keeper = keeperOf(there);
    expect(keeper.bodies).toEqual(all);
    keeper.publish(bodies(20, "more"));
    keeper.commit();
    keeper.close();
    expect(verify(there)).toEqual([]);
  });

  it("and is killed anywhere meanwhile leaves what the next one starts from", () => {
    const operations: readonly Operation[] = ["create", "write", "sync", "rename", "remove", "syncDirectory"];
    for (let from = 1; ; from++) {
      const there = copyOf();
      const disk = new FaultyDisk(nodeDisk);
      disk.fault = { operations, from, code: "EIO" };
      let isDone = true;
      try {
        start(there, disk);
      } catch (error) {
        expect(error).toMatchObject({ code: "EIO" });
        isDone = false;
      }
      start(there);
      expect(readdirSync(there)).not.toContain("backup.json");
      expect(verify(there)).toEqual([]);
      if (!isDone) continue;
      expect(from).toBeGreaterThan(4);
      return;
    }
  });
});
