import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { SILENT } from "../../src/main/log.js";
import type { JobPool as SourceJobPool } from "../../src/main/pool.js";
import { testDirectory } from "../e2e/brokers.js";

// Its threads load built files.
const { JobPool } = (await import("../../dist/main/pool.js" as string)) as { JobPool: typeof SourceJobPool };

const testPool = (): SourceJobPool => {
  const pool = new JobPool(SILENT);
  onTestFinished(() => pool.close());
  return pool;
};

it("carries out jobs at the same time, and tells of each what it came to", async () => {
  const pool = testPool();
  const directory = testDirectory();
  const paths = Array.from({ length: 6 }, (_, i) => join(directory, `spare-${i}.tmp`));
  const outcomes = await Promise.all(paths.map((path) => pool.run({ job: "prepare", path, bytes: 4_096 })));
  expect(outcomes).toEqual(paths.map(() => ({ ok: true, result: { bytes: 4_096 } })));
  expect(readdirSync(directory)).toHaveLength(6);
});

it("tells what failed as data, with the code of the system", async () => {
  const path = join(testDirectory(), "nowhere", "spare.tmp");
  expect(await testPool().run({ job: "prepare", path, bytes: 4_096 })).toEqual({
    ok: false,
    error: { name: "Error", message: expect.stringContaining("ENOENT"), code: "ENOENT" },
  });
});

it("finds what is no segment, or a torn one, not sealed; and leaves the judgement to others", async () => {
  const path = join(testDirectory(), "00000001.seg");
  writeFileSync(path, "this is not a segment, and it is long enough to have a head");
  const outcome = await testPool().run({ job: "verify", path, sequence: 1 });
  expect(outcome).toEqual({ ok: true, result: { bytes: 0, records: 0, isSealed: false } });
});

it("closes in the middle of work, and every job has an outcome", async () => {
  const pool = testPool();
  const directory = testDirectory();
  const running = Array.from({ length: 20 }, (_, i) =>
    pool.run({ job: "prepare", path: join(directory, `spare-${i}.tmp`), bytes: 8 * 1024 * 1024 }),
  );
  await Promise.race(running);
  await pool.close();
  const outcomes = await Promise.all(running);
  expect(outcomes.filter(({ ok }) => ok).length).toBeGreaterThan(0);
  expect(outcomes.filter(({ ok }) => !ok).length).toBeGreaterThan(0);
  expect(await pool.run({ job: "prepare", path: join(directory, "late.tmp"), bytes: 1 })).toMatchObject({ ok: false });
});
