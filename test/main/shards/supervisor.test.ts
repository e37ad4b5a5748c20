import { expect, it, onTestFinished } from "vitest";
import { EnvelopeOp, packEnvelope } from "../../../src/channel/envelope.js";
import type { Log } from "../../../src/main/log.js";
import { resolveOptions } from "../../../src/main/options.js";
import type { Supervisor as SourceSupervisor } from "../../../src/main/shards/supervisor.js";
import type { Job, JobOutcome } from "../../../src/workers/jobs/job.js";

// The threads are built files, and so is what talks to them.
const { Supervisor } = (await import("../../../dist/main/shards/supervisor.js" as string)) as {
  Supervisor: typeof SourceSupervisor;
};
const THREAD = new URL("../fixtures/start-thread.mjs", import.meta.url);

const NOTHING = new Uint8Array(0);

interface Asked {
  readonly job: Job;
  readonly answer: (outcome: JobOutcome) => void;
}

/** A supervisor of threads that start as these names say; what it logs, what it loses, and the jobs that it is asked. */
const supervise = (...names: readonly string[]) => {
  const lines: (readonly [text: string, fields: Readonly<Record<string, unknown>>])[] = [];
  let wake = (): void => {};
  const note = (fields: object, text: string): void => {
    lines.push([text, { ...fields }]);
    wake();
  };
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const asked: Asked[] = [];
  const run = (job: Job): Promise<JobOutcome> =>
    new Promise((answer) => {
      asked.push({ job, answer });
      wake();
    });
  const lost: string[] = [];
  const supervisor = new Supervisor(
    resolveOptions({ shards: names.length, ringBytes: 64 * 1024, log }),
    { run: run as never },
    { record: () => {}, isFull: false, flush: () => true },
    { lost: (shard, kind) => lost.push(`${shard} ${kind}`), back: () => {} },
    { thread: THREAD },
  );
  onTestFinished(async () => {
    await supervisor.stop(1_000);
  });
  const journals = names.map((directory) => ({
    directory,
    home: [],
    verified: [7],
    disk: new SharedArrayBuffer(4),
  }));
  /** Until something is so that comes with a line or a job. */
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const frame = (shard: number): void => {
    supervisor.links[shard]?.send({ taken: () => {} }, packEnvelope([EnvelopeOp.FRAMES, 1]), NOTHING, 0, 0);
  };
  const count = (text: string): number => lines.filter(([each]) => each === text).length;
  return { supervisor, journals, lines, lost, asked, until, frame, count };
};

it("starts when every shard is ready, with what each has recovered, and tells how far they are together", async () => {
  const { supervisor, journals } = supervise("well", "well");
  const told: number[] = [];
  const recovered = await supervisor.start(journals, (bytes) => told.push(bytes));
  const figures = { segments: 1, bytes: 2, records: 3, messages: 4, cut: undefined };
  expect(recovered).toEqual([figures, figures]);
  expect(told.at(-1)).toBe(201);
});

it("does not start when a shard refuses, and says why in the shard's own words", async () => {
  const { supervisor, journals, lost } = supervise("well", "refuse");
  await expect(supervisor.start(journals, () => {})).rejects.toThrow("the journal of shard 1 is damaged");
  expect(lost).toEqual([]);
});

it("does not start when a shard dies before it is ready, and does not try for ever", async () => {
  const { supervisor, journals, lines } = supervise("die");
  await expect(supervisor.start(journals, () => {})).rejects.toThrow(/shard 0 cannot start: .* exit code 1/);
  expect(lines.map(([text]) => text)).toEqual(["a shard failed"]);
});

it("cuts off shards that are still starting when another has failed", async () => {
  const { supervisor, journals } = supervise("hang", "refuse");
  await expect(supervisor.start(journals, () => {})).rejects.toMatchObject({ name: "StartError" });
  expect(supervisor.links).toEqual([undefined, undefined]);
});

it("carries out a shard's job and tells the thread, which sleeps on its inbox", async () => {
  const { supervisor, journals, lines, asked, until, frame } = supervise("well");
  await supervisor.start(journals, () => {});
  frame(0);
  await until(() => asked.length > 0);
  expect(asked[0]?.job).toEqual({ job: "prepare", path: "spare-1.tmp", bytes: 8 });
  const outcome: JobOutcome = { ok: false, error: { name: "Error", message: "no space left", code: "ENOSPC" } };
  asked[0]?.answer(outcome);
  await until(() => lines.some(([text]) => text === "outcome"));
  expect(lines.at(-1)).toEqual(["outcome", { shard: 0, outcome }]);
});

it("starts a shard again only when the jobs of its life before are done, and with nothing verified", async () => {
  const { supervisor, journals, lines, lost, asked, until, frame } = supervise("well", "well");
  const starts = (shard: number): number =>
    lines.filter(([text, fields]) => text === "started" && fields["shard"] === shard).length;
  await supervisor.start(journals, () => {});
  frame(0);
  await until(() => asked.length === 1);
  frame(0);
  await until(() => lost.length === 1);
  expect(lost).toEqual(["0 SHARD_RESTARTED"]);
  // What is sent meanwhile waits for the next life. One that ends while it waits does not make its successor impatient.
  frame(0);
  await supervisor.kill(0);
  // Another shard, which waits for nothing, is up again three times meanwhile.
  for (let life = 2; life <= 4; life++) {
    await supervisor.kill(1);
    await until(() => starts(1) === life);
  }
  expect(starts(0)).toBe(1);

  asked[0]?.answer({ ok: true, result: { bytes: 8 } });
  await until(() => starts(0) === 2);
  expect(lines.findLast(([, fields]) => fields["shard"] === 0)).toEqual(["started", { shard: 0, verified: [] }]);
  expect(lines.filter(([text]) => text === "outcome")).toEqual([]);
});

it("gives a shard up whose next thread is of another version: the package was replaced under the broker", async () => {
  const { supervisor, journals, lines, lost, asked, until, frame, count } = supervise("replaced", "replaced");
  await supervisor.start(journals, () => {});
  frame(0);
  frame(0);
  await until(() => asked.length > 0 && lost.length > 0);
  asked[0]?.answer({ ok: true, result: { bytes: 8 } });
  await until(() => supervisor.down[0] === "SHARD_DOWN");
  expect(lost).toEqual(["0 SHARD_RESTARTED", "0 SHARD_DOWN"]);
  expect(lines.at(-1)).toEqual([
    expect.stringMatching(/ringmq \S+ now, and the broker is 0\.0\.1: restart the broker$/),
    { shard: 0, code: 0 },
  ]);
  expect(count("a shard failed")).toBe(1);
  expect(supervisor.links.map((link) => link !== undefined)).toEqual([false, true]);
});

it("gives a shard up whose journal has failed: no other thread could do better", async () => {
  const { supervisor, journals, lost, until, frame, count } = supervise("fail", "well");
  await supervisor.start(journals, () => {});
  frame(0);
  await until(() => lost.length > 0 || count("a shard is given up: a sync failed") > 0);
  expect(lost).toEqual(["0 JOURNAL_FAILED"]);
  expect(supervisor.down).toEqual(["JOURNAL_FAILED", undefined]);
  expect(supervisor.links.map((link) => link !== undefined)).toEqual([false, true]);
  // A stop does not make good what it has lost.
  expect(await supervisor.stop(10_000)).toEqual([0]);
});
