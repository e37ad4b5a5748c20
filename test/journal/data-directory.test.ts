import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DamageError, DataDirectoryError } from "../../src/journal/damage-error.js";
import {
  claimDataDirectory,
  type Manifest,
  makeGeneration,
  openDataDirectory,
  readManifest,
  removeOtherGenerations,
  writeManifest,
} from "../../src/journal/data-directory.js";
import { segmentPath, shardDirectory } from "../../src/journal/layout.js";
import { makeLedger } from "../../src/journal/ledger.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { Crash, SimulatedDisk } from "../simulation/simulated-disk.js";
import { FaultyDisk, type Operation } from "./faulty-disk.js";

let parent: string;
let data: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "ringmq-data-"));
  data = join(parent, "new", "data");
});

afterEach(() => rmSync(parent, { recursive: true }));

const claim = (shards = 2): Manifest => {
  const { lock, manifest } = claimDataDirectory(nodeDisk, data, shards);
  lock.release();
  return manifest;
};

describe("a data directory", () => {
  it("is there after a loss of power, with all that was made above it", () => {
    const synced: string[] = [];
    const disk = {
      ...nodeDisk,
      syncDirectory: (path: string) => {
        synced.push(path);
        nodeDisk.syncDirectory(path);
      },
    };
    claimDataDirectory(disk, data, 1).lock.release();
    expect(synced).toEqual(expect.arrayContaining([parent, join(parent, "new"), data, join(data, "generation-1")]));
    synced.length = 0;
    // Its maker may have been killed before the names were durable.
    claimDataDirectory(disk, data, 1).lock.release();
    expect(synced).toEqual([data, join(parent, "new")]);
  });

  it("whose manifest a start has believed keeps it when the power goes, whenever its writer was killed", () => {
    let believed = 0;
    for (let seed = 1; seed <= 60; seed++) {
      for (let at = 1; at <= 6; at++) {
        const disk = new SimulatedDisk(seed);
        disk.makeDirectory("/data");
        disk.syncDirectory("/");
        const one = openDataDirectory(disk, "/data", 1);
        makeGeneration(disk, "/data", 2, 2);
        disk.crashAfter(at);
        try {
          writeManifest(disk, "/data", { ...one, shards: 2, generation: 2 });
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
        }
        disk.restart("process", seed);
        const present = openDataDirectory(disk, "/data", 2);
        if (present.generation !== 2) continue;
        believed++;
        removeOtherGenerations(disk, "/data", present);
        disk.restart("power", seed * 7 + 1);
        expect(readManifest(disk, "/data")).toEqual(present);
      }
    }
    expect(believed).toBeGreaterThan(50);
  });

  it("is made with its shards, and found again", () => {
    const manifest = { format: 2, shards: 2, generation: 1 };
    expect(claim(2)).toEqual(manifest);
    expect(readdirSync(join(data, "generation-1")).sort()).toEqual(["shard-0", "shard-1"]);
    // The manifest counts, whatever is asked for.
    expect(claim(3)).toEqual(manifest);
    expect(JSON.parse(readFileSync(join(data, "ringmq.json"), "utf8"))).toEqual(manifest);
  });

  it("is locked while it is in use", () => {
    const { lock } = claimDataDirectory(nodeDisk, data, 1);
    expect(() => claimDataDirectory(nodeDisk, data, 1)).toThrow(DataDirectoryError);
    lock.release();
    claim(1);
  });

  it("may be the root of a file system", () => {
    mkdirSync(join(data, "lost+found"), { recursive: true });
    expect(claim(1).shards).toBe(1);
  });

  it("is not made of one that is somebody else's, which stays as it was", () => {
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, "precious.txt"), "mine");
    expect(() => claim()).toThrow(/not empty \("precious.txt"\).*no data directory of ringmq/);
    expect(readdirSync(data)).toEqual(["precious.txt"]);
  });

  it("of a newer format is refused, and is free for the version that can read it", () => {
    claim();
    writeFileSync(join(data, "ringmq.json"), '{"format":3,"shards":[1,2],"generation":1}');
    expect(() => claim()).toThrow(/has format 3; this ringmq reads up to 2/);
    writeFileSync(join(data, "ringmq.json"), '{"format":2,"shards":2,"generation":1}');
    claim();
  });

  it.each(["", "null", "{}", '{"format":1,"shards":0,"generation":1}', '{"format":1,"shards":1}'])(
    "with the manifest %j is refused, with what to write into it",
    (text) => {
      claim();
      writeFileSync(join(data, "ringmq.json"), text);
      expect(() => claim()).toThrow(/ringmq.json cannot be read.*"generation":G/);
    },
  );

  it("with something large for a manifest is refused in the same words", () => {
    claim();
    writeFileSync(join(data, "ringmq.json"), Buffer.alloc(1024 * 1024));
    expect(() => claim()).toThrow(DataDirectoryError);
    expect(() => claim()).toThrow(/ringmq.json cannot be read.*"generation":G/);
  });

  it("without its manifest is not taken for an empty one when there are messages", () => {
    claim();
    rmSync(join(data, "ringmq.json"));
    expect(claim()).toMatchObject({ generation: 1 });
    writeFileSync(segmentPath(shardDirectory(data, 1, 1), 1), "");
    rmSync(join(data, "ringmq.json"));
    expect(() => claim()).toThrow(/has messages in generation-1 but no ringmq.json/);
  });

  it("without its manifest and its segments is not taken for an empty one: the ledger knows of them", () => {
    claim();
    makeLedger(nodeDisk, shardDirectory(data, 1, 1), 1, { first: 1, last: 2, bytes: 100 });
    rmSync(join(data, "ringmq.json"));
    expect(() => claim()).toThrow(DataDirectoryError);
    expect(() => claim()).toThrow(/segments that were in generation-1 are gone/);
  });

  it("in which a shard is missing is damaged", () => {
    claim();
    rmSync(shardDirectory(data, 1, 1), { recursive: true });
    expect(() => claim()).toThrow(DamageError);
    expect(() => claim()).toThrow(`ringmq journal verify ${data}"`);
  });

  it("has another number of shards in another generation, from when the manifest says so", () => {
    const present = claim(2);
    makeGeneration(nodeDisk, data, 2, 3);
    expect(claim()).toEqual(present);
    const next: Manifest = { ...present, generation: 2, shards: 3 };
    writeManifest(nodeDisk, data, next);
    expect(claim()).toEqual(next);
    removeOtherGenerations(nodeDisk, data, next);
    expect(readdirSync(data).filter((name) => name.startsWith("generation"))).toEqual(["generation-2"]);
    expect(claim()).toEqual(next);
  });

  it("is made at the second attempt, wherever the first one ends", () => {
    const operations: readonly Operation[] = ["create", "open", "write", "sync", "rename", "syncDirectory", "remove"];
    let hits = 1;
    for (let from = 1; hits > 0; from++) {
      rmSync(data, { recursive: true, force: true });
      const disk = new FaultyDisk(nodeDisk);
      disk.fault = { operations, from, code: "EIO" };
      if (from < 5) expect(() => claimDataDirectory(disk, data, 2)).toThrow("EIO");
      else {
        try {
          claimDataDirectory(disk, data, 2).lock.release();
        } catch (error) {
          expect(error).toMatchObject({ code: "EIO" });
        }
      }
      ({ hits } = disk);
      expect(claim(2)).toEqual({ format: 2, shards: 2, generation: 1 });
      expect(readManifest(nodeDisk, data)).toEqual({ format: 2, shards: 2, generation: 1 });
    }
  });
});
