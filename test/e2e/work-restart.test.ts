/**
 * A broker that is killed under a worker: handlers are told that their messages are not theirs any longer, these run again after
 * the restart, by themselves, and what was acked does not.
 */
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Message } from "../../src/client/consume/message.js";
import type { WorkContext } from "../../src/client/work/work-context.js";
import { unhandledRejections } from "../client/unhandled-rejections.js";
import { testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { ANY_PORT, started } from "./program.js";

const NUMBERS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

it("what runs when the broker is killed is told, and runs again", async () => {
  const unhandled = unhandledRejections();
  const data = { RINGMQ_DATA: join(testDirectory(), "data") };
  const killed = await started([...ANY_PORT, "--shards", "1"], data);
  const runs: string[] = [];
  const codes: unknown[] = [];
  /** Those with an odd number wait for their signal the first time; one fails then, which is nothing to the broker. */
  const handler = async (message: Message, { signal }: WorkContext): Promise<void> => {
    const text = message.text();
    runs.push(text);
    if (Number(text) % 2 === 0 || codes.length > 0) return;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    codes.push((signal.reason as { code: string }).code);
    if (text === "7") throw new Error("after the end");
  };
  const client = await clientOf(killed.tcp);
  await client.publishBatch("jobs", NUMBERS);
  const worker = await client.work("jobs", handler, { concurrency: 10 });
  while (worker.processed < 5) await turn();
  // Confirmed when the acks before it are on disk.
  await client.publish("other", "x");
  killed.child.kill("SIGKILL");
  while (codes.length < 5) await turn();
  expect(new Set(codes)).toEqual(new Set(["CONNECTION_CLOSED"]));
  expect([worker.lost, worker.failed]).toEqual([5, 0]);

  await started(["--tcp", `127.0.0.1:${killed.tcp}`, "--http", "127.0.0.1:0", "--shards", "1"], data);
  while (worker.processed < 10) await turn();
  await client.drain();
  expect(runs.toSorted()).toEqual([...NUMBERS, "1", "3", "5", "7", "9"].toSorted());
  expect([worker.processed, worker.lost, worker.failed]).toEqual([10, 5, 0]);
  const [queue] = (await (await clientOf(killed.tcp)).stats("jobs")).queues;
  expect(queue).toMatchObject({ ready: 0, inFlight: 0, delayed: 0, deadLetters: 0 });
  expect(unhandled).toEqual([]);
});
