import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { changeOf, Home, HomeError, homeDisk, placeAt } from "../../src/journal/home.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { Keeper } from "./keeper.js";

const contents = (directory: string): Buffer[] =>
  nodeDisk
    .list(directory)
    .sort()
    .map((name) => readFileSync(join(directory, name)));

let root: string;
let data: string;

beforeEach(() => {
  root = makeDirectory();
  data = join(root, "data");
  mkdirSync(data);
  writeFileSync(join(data, "1.seg"), "one");
});

afterEach(() => removeDirectory(root));

describe("a place", () => {
  it("is known by what it is", () => {
    const place = placeAt(data);
    expect(changeOf(place)).toBeUndefined();
    renameSync(data, join(root, "moved"));
    expect(changeOf(place)).toBe("is gone");
    mkdirSync(data);
    expect(changeOf(place)).toBe("is not the one that was opened");
    rmSync(data, { recursive: true });
    symlinkSync(join(root, "moved"), data);
    expect(changeOf(place)).toBeUndefined();
  });

  it("is gone when what it was in is a file", () => {
    const place = placeAt(join(data, "1.seg"));
    renameSync(data, join(root, "moved"));
    writeFileSync(data, "");
    expect(changeOf(place)).toBe("is gone");
  });
});

describe("a home", () => {
  it("is looked at before a commit, every few milliseconds, and again at once when it was not there", () => {
    const home = new Home([placeAt(data)]);
    home.check(1_000);
    renameSync(data, join(root, "moved"));
    expect(() => home.check(1_010)).toThrow(new HomeError(data, "is gone"));
    expect(() => home.check(1_011)).toThrow(HomeError);
    renameSync(join(root, "moved"), data);
    home.check(1_012);
    renameSync(data, join(root, "moved"));
    home.check(1_021);
    expect(() => home.check(1_022)).toThrow(HomeError);
  });

  it("is looked at when something is to be confirmed, each time, and then again before anything is written", () => {
    const home = new Home([placeAt(data)]);
    home.confirm();
    home.follow(join(data, "1.seg"));
    home.check(1_000);
    home.confirm();
    renameSync(data, join(root, "moved"));
    expect(() => home.confirm()).toThrow(new HomeError(data, "is gone"));
    expect(() => home.check(1_001)).toThrow(new HomeError(data, "is gone"));
    renameSync(join(root, "moved"), data);
    rmSync(join(data, "1.seg"));
    expect(() => home.confirm()).toThrow(new HomeError(join(data, "1.seg"), "is gone", true));
    writeFileSync(join(data, "1.seg"), "another");
    home.follow(join(data, "1.seg"));
    home.confirm();
    home.check(1_002);
  });

  it("is lost with the name of the open segment", () => {
    const home = new Home([placeAt(data)]);
    const segment = join(data, "1.seg");
    home.follow(segment);
    home.check(1_000);
    // As a copy over it does.
    writeFileSync(join(data, "other"), "one");
    renameSync(join(data, "other"), segment);
    expect(() => home.check(2_000)).toThrow(`${segment} is not the one that was opened`);
  });

  it("is all that its disk touches", () => {
    const disk = homeDisk(nodeDisk, new Home([placeAt(data)]));
    const file = disk.open(join(data, "1.seg"), "write");
    renameSync(data, join(root, "moved"));
    mkdirSync(data);
    writeFileSync(join(data, "1.seg"), "another's");
    const calls: (() => unknown)[] = [
      () => disk.open(join(data, "2.seg"), "create"),
      () => disk.rename(join(data, "1.seg"), join(data, "3.seg")),
      () => disk.remove(join(data, "1.seg")),
      () => disk.list(data),
      () => disk.makeDirectory(join(data, "d")),
      () => disk.removeDirectory(data),
      () => disk.syncDirectory(data),
    ];
    for (const call of calls) expect(call).toThrow(HomeError);
    expect(nodeDisk.list(data)).toEqual(["1.seg"]);
    // What is open goes on, wherever it is.
    expect(file.write(new TextEncoder().encode("two"), 0, 3, 0)).toBe(3);
    file.close();
  });
});

it("a journal that is not at home writes, confirms and pins nothing, and goes on where it was when it is again", () => {
  const home = new Home([placeAt(data)]);
  const disk = homeDisk(nodeDisk, home);
  rmSync(join(data, "1.seg"));
  const keeper = new Keeper({ disk, directory: data, home });
  const { log } = keeper.shard.store;
  keeper.publish(["first"]);
  expect(keeper.commit()).toBe(true);
  const moved = join(root, "moved");
  renameSync(data, moved);
  mkdirSync(data);
  const written = contents(moved);

  keeper.now += 1_000;
  // More than a segment.
  const bodies = Array.from({ length: 20 }, (_, i) => `${i} `.padEnd(1_000, "x"));
  for (const body of bodies) keeper.publish([body]);
  const { durable } = log;
  for (let i = 0; i < 3; i++) {
    expect(keeper.commit()).toBe(false);
    keeper.tick();
  }
  expect(keeper.journal.state).toMatchObject({ kind: "stalled", error: { path: data } });
  expect(keeper.journal.hindrance?.code).toBe("ESTALE");
  expect(keeper.journal.roomForPublishes(log)).toBe(false);
  expect(keeper.journal.pin(log, keeper.now)).toBe(false);
  expect(log.durable).toBe(durable);
  expect(contents(moved)).toEqual(written);
  expect(nodeDisk.list(data)).toEqual([]);

  rmSync(data, { recursive: true });
  renameSync(moved, data);
  expect(keeper.commit()).toBe(true);
  expect(keeper.journal.pin(log, keeper.now)).toBe(true);
  expect(new Keeper({ disk, directory: data, now: keeper.now }).bodies).toEqual(["first", ...bodies]);
});

it("a journal confirms nothing that it has written while its directory went", () => {
  const home = new Home([placeAt(data)]);
  rmSync(join(data, "1.seg"));
  const moved = join(root, "moved");
  let leaves = false;
  const disk = homeDisk(nodeDisk, home);
  const leaving = {
    ...disk,
    open: (path: string, mode: Parameters<typeof disk.open>[1]) => {
      const file = disk.open(path, mode);
      const sync = file.sync.bind(file);
      file.sync = () => {
        if (leaves) renameSync(data, moved);
        leaves = false;
        sync();
      };
      return file;
    },
  };
  const keeper = new Keeper({ disk: leaving, directory: data, home });
  const { log } = keeper.shard.store;
  keeper.publish(["first"]);
  expect(keeper.commit()).toBe(true);
  const { durable } = log;
  leaves = true;
  keeper.publish(["second"]);
  // At the same moment: a look before it is still good.
  for (let i = 0; i < 2; i++) {
    expect(keeper.commit()).toBe(false);
    expect(log.durable).toBe(durable);
    expect(keeper.journal.state).toMatchObject({ kind: "stalled", error: { code: "ESTALE" } });
  }
  renameSync(moved, data);
  expect(keeper.commit()).toBe(true);
  expect(log.durable).toBe(log.position);
});

it("a journal that has everything on disk is not pinned away from home either", () => {
  const home = new Home([placeAt(data)]);
  rmSync(join(data, "1.seg"));
  const keeper = new Keeper({ disk: homeDisk(nodeDisk, home), directory: data, home });
  keeper.publish(["first"]);
  expect(keeper.journal.pin(keeper.shard.store.log, keeper.now)).toBe(true);
  keeper.journal.unpin();
  renameSync(data, join(root, "moved"));
  keeper.now += 1_000;
  expect(keeper.journal.pin(keeper.shard.store.log, keeper.now)).toBe(false);
});
