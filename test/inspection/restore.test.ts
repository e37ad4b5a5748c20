import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repairData } from "../../src/inspection/repair.js";
import { restoreData } from "../../src/inspection/restore.js";
import { DataDirectoryError } from "../../src/journal/damage-error.js";
import { claimDataDirectory } from "../../src/journal/data-directory.js";
import type { Disk } from "../../src/journal/disk.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { FaultyDisk, type Operation } from "../journal/faulty-disk.js";
import { checksum, START } from "../journal/keeper.js";
import { bodies, keeperOf, temporary } from "./data.js";

const restore = (disk: Disk, backup: string, data: string) => restoreData(disk, backup, data, checksum, () => {});

/** A backup of several segments. */
const filled = (): { root: string; backup: string; all: readonly string[] } => {
  const root = temporary();
  const backup = join(root, "backup");
  const keeper = keeperOf(backup);
  for (let i = 0; i < 10; i++) {
    keeper.publish(bodies(20, `batch-${i}`));
    keeper.commit();
  }
  keeper.close();
  return { root, backup, all: keeper.bodies };
};

const OPERATIONS: readonly Operation[] = ["create", "write", "sync", "rename", "syncDirectory"];

describe("a restore", () => {
  it("gives a directory that a broker goes on from, also at the root of a file system", () => {
    const { root, backup, all } = filled();
    const data = join(root, "data");
    mkdirSync(join(data, "lost+found"), { recursive: true });
    expect(restore(nodeDisk, backup, data)).toMatchObject({ shards: 1 });
    expect(keeperOf(data).bodies).toEqual(all);
  });

  it.each([
    ["a restore", restore],
    ["a repair", (disk: Disk, from: string, to: string) => repairData(disk, from, to, checksum, START, () => {})],
  ] as const)("or %s that ends anywhere before its end leaves nothing that a broker starts from", (_, make) => {
    const { root, backup, all } = filled();
    const data = join(root, "data");
    let refused = 0;
    for (let from = 1; ; from++) {
      const disk = new FaultyDisk(nodeDisk);
      disk.fault = { operations: OPERATIONS, from, code: "EIO" };
      try {
        make(disk, backup, data);
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: "EIO" });
      }
      const names = existsSync(data) ? readdirSync(data) : [];
      if (names.some((name) => name.startsWith("generation"))) {
        // The very last step: if the name exists, so does everything else.
        if (names.includes("ringmq.json")) expect(keeperOf(data).bodies).toEqual(all);
        else {
          expect(() => claimDataDirectory(nodeDisk, data, 1)).toThrow(/is not complete.*Delete it and do that again/);
          expect(() => restore(nodeDisk, backup, data)).toThrow(/is not complete/);
          expect(() => restore(nodeDisk, data, join(root, "other"))).toThrow(/is not complete/);
          refused++;
        }
      }
      rmSync(data, { recursive: true, force: true });
    }
    expect(refused).toBeGreaterThan(10);
    expect(keeperOf(data).bodies).toEqual(all);
  });

  it("is refused at once where something else is", () => {
    const { root, backup } = filled();
    const neverRead = (data: string) => () =>
      restoreData(nodeDisk, backup, data, checksum, () => expect.unreachable("the backup is read"));
    const file = join(root, "file");
    writeFileSync(file, "");
    expect(neverRead(file)).toThrow(DataDirectoryError);
    expect(neverRead(file)).toThrow(/file is no directory: give a new or an empty one$/);
    expect(neverRead(root)).toThrow(/ is not empty \("backup"\): give a new or an empty directory$/);
  });

  it("is refused inside a data directory, and so is a repair: a start would delete it", () => {
    const { root, backup } = filled();
    const live = join(root, "live");
    keeperOf(live).close();
    const before = readdirSync(live, { recursive: true });
    const inside = join(live, "generation-2", "new");
    expect(() => restore(nodeDisk, backup, inside)).toThrow(/lies in the data directory .*live: give another place/);
    expect(() => repairData(nodeDisk, backup, join(backup, "out"), checksum, START, () => {})).toThrow(
      /lies in the data directory .*backup/,
    );
    expect(readdirSync(live, { recursive: true })).toEqual(before);
    expect(readdirSync(backup).sort()).toEqual(["generation-1", "ringmq.json"]);
  });
});
