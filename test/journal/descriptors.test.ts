/** A journal in a process with few descriptors, all free ones of which are taken by others. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { DescriptorReserve } from "../../src/journal/descriptor-reserve.js";
import type { Disk, DiskFile } from "../../src/journal/disk.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { Keeper } from "./keeper.js";

const none = (syscall: string): Error =>
  Object.assign(new Error(`EMFILE: too many open files, ${syscall}`), { code: "EMFILE", syscall });

/** The descriptors of a process; `others` are not the journal's. */
class Descriptors {
  others = 0;
  own = 0;
  readonly reserve = new DescriptorReserve(
    undefined,
    () => this.take("open"),
    () => this.give(),
  );

  constructor(readonly limit: number) {}

  /** Others take all that is left. */
  exhaust(): void {
    this.others = this.limit - this.own;
  }

  take(syscall: string): number {
    if (this.own + this.others >= this.limit) throw none(syscall);
    this.own++;
    return this.own;
  }

  give(): void {
    this.own--;
  }

  /** nodeDisk within that limit. */
  get disk(): Disk {
    return {
      ...nodeDisk,
      open: (path, mode) => {
        this.take("open");
        let file: DiskFile;
        try {
          file = nodeDisk.open(path, mode);
        } catch (error) {
          this.give();
          throw error;
        }
        const close = file.close.bind(file);
        return Object.assign(file, {
          close: () => {
            close();
            this.give();
          },
        });
      },
      syncDirectory: (path) => {
        this.take("open");
        nodeDisk.syncDirectory(path);
        this.give();
      },
    };
  }
}

const LOCK = new URL("../../dist/journal/lock.js", import.meta.url).href;

/** Locks its first argument, opens all files that it may, and releases the lock. */
const RELEASE = `
  const { DirectoryLock } = await import("${LOCK}");
  const { openSync } = await import("node:fs");
  const lock = DirectoryLock.acquire(process.argv[1]);
  try {
    for (;;) openSync("/dev/null", "r");
  } catch {}
  lock.release();
`;

const directoryFor = (): string => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  return directory;
};

const body = (i: number): string => `m ${i} `.padEnd(3000, ".");

it("goes on to the next segments out of its reserve, while others have all else", () => {
  const descriptors = new Descriptors(64);
  const { disk, reserve } = descriptors;
  const directory = directoryFor();
  const keeper = new Keeper({ disk, directory, reserve });
  for (let i = 0; i < 30; i++) {
    // The first segment takes one for good; each that follows takes that of the one before.
    if (i > 0) descriptors.exhaust();
    keeper.publish([body(i)]);
    expect(keeper.commit()).toBe(true);
    keeper.tick();
    // It refills its reserve as soon as it can.
    expect(reserve.isWhole).toBe(true);
  }
  expect(keeper.shard.store.log.segments.all.length).toBeGreaterThan(5);
  expect(new Keeper({ disk: nodeDisk, directory, now: keeper.now }).bodies).toHaveLength(30);
});

it("without any it waits, refuses publishes, and goes on when there are some", () => {
  const descriptors = new Descriptors(64);
  const { disk } = descriptors;
  const directory = directoryFor();
  const keeper = new Keeper({ disk, directory });
  let confirmed = 0;
  for (let isConfirmed = true; isConfirmed; confirmed++) {
    descriptors.exhaust();
    keeper.publish([body(confirmed)]);
    isConfirmed = keeper.commit();
    // The file of its own segment is closed by then, and others take that descriptor too.
    descriptors.exhaust();
    if (isConfirmed) isConfirmed = keeper.commit();
    expect(confirmed).toBeLessThan(30);
  }
  const { state } = keeper.journal;
  expect(state).toMatchObject({ kind: "stalled", error: { code: "EMFILE" } });
  expect(keeper.journal.roomForPublishes(keeper.shard.store.log)).toBe(false);
  descriptors.others = 0;
  expect(keeper.commit()).toBe(true);
  expect(keeper.journal.roomForPublishes(keeper.shard.store.log)).toBe(true);
  expect(new Keeper({ disk: nodeDisk, directory, now: keeper.now }).bodies).toHaveLength(confirmed);
});

it.each([
  ["for want of descriptors", { code: "EMFILE" }, true],
  ["because the thread that made it has ended", {}, true],
  ["because the disk is full", { code: "ENOSPC" }, false],
])("a spare that cannot be made %s: publishes go on only if that is no lack of space", (_, fault, goOn) => {
  const asked: string[] = [];
  const wantSpare = (path: string): void => void asked.push(path);
  const keeper = new Keeper({ disk: nodeDisk, directory: directoryFor(), wantSpare });
  const hasRoom = (): boolean => keeper.journal.roomForPublishes(keeper.shard.store.log);
  for (let i = 0; i < 20 && hasRoom(); i++) {
    keeper.publish([body(i)]);
    expect(keeper.commit()).toBe(true);
    keeper.tick();
    for (const path of asked.splice(0)) keeper.journal.spareAnswered(path, false, keeper.now, fault);
  }
  expect(hasRoom()).toBe(goOn);
});

it("reads pages back by its reserve, and gives back what others may need", () => {
  const descriptors = new Descriptors(64);
  const { disk, reserve } = descriptors;
  const directory = directoryFor();
  const empty = new Keeper({ disk: nodeDisk, directory: directoryFor() }).shard.bytes;
  const keeper = new Keeper({ disk, directory, reserve, memoryBytes: empty + 32 * 1024 });
  for (let i = 0; i < 100; i++) {
    keeper.publish([body(i)]);
    expect(keeper.commit()).toBe(true);
  }
  keeper.tick();
  for (let i = 0; i < 100; i++) {
    descriptors.exhaust();
    expect(keeper.pop(1).map((held) => held.body === body(i))).toEqual([true]);
  }
});

it.runIf(process.platform === "linux")("a lock is released by the descriptor that it keeps", () => {
  const directory = directoryFor();
  const script = 'ulimit -n 64; exec "$@"';
  const node = [process.execPath, "--input-type=module", "-e", RELEASE, directory];
  expect(spawnSync("sh", ["-c", script, "sh", ...node], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  expect(JSON.parse(readFileSync(join(directory, "LOCK.1"), "utf8"))).toMatchObject({ isReleased: true });
});
