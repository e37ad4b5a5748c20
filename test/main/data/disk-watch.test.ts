import { expect, it } from "vitest";
import { DiskWatch } from "../../../src/main/data/disk-watch.js";
import { SILENT } from "../../../src/main/log.js";
import { DiskSpace } from "../../../src/workers/shard-thread-data.js";
import { makeDirectory, removeDirectory } from "../../directories.js";

const RESERVE = 1_000;

/** A watch of a disk whose free space a test sets. */
const watchOf = () => {
  const disk: { free: number | Error } = { free: 10_000 };
  const lines: string[] = [];
  const note = (_: object, text: string): void => {
    lines.push(text);
  };
  const watch = new DiskWatch("data", RESERVE, { ...SILENT, warn: note, error: note }, async () => {
    if (disk.free instanceof Error) throw disk.free;
    return disk.free;
  });
  const changes: [boolean, number][] = [];
  watch.onChange = (...change) => changes.push(change);
  const word = new Int32Array(watch.memory);
  const lookAt = async (free: number | Error): Promise<number | undefined> => {
    disk.free = free;
    await watch.look();
    return word[0];
  };
  return { lookAt, lines, changes, word };
};

it("says full below the reserve, and enough again only with a quarter more than it", async () => {
  const { lookAt, lines, changes } = watchOf();
  expect(await lookAt(RESERVE)).toBe(DiskSpace.enough);
  expect(await lookAt(RESERVE - 1)).toBe(DiskSpace.full);
  expect(await lookAt(RESERVE)).toBe(DiskSpace.full);
  expect(await lookAt(RESERVE * 1.25 - 1)).toBe(DiskSpace.full);
  expect(await lookAt(RESERVE * 1.25)).toBe(DiskSpace.enough);
  expect(await lookAt(RESERVE)).toBe(DiskSpace.enough);
  expect(lines).toEqual([
    "the disk is nearly full: publishes are refused until there is space; acks go on",
    "the disk has space again: there is more than the reserve",
  ]);
  expect(changes).toEqual([
    [true, RESERVE - 1],
    [false, RESERVE * 1.25],
  ]);
});

it("tells the log what a shard has found, and when that is over", async () => {
  const { lookAt, lines, word } = watchOf();
  word[0] = DiskSpace.full;
  expect(await lookAt(RESERVE)).toBe(DiskSpace.full);
  expect(lines).toEqual(["the disk is nearly full: publishes are refused until there is space; acks go on"]);
  expect(await lookAt(RESERVE * 2)).toBe(DiskSpace.enough);
  expect(lines).toHaveLength(2);
});

it("lets publishes through where the free space cannot be told, and says so once", async () => {
  const { lookAt, lines } = watchOf();
  expect(await lookAt(0)).toBe(DiskSpace.full);
  expect(await lookAt(new Error("not here"))).toBe(DiskSpace.enough);
  expect(await lookAt(new Error("not here"))).toBe(DiskSpace.enough);
  expect(lines.slice(1)).toEqual(["the free space of the data directory is not known"]);
});

it("asks no second time while it waits for an answer", async () => {
  let asked = 0;
  let answer: (free: number) => void = () => {};
  const watch = new DiskWatch("data", RESERVE, SILENT, () => {
    asked++;
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  const first = watch.look();
  await watch.look();
  answer(0);
  await first;
  expect(asked).toBe(1);
  expect(watch.isFull).toBe(true);
});

it("knows the free space of a real directory", async () => {
  const path = makeDirectory();
  const watch = new DiskWatch(path, Number.MAX_SAFE_INTEGER, SILENT);
  await watch.start();
  watch.stop();
  removeDirectory(path);
  expect(watch.isFull).toBe(true);
});
