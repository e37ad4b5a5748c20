/** Numbers in shared memory that one thread publishes and another reads. */
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { SharedValuesReader, SharedValuesWriter, sharedValuesBytes } from "../../src/metrics/shared-values.js";

const COUNT = 40;
const READS = 3_000;

it("are of one moment, however often they are written while they are read", async () => {
  const memory = new SharedArrayBuffer(sharedValuesBytes(COUNT));
  const worker = new Worker(new URL("./shared-values-writer.mjs", import.meta.url), { workerData: memory });
  try {
    await new Promise((resolve) => worker.once("message", resolve));
    const reader = new SharedValuesReader(memory);
    const seen = new Set<number>();
    for (let i = 0; i < READS; i++) {
      const values = reader.read();
      const [first = 0] = values;
      seen.add(first);
      // A thousandth more than a multiple of 2^32: both halves of each change with each write.
      expect(values.every((value) => value === first)).toBe(true);
    }
    expect(seen.size).toBeGreaterThan(100);
  } finally {
    await worker.terminate();
  }
});

it("go on where the last writer left them, also when that ended within a write", () => {
  const memory = new SharedArrayBuffer(sharedValuesBytes(2));
  const before = new SharedValuesWriter(memory);
  before.values.set([7, 2 ** 40 + 0.5]);
  before.publish();
  const words = new Int32Array(memory);
  Atomics.add(words, 0, 1);
  expect([...new SharedValuesReader(memory).read()]).toEqual([7, 2 ** 40 + 0.5]);
  const after = new SharedValuesWriter(memory);
  expect([...after.values]).toEqual([7, 2 ** 40 + 0.5]);
  expect(Atomics.load(words, 0) % 2).toBe(0);
  after.values[0] = 8;
  expect(new SharedValuesReader(memory).read()[0]).toBe(7);
  after.publish();
  expect(new SharedValuesReader(memory).read()[0]).toBe(8);
});
