import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Disk, DiskFile } from "../../../src/journal/disk.js";
import { nodeDisk } from "../../../src/journal/node-disk.js";
import { prepare } from "../../../src/workers/jobs/prepare.js";
import { makeDirectory, removeDirectory } from "../../directories.js";

const directory = (): string => {
  const path = makeDirectory();
  onTestFinished(() => removeDirectory(path));
  return path;
};

/** The disk of this machine, but for what a file does with a write or a sync. */
const diskWith = (change: (file: DiskFile) => Partial<DiskFile>): Disk => ({
  ...nodeDisk,
  open: (path, mode) => {
    const file = nodeDisk.open(path, mode);
    const whole: DiskFile = {
      get size() {
        return file.size;
      },
      read: (...read) => file.read(...read),
      write: (...write) => file.write(...write),
      sync: () => file.sync(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
    return Object.assign(whole, change(file));
  },
});

it("makes a file of zeros, of its size to the byte, and nothing else", () => {
  const path = directory();
  for (const bytes of [1, 64 * 1024, 2 * 1024 * 1024 + 4_096]) {
    const spare = join(path, `spare-${bytes}.tmp`);
    expect(prepare(nodeDisk, { path: spare, bytes })).toEqual({ bytes });
    expect(readFileSync(spare).equals(Buffer.alloc(bytes))).toBe(true);
  }
  expect(readdirSync(path)).toHaveLength(3);
});

it("goes on after a short write", () => {
  const spare = join(directory(), "spare-1.tmp");
  const short = diskWith((file) => ({
    write: (from, start, length, at) => file.write(from, start, Math.min(length, 1_000), at),
  }));
  prepare(short, { path: spare, bytes: 12_345 });
  expect(readFileSync(spare).equals(Buffer.alloc(12_345))).toBe(true);
});

it("leaves nothing when the disk is full, and has its name only once it is synced", () => {
  const path = directory();
  const spare = join(path, "spare-1.tmp");
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  let namesAtSync: string[] = [];
  const failing = diskWith(() => ({
    sync: () => {
      namesAtSync = readdirSync(path);
      throw full;
    },
  }));
  expect(() => prepare(failing, { path: spare, bytes: 4_096 })).toThrow(full);
  expect(namesAtSync).toEqual(["spare-1.tmp.tmp"]);
  expect(readdirSync(path)).toEqual([]);
});

it("touches nothing that somebody else is making", () => {
  const path = directory();
  const spare = join(path, "spare-1.tmp");
  writeFileSync(`${spare}.tmp`, "another's");
  expect(() => prepare(nodeDisk, { path: spare, bytes: 4_096 })).toThrow("EEXIST");
  expect(readFileSync(`${spare}.tmp`, "utf8")).toBe("another's");
});
