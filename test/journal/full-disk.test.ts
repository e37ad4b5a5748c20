import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { claimDataDirectory } from "../../src/journal/data-directory.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { makeSpare } from "../../src/journal/spares.js";
import { Keeper } from "./keeper.js";

const DISK_BYTES = 2 * 1024 * 1024;
const SIZES = { segmentBytes: 64 * 1024, pageBytes: 16 * 1024 };

let mounted: string | undefined;

afterEach(() => {
  if (mounted === undefined) return;
  // Files are still open, unlike those of a killed broker: it is unmounted when they are closed.
  execFileSync("umount", ["-l", mounted]);
  rmSync(mounted, { recursive: true });
  mounted = undefined;
});

/** Mounts a small file system; undefined, with the reason, when this user may not mount one. */
const mount = (): { readonly directory: string } | { readonly refusal: string } => {
  const directory = mkdtempSync(join(tmpdir(), "ringmq-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", directory], { stdio: "pipe" });
  } catch (error) {
    rmSync(directory, { recursive: true });
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
  mounted = directory;
  return { directory };
};

const freeBytes = (directory: string): number => {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
};

it("a disk that is really full holds up publishes, takes acks, and everything goes on when there is room", (context) => {
  const place = mount();
  // Reported as skipped, with the reason.
  if ("refusal" in place) return context.skip(`no file system can be mounted: ${place.refusal}`);
  const { directory } = place;
  const keeper = new Keeper({ disk: nodeDisk, directory, ...SIZES });
  const { log } = keeper.shard.store;
  const confirmed: string[] = [];
  const publish = (): void => {
    const bodies = Array.from({ length: 10 }, (_, i) => `${confirmed.length + i} `.padEnd(300, "."));
    keeper.publish(bodies);
    if (keeper.commit()) confirmed.push(...bodies);
  };
  publish();

  // Another file takes the rest.
  const filler = join(directory, "filler");
  writeFileSync(filler, new Uint8Array(freeBytes(directory)));
  expect(freeBytes(directory)).toBe(0);
  for (let i = 0; keeper.journal.roomForPublishes(log); i++) {
    publish();
    expect(i).toBeLessThan(100);
  }
  const kept = confirmed.length;
  expect(kept).toBeGreaterThan(100);
  expect(log.durable).toBe(log.position);
  for (let i = 0; i < 20; i++) {
    keeper.ack(keeper.pop(5));
    expect(keeper.commit()).toBe(true);
  }

  // Even records forced into the log are not lost when they cannot be written.
  for (let i = 0; i < 10; i++) keeper.publish(["x".repeat(10_000)]);
  expect(keeper.commit()).toBe(false);
  expect(keeper.journal.state).toMatchObject({ kind: "stalled", error: { code: "ENOSPC" } });
  expect(keeper.journal.roomForPublishes(log)).toBe(false);
  const killed = new Keeper({ disk: nodeDisk, directory, ...SIZES, now: keeper.now });
  expect(killed.bodies.filter((body) => !body.startsWith("x"))).toEqual(confirmed.slice(100));

  rmSync(filler);
  // A restart finds everything and continues.
  const next = new Keeper({ disk: nodeDisk, directory, ...SIZES, now: keeper.now + 1000 });
  for (let i = 0; i < 40; i++) {
    next.publish([`after ${i} `.padEnd(2000, ".")]);
    expect(next.commit()).toBe(true);
    next.tick();
  }
  expect(next.journal.roomForPublishes(next.shard.store.log)).toBe(true);
  expect(next.journal.state).toEqual({ kind: "working" });
  const last = new Keeper({ disk: nodeDisk, directory, ...SIZES, now: next.now });
  expect(last.bodies.filter((body) => body.startsWith("after "))).toHaveLength(40);
});

it("the same broker goes on when a full disk has room again", (context) => {
  const place = mount();
  if ("refusal" in place) return context.skip(`no file system can be mounted: ${place.refusal}`);
  const { directory } = place;
  const keeper = new Keeper({ disk: nodeDisk, directory, ...SIZES });
  const filler = join(directory, "filler");
  keeper.publish(["first"]);
  expect(keeper.commit()).toBe(true);
  writeFileSync(filler, new Uint8Array(freeBytes(directory)));
  for (let i = 0; i < 30; i++) keeper.publish([`${i} `.padEnd(10_000, ".")]);
  expect(keeper.commit()).toBe(false);
  expect(keeper.commit()).toBe(false);
  rmSync(filler);
  keeper.tick();
  expect(keeper.commit()).toBe(true);
  expect(keeper.journal.state).toEqual({ kind: "working" });
  keeper.tick();
  expect(keeper.journal.roomForPublishes(keeper.shard.store.log)).toBe(true);
  expect(new Keeper({ disk: nodeDisk, directory, ...SIZES, now: keeper.now }).bodies).toHaveLength(31);
});

it("a broker that has filled its own disk is freed by those who consume, also when it was started again", (context) => {
  const place = mount();
  if ("refusal" in place) return context.skip(`no file system can be mounted: ${place.refusal}`);
  const { directory } = place;
  const fill = (keeper: Keeper): void => {
    keeper.tick();
    const { log } = keeper.shard.store;
    for (let i = 0; keeper.journal.roomForPublishes(log); i++) {
      keeper.publish(Array.from({ length: 10 }, (_, n) => `${i} ${n} `.padEnd(1000, ".")));
      expect(keeper.commit()).toBe(true);
      expect(i).toBeLessThan(1000);
    }
  };
  // A request for the ballast file is answered when that is there.
  const open = (now?: number): Keeper => {
    const keeper: Keeper = new Keeper({
      disk: nodeDisk,
      directory,
      ...SIZES,
      ...(now !== undefined && { now }),
      wantSpare: (path, bytes) => {
        if (!path.endsWith("ballast.tmp")) return;
        let isMade = true;
        try {
          makeSpare(nodeDisk, path, bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "ENOSPC" });
          isMade = false;
        }
        keeper.journal.spareAnswered(path, isMade, keeper.now);
      },
    });
    return keeper;
  };
  const drain = (keeper: Keeper): void => {
    for (let held = keeper.pop(20); held.length > 0; held = keeper.pop(20)) {
      keeper.ack(held);
      expect(keeper.commit()).toBe(true);
      keeper.tick();
    }
  };
  const first = open();
  fill(first);
  expect(freeBytes(directory)).toBeLessThan(SIZES.segmentBytes);
  drain(first);
  expect(freeBytes(directory)).toBeGreaterThan(DISK_BYTES / 2);
  expect(first.journal.roomForPublishes(first.shard.store.log)).toBe(true);
  fill(first);
  const second = open(first.now);
  expect(second.bodies).toEqual(first.bodies);
  drain(second);
  second.tick();
  expect(second.journal.roomForPublishes(second.shard.store.log)).toBe(true);
  second.publish(["after all"]);
  expect(second.commit()).toBe(true);
  expect(open(second.now).bodies).toEqual(["after all"]);
});

it("a disk that is full does not keep a broker from its lock", (context) => {
  const place = mount();
  if ("refusal" in place) return context.skip(`no file system can be mounted: ${place.refusal}`);
  const { directory } = place;
  claimDataDirectory(nodeDisk, directory, 1).lock.release();
  writeFileSync(join(directory, "generation-1", "filler"), new Uint8Array(freeBytes(directory)));
  expect(freeBytes(directory)).toBe(0);
  const { lock } = claimDataDirectory(nodeDisk, directory, 1);
  expect(() => claimDataDirectory(nodeDisk, directory, 1)).toThrow(/in use/);
  rmSync(join(directory, "generation-1", "filler"));
  lock.release();
  claimDataDirectory(nodeDisk, directory, 1).lock.release();
  expect(nodeDisk.list(directory)).toContain("room.tmp");
});
