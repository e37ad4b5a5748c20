/** A disk that has not even room for a segment: who fills it is freed by those who consume, again and again. */
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { Keeper } from "./keeper.js";

const SEGMENT = 64 * 1024;
/** Beside the reserve there is room for a part of a segment. */
const DISK = 68 * 1024;
/** For acks. */
const RESERVE = 24 * 1024;

const sizes = { segmentBytes: SEGMENT, pageBytes: 4096 };

/** The directory of a shard, and what its disk says of itself. */
const smallDisk = () => {
  const parent = makeDirectory();
  onTestFinished(() => removeDirectory(parent));
  const directory = join(parent, "shard");
  mkdirSync(directory);
  const used = (): number =>
    readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  const disk = { bytes: DISK };
  const hasSpace = (bytes: number): boolean => used() + RESERVE + bytes <= disk.bytes;
  return { directory, used, hasSpace, disk };
};

const open = ({ directory, hasSpace }: ReturnType<typeof smallDisk>, now?: number): Keeper =>
  new Keeper({ disk: nodeDisk, directory, ...sizes, hasSpace, ...(now !== undefined && { now }) });

const isOpenFor = (keeper: Keeper, hasSpace: (bytes: number) => boolean): boolean =>
  hasSpace(0) && keeper.journal.roomForPublishes(keeper.shard.store.log);

it("goes on once its messages are consumed, also where they were all in the open segment", () => {
  const place = smallDisk();
  const { hasSpace, used } = place;
  let keeper = open(place);
  for (let round = 0; round < 5; round++) {
    let count = 0;
    for (; isOpenFor(keeper, hasSpace); count++) {
      keeper.publish([`${round} ${count} `.padEnd(1000, ".")]);
      expect(keeper.commit()).toBe(true);
      expect(count).toBeLessThan(1000);
    }
    expect(count).toBeGreaterThan(20);
    expect(used()).toBeLessThanOrEqual(DISK);
    // Nothing that was confirmed is lost meanwhile.
    expect(open(place, keeper.now).bodies).toHaveLength(count);
    for (let held = keeper.pop(20); held.length > 0; held = keeper.pop(20)) {
      keeper.ack(held);
      expect(keeper.commit()).toBe(true);
    }
    for (let i = 0; i < 3; i++) keeper.tick();
    expect(isOpenFor(keeper, hasSpace)).toBe(true);
    keeper.publish(["left"]);
    expect(keeper.commit()).toBe(true);
    if (round % 2 === 0) keeper = open(place, keeper.now);
    expect(keeper.bodies).toEqual(["left"]);
    keeper.ack(keeper.pop(1));
    expect(keeper.commit()).toBe(true);
  }
});

it("keeps no spare for itself when others need the space, and makes none that would fill the disk", () => {
  const place = smallDisk();
  const { disk, directory } = place;
  disk.bytes = 10 * DISK;
  const keeper = open(place);
  const spares = (): string[] => readdirSync(directory).filter((name) => name.startsWith("spare"));
  const fillOne = (): void => {
    for (let i = 0; i < 60; i++) {
      keeper.publish(["x".repeat(1000)]);
      expect(keeper.commit()).toBe(true);
    }
  };
  fillOne();
  expect(spares()).toHaveLength(1);
  disk.bytes = DISK;
  keeper.journal.tick(keeper.shard.store.log, keeper.now);
  expect(spares()).toHaveLength(0);
  disk.bytes = place.used() + RESERVE + SEGMENT / 2;
  for (let i = 0; i < 3; i++) keeper.tick();
  keeper.publish(["x"]);
  expect(keeper.commit()).toBe(true);
  expect(spares()).toHaveLength(0);
  expect(keeper.journal.roomForPublishes(keeper.shard.store.log)).toBe(true);
});

it("begins no segment after the other while somebody else fills the disk, however large the directory is that each begins with", () => {
  const place = smallDisk();
  const limits = { maxTopics: 1000, maxQueues: 1000, maxTopicsPerConnection: 1000, maxNameBytes: 255 };
  const { directory, hasSpace } = place;
  const keeper = new Keeper({ disk: nodeDisk, directory, hasSpace, ...sizes, limits, headBytes: SEGMENT });
  const sequence = (): number | undefined => keeper.shard.store.log.segments.last?.sequence;
  for (let i = 0; i < 150; i++) keeper.publish(["x"], { topic: `${i} `.padEnd(100, ".") });
  expect(keeper.commit()).toBe(true);
  // A head as large as the reserve, and nothing behind it.
  expect(keeper.journal.pin(keeper.shard.store.log, keeper.now)).toBe(true);
  keeper.journal.unpin();
  keeper.publish(["x"]);
  expect(keeper.commit()).toBe(true);
  keeper.ack(keeper.pop(1));
  expect(keeper.commit()).toBe(true);
  const last = sequence();
  place.disk.bytes = 0;
  for (let i = 0; i < 5; i++) keeper.tick();
  expect(sequence()).toBe(last);
});
