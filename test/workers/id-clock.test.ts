/** Shards number messages concurrently and never use an id twice. Uses dist/, because real threads run it. */
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { EPOCH, SEQUENCES } from "../../src/protocol/id.js";
import { IdAllocator } from "../../src/shard/messages/id-allocator.js";
import { raiseIdClock, sharedIdSource } from "../../src/workers/id-clock.js";
import { ID_CLOCK_BYTES } from "../../src/workers/shard-thread-data.js";

const THREADS = 3;
const CLAIMS = 20_000;

/** Reserves milliseconds as fast as possible while the clock stands still: the worst case. */
const CLAIMING = `
  import { workerData } from "node:worker_threads";
  const { sharedIdSource } = await import(workerData.module);
  const { clock, gate, claims, thread, count, now } = workerData;
  const source = sharedIdSource(clock);
  const mine = new Float64Array(claims, thread * count * 8, count);
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < ${THREADS});
  for (let i = 0; i < count; i++) mine[i] = source.next(now);
`;

test("threads that claim at the same moment never get the same millisecond", async () => {
  const claims = new SharedArrayBuffer(THREADS * CLAIMS * 8);
  const clock = new SharedArrayBuffer(ID_CLOCK_BYTES);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const module = new URL("../../dist/workers/id-clock.js", import.meta.url).href;
  const now = EPOCH + 1_000_000;
  const code = new URL(`data:text/javascript,${encodeURIComponent(CLAIMING)}`);
  await Promise.all(
    Array.from({ length: THREADS }, (_, thread) => {
      const worker = new Worker(code, { workerData: { module, clock, gate, claims, thread, count: CLAIMS, now } });
      return new Promise((resolve, reject) => {
        worker.once("exit", resolve);
        worker.once("error", reject);
      });
    }),
  );
  const all = new Float64Array(claims);
  expect(new Set(all).size).toBe(THREADS * CLAIMS);
  expect(Math.min(...all)).toBe(1_000_000);
  expect(Math.max(...all)).toBe(1_000_000 + THREADS * CLAIMS - 1);
});

test("one shard numbers four million messages in a second of the clock without leaving it", () => {
  const allocator = new IdAllocator(sharedIdSource(new SharedArrayBuffer(ID_CLOCK_BYTES)), 1, 2);
  const start = EPOCH + 1_000_000;
  const batch = 200;
  for (let taken = 0; taken < 4_000_000; taken += batch) {
    allocator.take(batch, start + (1000 * taken) / 4_000_000);
  }
  const last = allocator.high * 1024 + (allocator.low >>> 22);
  // Batches do not cross a millisecond: of 4,096 numbers 4,000 are used.
  expect(last).toBeLessThanOrEqual(1_000_000 + Math.ceil(4_000_000 / (SEQUENCES - (SEQUENCES % batch))));
});

test("a clock that steps back gives no millisecond twice", () => {
  const source = sharedIdSource(new SharedArrayBuffer(ID_CLOCK_BYTES));
  const seen = [EPOCH + 50, EPOCH + 20, EPOCH + 20, EPOCH + 60].map((now) => source.next(now));
  expect(seen).toEqual([50, 51, 52, 60]);
});

test("a clock that is raised goes on behind that, and is never set back", () => {
  const clock = new SharedArrayBuffer(ID_CLOCK_BYTES);
  const source = sharedIdSource(clock);
  raiseIdClock(clock, 5_000);
  raiseIdClock(clock, 2_000);
  expect(source.next(EPOCH + 100)).toBe(5_001);
  raiseIdClock(clock, 5_000);
  expect(source.next(EPOCH + 100)).toBe(5_002);
  expect(source.next(EPOCH + 9_000)).toBe(9_000);
});
