/** The simulation is worth as much as its disk: it must lose what a disk may lose, and nothing else. */
import { describe, expect, it } from "vitest";
import type { DiskFile } from "../../src/journal/disk.js";
import { Crash, SimulatedDisk } from "./simulated-disk.js";
import { SECTOR_BYTES } from "./simulated-inode.js";

const SEEDS = 60;
const LENGTH = 8 * SECTOR_BYTES;
const OLD = 1;
const NEW = 2;

const filled = (value: number, length = LENGTH): Uint8Array => new Uint8Array(length).fill(value);

const contents = (disk: SimulatedDisk, path: string): Uint8Array => {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size);
  file.read(bytes, 0, bytes.length, 0);
  file.close();
  return bytes;
};

/** A disk with a directory that is durable and a file of old bytes that is durable. */
const prepared = (seed: number): { readonly disk: SimulatedDisk; readonly file: DiskFile } => {
  const disk = new SimulatedDisk(seed);
  disk.makeDirectory("/d");
  disk.syncDirectory("/");
  const file = disk.open("/d/f", "create");
  file.write(filled(OLD), 0, LENGTH, 0);
  file.sync();
  disk.syncDirectory("/d");
  return { disk, file };
};

/** What a trial comes to over many seeds. */
const outcomes = (trial: (seed: number) => string): Set<string> =>
  new Set(Array.from({ length: SEEDS }, (_, seed) => trial(seed)));

/** What became of each sector of the file that held old bytes and was given new ones. */
const sectorOutcomes = (bytes: Uint8Array): string[] =>
  Array.from({ length: LENGTH / SECTOR_BYTES }, (_, i) => {
    const values = new Set(bytes.subarray(i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES));
    return values.size > 1 ? "torn" : values.has(NEW) ? "new" : "old";
  });

describe("data", () => {
  it("that was synced outlives the machine, whatever the seed", () => {
    const seen = outcomes((seed) => {
      const { disk, file } = prepared(seed);
      file.write(filled(NEW), 0, LENGTH, 0);
      file.sync();
      disk.restart("power", seed);
      return sectorOutcomes(contents(disk, "/d/f")).join();
    });
    expect(seen).toEqual(new Set([Array(8).fill("new").join()]));
  });

  it("that was not synced is kept, lost or torn, sector by sector and in no order", () => {
    const all = new Set<string>();
    let isOutOfOrder = false;
    for (let seed = 0; seed < SEEDS; seed++) {
      const { disk, file } = prepared(seed);
      file.write(filled(NEW), 0, LENGTH, 0);
      disk.restart("power", seed);
      const outcomes = sectorOutcomes(contents(disk, "/d/f"));
      for (const outcome of outcomes) all.add(outcome);
      isOutOfOrder ||= outcomes.lastIndexOf("new") > outcomes.indexOf("old") && outcomes.includes("old");
    }
    expect(all).toEqual(new Set(["old", "new", "torn"]));
    expect(isOutOfOrder).toBe(true);
  });

  it("stays in the page cache when only the process ends, and is lost by a power loss later", () => {
    const later = outcomes((seed) => {
      const { disk, file } = prepared(seed);
      file.write(filled(NEW), 0, LENGTH, 0);
      disk.restart("process", seed);
      expect(sectorOutcomes(contents(disk, "/d/f"))).toEqual(Array(8).fill("new"));
      disk.restart("power", seed);
      return String(sectorOutcomes(contents(disk, "/d/f")).includes("old"));
    });
    expect(later).toEqual(new Set(["true", "false"]));
  });

  it("behind the old end of a file may be cut off by a crash before its sync", () => {
    const seen = outcomes((seed) => {
      const { disk, file } = prepared(seed);
      file.write(filled(NEW), 0, LENGTH, LENGTH);
      disk.restart("power", seed);
      const { length } = contents(disk, "/d/f");
      return length === LENGTH ? "cut" : length === 2 * LENGTH ? "whole" : "between";
    });
    expect(seen).toEqual(new Set(["cut", "whole", "between"]));
  });

  it("that a failed sync should have written may be lost although later syncs succeed", () => {
    const seen = outcomes((seed) => {
      const { disk, file } = prepared(seed);
      file.write(filled(NEW), 0, LENGTH, 0);
      disk.inject({ kind: "sync", after: 0, times: 1 });
      expect(() => file.sync()).toThrow("EIO");
      file.sync();
      expect(sectorOutcomes(contents(disk, "/d/f"))).toEqual(Array(8).fill("new"));
      disk.restart("power", seed);
      return String(sectorOutcomes(contents(disk, "/d/f")).includes("old"));
    });
    expect(seen).toContain("true");
  });
});

describe("names", () => {
  const exists = (disk: SimulatedDisk, name: string): boolean => disk.list("/d").includes(name);

  it("that were not synced may be gone, even of a file that was synced", () => {
    const seen = outcomes((seed) => {
      const { disk } = prepared(seed);
      const file = disk.open("/d/g", "create");
      file.write(filled(NEW), 0, LENGTH, 0);
      file.sync();
      disk.restart("power", seed);
      return exists(disk, "g") ? "there" : "gone";
    });
    expect(seen).toEqual(new Set(["there", "gone"]));
  });

  it("are durable once their directory is synced", () => {
    const seen = outcomes((seed) => {
      const { disk } = prepared(seed);
      disk.open("/d/g", "create");
      disk.rename("/d/f", "/d/h");
      disk.syncDirectory("/d");
      disk.restart("power", seed);
      return disk.list("/d").sort().join();
    });
    expect(seen).toEqual(new Set(["g,h"]));
  });

  it("that were renamed or removed without a sync may be what they were", () => {
    const renamed = outcomes((seed) => {
      const { disk } = prepared(seed);
      disk.rename("/d/f", "/d/g");
      disk.restart("power", seed);
      return disk.list("/d").join();
    });
    expect(renamed).toEqual(new Set(["f", "g"]));
    const removed = outcomes((seed) => {
      const { disk } = prepared(seed);
      disk.remove("/d/f");
      disk.restart("power", seed);
      return disk.list("/d").join();
    });
    expect(removed).toEqual(new Set(["f", ""]));
  });

  it("replaced by a rename without a sync lead to one of the two files, whole", () => {
    const seen = outcomes((seed) => {
      const { disk } = prepared(seed);
      const file = disk.open("/d/t", "create");
      file.write(filled(NEW), 0, LENGTH, 0);
      file.sync();
      disk.rename("/d/t", "/d/f");
      disk.restart("power", seed);
      return [...new Set(sectorOutcomes(contents(disk, "/d/f")))].join();
    });
    expect(seen).toEqual(new Set(["old", "new"]));
  });

  it("changed one after another without a sync may come back in any combination", () => {
    const seen = outcomes((seed) => {
      const { disk } = prepared(seed);
      disk.open("/d/1", "create");
      disk.open("/d/2", "create");
      disk.restart("power", seed);
      return disk.list("/d").sort().join();
    });
    expect(seen).toEqual(new Set(["f", "1,f", "2,f", "1,2,f"]));
  });
});

describe("crashes and faults", () => {
  it("everything ends at the operation that was asked for, and files opened before it stay closed", () => {
    const { disk, file } = prepared(1);
    disk.crashAfter(2);
    file.write(filled(NEW), 0, LENGTH, 0);
    expect(() => file.sync()).toThrow(Crash);
    expect(() => file.write(filled(NEW), 0, 1, 0)).toThrow(Crash);
    expect(() => disk.list("/d")).toThrow(Crash);
    disk.restart("power", 1);
    expect(disk.list("/d")).toEqual(["f"]);
    expect(() => file.sync()).toThrow("EBADF");
  });

  it("a write in which the process ends has written a part of its bytes", () => {
    const seen = outcomes((seed) => {
      const { disk, file } = prepared(seed);
      disk.crashAfter(1);
      expect(() => file.write(filled(NEW), 0, LENGTH, 0)).toThrow(Crash);
      disk.restart("process", seed);
      return sectorOutcomes(contents(disk, "/d/f")).at(-1) ?? "";
    });
    expect(seen).toContain("old");
  });

  it("a full disk takes what needs no space", () => {
    const { disk, file } = prepared(1);
    disk.inject({ kind: "full", after: 0, times: 2 });
    expect(() => file.write(filled(NEW), 0, LENGTH, 1)).toThrow("ENOSPC");
    expect(file.write(filled(NEW), 0, LENGTH, 0)).toBe(LENGTH);
    expect(() => disk.open("/d/g", "create")).toThrow("ENOSPC");
    expect(disk.list("/d")).toEqual(["f"]);
    expect(file.write(filled(NEW), 0, LENGTH, 1)).toBe(LENGTH);
  });

  it("writes are short or fail at the operation that was asked for, and no other", () => {
    const { disk, file } = prepared(1);
    disk.inject({ kind: "short", after: 1, times: 1 });
    expect(file.write(filled(NEW), 0, LENGTH, 0)).toBe(LENGTH);
    expect(file.write(filled(NEW), 0, LENGTH, 0)).toBeLessThan(LENGTH);
    disk.inject({ kind: "write", after: 0, times: 1 });
    expect(() => file.write(filled(NEW), 0, LENGTH, 0)).toThrow("EIO");
    expect(file.write(filled(NEW), 0, LENGTH, 0)).toBe(LENGTH);
    expect(disk.hits).toEqual({ full: 0, short: 1, write: 1, sync: 0 });
  });

  it("opens what is there as it is asked to, and refuses the rest by its code", () => {
    const { disk } = prepared(1);
    expect(() => disk.open("/d/f", "create")).toThrow("EEXIST");
    expect(() => disk.open("/d/g", "write")).toThrow("ENOENT");
    expect(() => disk.list("/x")).toThrow("ENOENT");
    expect(() => disk.open("/d/f", "read").write(filled(NEW), 0, 1, 0)).toThrow("EBADF");
    disk.removeDirectory("/d");
    disk.removeDirectory("/d");
    expect(() => disk.list("/d")).toThrow("ENOENT");
  });

  it("the same seed has the same outcome", () => {
    const trial = (seed: number): string => {
      const { disk, file } = prepared(seed);
      for (let i = 0; i < 20; i++) file.write(filled(NEW), 0, SECTOR_BYTES, i * 300);
      disk.restart("power", seed);
      return contents(disk, "/d/f").join();
    };
    for (let seed = 0; seed < 10; seed++) expect(trial(seed)).toBe(trial(seed));
  });
});
