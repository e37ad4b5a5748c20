import { expect, it } from "vitest";
import { DiskSpace } from "../../src/workers/shard-thread-data.js";
import { SpaceGauge } from "../../src/workers/space-gauge.js";

const RESERVE = 4 * 1024 * 1024;

/** Shards that fill a disk at full speed: after each `isFull` they write as many bytes as a turn may take. */
const fill = (free: number, shards: number, turnBytes: number) => {
  const disk = { free, looks: 0 };
  const memory = new SharedArrayBuffer(4);
  const freeBytes = (): number => {
    disk.looks++;
    return disk.free;
  };
  const logs = Array.from({ length: shards }, () => ({
    gauge: new SpaceGauge({ memory, reserve: RESERVE, shards, freeBytes }),
    log: { position: 0, durable: 0 },
  }));
  let turns = 0;
  while (logs.some(({ gauge, log }) => !gauge.isFull(log))) {
    for (const { gauge, log } of logs) {
      if (gauge.isFull(log)) continue;
      disk.free -= turnBytes;
      log.position += turnBytes;
      log.durable = log.position;
      turns++;
    }
  }
  return { ...disk, turns, word: new Int32Array(memory)[0] };
};

it("is full before the reserve is used up, however fast and many the shards", () => {
  for (const shards of [1, 4]) {
    const { free, word } = fill(512 * 1024 * 1024, shards, 512 * 1024);
    expect(word).toBe(DiskSpace.full);
    expect(free).toBeLessThan(RESERVE);
    expect(free).toBeGreaterThan(RESERVE - shards * 1024 * 1024);
  }
});

it("checks rarely while there is much space", () => {
  const { looks, turns } = fill(1024 * 1024 * 1024, 1, 16 * 1024);
  expect(turns).toBeGreaterThan(60_000);
  expect(looks).toBeLessThan(400);
});

it("counts what is appended but not written yet", () => {
  const memory = new SharedArrayBuffer(4);
  const gauge = new SpaceGauge({ memory, reserve: RESERVE, shards: 1, freeBytes: () => RESERVE + 1000 });
  expect(gauge.isFull({ position: 1000, durable: 0 })).toBe(false);
  expect(gauge.isFull({ position: 200_000, durable: 198_999 })).toBe(true);
});

it("knows what others have found, and checks nothing until that changes", () => {
  const memory = new SharedArrayBuffer(4);
  const word = new Int32Array(memory);
  let looks = 0;
  const gauge = new SpaceGauge({ memory, reserve: RESERVE, shards: 1, freeBytes: () => RESERVE * 2 + looks++ });
  word[0] = DiskSpace.full;
  expect(gauge.isFull({ position: 0, durable: 0 })).toBe(true);
  expect(looks).toBe(0);
  word[0] = DiskSpace.enough;
  expect(gauge.isFull({ position: 0, durable: 0 })).toBe(false);
  expect(looks).toBe(1);
});

it("is never full if the free space cannot be known", () => {
  const gauge = new SpaceGauge({
    memory: new SharedArrayBuffer(4),
    reserve: RESERVE,
    shards: 1,
    freeBytes: () => {
      throw new Error("not here");
    },
  });
  expect(gauge.isFull({ position: 0, durable: 0 })).toBe(false);
});
