import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { makeDirectory, removeDirectory } from "../directories.js";

const root = (): string => {
  const path = makeDirectory();
  onTestFinished(() => removeDirectory(path));
  return path;
};

it("makes a directory with what is above it, and leaves one that is there", () => {
  const path = join(root(), "a", "b", "c");
  nodeDisk.makeDirectory(path);
  writeFileSync(join(path, "x"), "");
  nodeDisk.makeDirectory(path);
  expect(readdirSync(path)).toEqual(["x"]);
});

it.each(["/proc/x", "/proc/x/y", "/sys/x", "/dev/null/x"])("does not try for ever to make %s", (path) => {
  expect(() => nodeDisk.makeDirectory(path)).toThrow(/mkdir/);
});

it("does not take a file, or a link to nowhere, for a directory; takes a link to one", () => {
  const at = root();
  writeFileSync(join(at, "file"), "");
  symlinkSync(join(at, "nowhere"), join(at, "dangling"));
  mkdirSync(join(at, "real"));
  symlinkSync(join(at, "real"), join(at, "link"));
  for (const name of ["file", "dangling", "file/x", "dangling/x"]) {
    expect(() => nodeDisk.makeDirectory(join(at, name))).toThrow(/mkdir/);
  }
  nodeDisk.makeDirectory(join(at, "link", "x"));
  expect(readdirSync(join(at, "real"))).toEqual(["x"]);
});

it("names the file that it cannot read", () => {
  const at = root();
  const file = nodeDisk.open(at, "read");
  onTestFinished(() => file.close());
  expect(() => file.read(new Uint8Array(8), 0, 8, 0)).toThrow(`EISDIR: illegal operation on a directory, read '${at}'`);
});
