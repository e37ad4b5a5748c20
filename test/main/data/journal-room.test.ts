/** Whether a disk has room for the journal, and what to do where it has not. */
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { journalSpace, lackOfRoom } from "../../../src/main/data/journal-room.js";
import { makeDirectory, removeDirectory } from "../../directories.js";

const MIB = 1024 * 1024;
const defaults = { shards: 1, segmentBytes: 64 * MIB, diskReserve: 256 * MIB };

/** Two segments, the ballast of 8 MiB, and 1.25 times the reserve. */
const ENOUGH = 2 * 64 * MIB + 8 * MIB + 320 * MIB;

it("says what is needed and how to come by it, from the first byte that lacks", () => {
  expect(lackOfRoom(defaults, { total: ENOUGH, available: ENOUGH })).toBeUndefined();
  expect(lackOfRoom(defaults, { total: 2 * ENOUGH, available: ENOUGH - 1 })).toEqual({
    needed: ENOUGH,
    available: ENOUGH - 1,
    remedy: "free 1 MiB, or start with --segment-bytes 32mb",
  });
  expect(lackOfRoom({ ...defaults, shards: 2 }, { total: ENOUGH, available: ENOUGH })?.needed).toBe(ENOUGH + 136 * MIB);
});

it.each([
  [400, defaults, "give it a larger disk (456 MiB), or start with --segment-bytes 32mb"],
  [200, defaults, "give it a larger disk (456 MiB), or start with --disk-reserve 25mb"],
  [100, defaults, "give it a larger disk (456 MiB), or start with --segment-bytes 32mb --disk-reserve 12mb"],
  [100, { ...defaults, diskReserve: 8 * MIB }, "give it a larger disk (146 MiB), or start with --segment-bytes 32mb"],
  [8, defaults, "give it a larger disk (456 MiB), or start with --segment-bytes 2mb --disk-reserve 1mb"],
  [4, defaults, "give it a larger disk (456 MiB)"],
])("advises settings that fit into %d MiB", (mebibytes, options, remedy) => {
  const space = { total: mebibytes * MIB, available: mebibytes * MIB };
  expect(lackOfRoom(options, space)?.remedy).toBe(remedy);
});

it("counts what the journal has as its own, and asks the disk on which a directory would be made", async () => {
  const parent = makeDirectory();
  onTestFinished(() => removeDirectory(parent));
  const data = join(parent, "not/there/yet");
  const before = await journalSpace(data);
  expect(before.total).toBeGreaterThan(before.available);
  // Sparse, so that what is free stays as it is: no journal is as long as that.
  const shard = join(data, "generation-1/shard-0");
  mkdirSync(shard, { recursive: true });
  const far = 2 ** 40;
  for (const name of ["00000001.seg", "spare-1-1.tmp", "notes.txt"]) {
    writeFileSync(join(shard, name), "");
    truncateSync(join(shard, name), far);
  }
  const { available } = await journalSpace(data);
  expect(Math.abs(available - before.available - 2 * far)).toBeLessThan(far / 2);
});
