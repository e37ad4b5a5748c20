import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { nodeDisk } from "../../../src/journal/node-disk.js";
import { prepare } from "../../../src/workers/jobs/files.js";
import { makeDirectory, removeDirectory } from "../../directories.js";

const directory = (): string => {
  const path = makeDirectory();
  onTestFinished(() => removeDirectory(path));
  return path;
};

it("makes a file of zeros of exactly this size, and nothing else", () => {
  const path = directory();
  for (const bytes of [1, 64 * 1024, 2 * 1024 * 1024 + 4_096]) {
    const spare = join(path, `spare-${bytes}.tmp`);
    expect(prepare(nodeDisk, { path: spare, bytes })).toEqual({ bytes });
    expect(readFileSync(spare).equals(Buffer.alloc(bytes))).toBe(true);
  }
  expect(readdirSync(path)).toHaveLength(3);
});

it("does not touch an existing file", () => {
  const spare = join(directory(), "spare-1.tmp");
  writeFileSync(spare, "another's");
  expect(() => prepare(nodeDisk, { path: spare, bytes: 4_096 })).toThrow("EEXIST");
  expect(readFileSync(spare, "utf8")).toBe("another's");
});
