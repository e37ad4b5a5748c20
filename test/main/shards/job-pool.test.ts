import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import type { JobPool as SourceJobPool } from "../../../src/main/shards/job-pool.js";
import { testDirectory } from "../../e2e/brokers.js";

// Its threads load built files.
const { JobPool } = (await import("../../../dist/main/shards/job-pool.js" as string)) as {
  JobPool: typeof SourceJobPool;
};

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

const POOL = new URL("../../../dist/main/shards/job-pool.js", import.meta.url).href;

/** Has jobs done in its first argument, without descriptors and then with them, and prints what they come to. */
const CROWDED = `
  const { JobPool } = await import("${POOL}");
  const { closeSync, openSync } = await import("node:fs");
  let errors = 0;
  const pool = new JobPool({ error: () => errors++ });
  const held = [];
  try {
    for (;;) held.push(openSync("/dev/null", "r"));
  } catch {}
  const outcomes = [];
  for (const name of ["a", "b", "c", "d"]) {
    if (name === "d") for (const descriptor of held) closeSync(descriptor);
    const { ok, error } = await pool.run({ job: "prepare", path: process.argv[1] + "/" + name, bytes: 4096 });
    outcomes.push(ok || error.code);
  }
  await pool.close();
  console.log(JSON.stringify({ outcomes, errors }));
`;

it.runIf(process.platform === "linux")(
  "fails jobs for which no thread can be started, says so once, and goes on",
  () => {
    const node = [process.execPath, "--input-type=module", "-e", CROWDED, testDirectory()];
    const { stdout } = spawnSync("sh", ["-c", 'ulimit -n 64; exec "$@"', "sh", ...node], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect(JSON.parse(stdout)).toEqual({ outcomes: ["EMFILE", "EMFILE", "EMFILE", true], errors: 1 });
  },
);
