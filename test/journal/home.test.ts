import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { changeOf, Home, HomeError, homeDisk, placeAt } from "../../src/journal/home.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { makeDirectory, removeDirectory } from "../directories.js";

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
  it("is looked at before a confirm, every few milliseconds, and again at once when it was not there", () => {
    const home = new Home([placeAt(data)]);
    home.confirm(1_000);
    renameSync(data, join(root, "moved"));
    expect(() => home.confirm(1_010)).toThrow(new HomeError(data, "is gone"));
    expect(() => home.confirm(1_011)).toThrow(HomeError);
    renameSync(join(root, "moved"), data);
    home.confirm(1_012);
    renameSync(data, join(root, "moved"));
    home.confirm(1_021);
    expect(() => home.confirm(1_022)).toThrow(HomeError);
  });

  it("is lost with the name of the open segment", () => {
    const home = new Home([placeAt(data)]);
    const segment = join(data, "1.seg");
    home.follow(segment);
    home.confirm(1_000);
    // As a copy over it does.
    writeFileSync(join(data, "other"), "one");
    renameSync(join(data, "other"), segment);
    expect(() => home.confirm(2_000)).toThrow(`${segment} is not the one that was opened`);
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
