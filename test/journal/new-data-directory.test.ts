import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readManifest } from "../../src/journal/data-directory.js";
import type { Disk } from "../../src/journal/disk.js";
import { beginDataDirectory, expectOutside, finishDataDirectory } from "../../src/journal/new-data-directory.js";
import { nodeDisk } from "../../src/journal/node-disk.js";

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "ringmq-data-")));
});

afterEach(() => rmSync(root, { recursive: true }));

describe("a data directory that is made out of another", () => {
  it("has its manifest last, and its name outlasts a loss of power", () => {
    const calls: string[] = [];
    const disk: Disk = {
      ...nodeDisk,
      rename: (from, to) => {
        calls.push(`rename ${to}`);
        nodeDisk.rename(from, to);
      },
      syncDirectory: (path) => {
        calls.push(`sync ${path}`);
        nodeDisk.syncDirectory(path);
      },
    };
    const data = join(root, "data");
    mkdirSync(data);
    beginDataDirectory(disk, data, 2);
    expect(() => readManifest(nodeDisk, data)).toThrow(/is not complete/);
    expect(readdirSync(join(data, "generation-1")).sort()).toEqual(["shard-0", "shard-1"]);
    const manifest = join(data, "ringmq.json");
    expect(calls[0]).toBe(`rename ${manifest}.unfinished`);
    expect(calls).toContain(`sync ${root}`);
    calls.length = 0;
    finishDataDirectory(disk, data, []);
    expect(calls).toEqual([`rename ${manifest}`, `sync ${data}`]);
    expect(readManifest(nodeDisk, data)).toEqual({ format: 2, shards: 2, generation: 1 });
  });

  it("cannot lie in one, however it is named", () => {
    const data = join(root, "data");
    mkdirSync(data);
    expectOutside(join(data, "new"));
    beginDataDirectory(nodeDisk, data, 1);
    symlinkSync(join(data, "generation-1"), join(root, "link"));
    const ways = [
      join(data, "new"),
      join(data, "a", "b", "c"),
      join(root, "link", "new"),
      join(root, "x", "..", "data", "new"),
    ];
    const expectRefusals = (): void => {
      for (const way of ways) expect(() => expectOutside(way), way).toThrow(`lies in the data directory ${data}`);
    };
    expectRefusals();
    finishDataDirectory(nodeDisk, data, []);
    expectRefusals();
    expectOutside(data);
    expectOutside(join(root, "data-2", "new"));
  });
});
