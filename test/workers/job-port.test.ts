import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { expect, it, onTestFinished } from "vitest";
import { JobPort, MAX_JOBS } from "../../src/workers/job-port.js";
import type { JobOutcome } from "../../src/workers/jobs/job.js";
import type { JobAnswer, ShardMessage } from "../../src/workers/shard-messages.js";

/** A port and its other end, where the main thread is. */
const ports = () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const heard = (): ShardMessage | undefined => receiveMessageOnPort(port2)?.message;
  const answer = (id: number, outcome: JobOutcome): void =>
    port2.postMessage({ kind: "job done", id, outcome } satisfies JobAnswer);
  return { port: new JobPort(port1), heard, answer };
};

const spare = (n: number) => ({ job: "prepare", path: `spare-${n}.tmp`, bytes: n }) as const;

it("asks the main thread, and passes each outcome to its asker, in any order", () => {
  const { port, heard, answer } = ports();
  const told: unknown[] = [];
  port.ask(spare(1), (outcome) => told.push([1, outcome]));
  port.ask(spare(2), (outcome) => told.push([2, outcome]));
  expect(heard()).toEqual({ kind: "job", id: 1, job: spare(1) });
  expect(heard()).toEqual({ kind: "job", id: 2, job: spare(2) });

  port.drain(() => expect.unreachable());
  expect(told).toEqual([]);
  expect(port.pending).toBe(2);
  const failed = { ok: false, error: { name: "Error", message: "no space", code: "ENOSPC" } } as const;
  answer(2, failed);
  answer(1, { ok: true, result: { bytes: 1 } });
  port.drain(() => expect.unreachable());
  expect(told).toEqual([
    [2, failed],
    [1, { ok: true, result: { bytes: 1 } }],
  ]);
  expect(port.pending).toBe(0);
});

it("can be asked for another job from within an outcome", () => {
  const { port, heard, answer } = ports();
  port.ask(spare(1), () => port.ask(spare(2), () => {}));
  heard();
  answer(1, { ok: true, result: { bytes: 1 } });
  port.drain(() => expect.unreachable());
  expect(heard()).toEqual({ kind: "job", id: 2, job: spare(2) });
});

it("refuses more jobs than a journal needs, and unexpected answers", () => {
  const { port, answer } = ports();
  for (let n = 0; n < MAX_JOBS; n++) port.ask(spare(n), () => {});
  expect(() => port.ask(spare(0), () => {})).toThrow(`${MAX_JOBS} jobs are under way`);
  answer(99, { ok: true, result: { bytes: 1 } });
  expect(() => port.drain(() => expect.unreachable())).toThrow("job 99, which nobody has asked for");
});
