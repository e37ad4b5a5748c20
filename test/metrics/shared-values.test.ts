/** Numbers in shared memory that one thread publishes and another reads. */
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { SharedValuesReader, SharedValuesWriter, sharedValuesBytes } from "../../src/metrics/shared-values.js";

const COUNT = 40;
/** So many different ones are seen: most while they are written. */
const SEEN = 100;

it("are of one moment, however often they are written while they are read", async () => {
  const memory = new SharedArrayBuffer(sharedValuesBytes(COUNT));
  const worker = new Worker(new URL("./shared-values-writer.mjs", import.meta.url), { workerData: memory });
  try {
    await new Promise((resolve) => worker.once("message", resolve));
    const reader = new SharedValuesReader(memory);
    const seen = new Set<number>();
    let torn = 0;
    while (seen.size < SEEN) {
      const values = reader.read();
      const [first = 0] = values;
      seen.add(first);
      // Both halves of each value change with each write.
      if (!values.every((value) => value === first)) torn++;
    }
    expect(torn).toBe(0);
  } finally {
    await worker.terminate();
  }
});

it("go on where the last writer left them, or begin anew if that ended within a write", () => {
  const memory = new SharedArrayBuffer(sharedValuesBytes(2));
  const words = new Int32Array(memory);
  const reader = new SharedValuesReader(memory);
  const first = new SharedValuesWriter(memory);
  first.values.set([7, 2 ** 40 + 0.5]);
  first.publish();
  const second = new SharedValuesWriter(memory);
  expect([...second.values]).toEqual([7, 2 ** 40 + 0.5]);
  second.values[0] = 8;
  expect([...reader.read()]).toEqual([7, 2 ** 40 + 0.5]);
  second.publish();
  expect([...reader.read()]).toEqual([8, 2 ** 40 + 0.5]);

  // The second one begins to write, and ends.
  Atomics.add(words, 0, 1);
  Atomics.store(words, 2, 12_345);
  expect([...reader.read()]).toEqual([8, 2 ** 40 + 0.5]);
  const third = new SharedValuesWriter(memory);
  expect([...third.values]).toEqual([0, 0]);
  third.values[0] = 1;
  third.publish();
  expect([...reader.read()]).toEqual([1, 0]);
});
