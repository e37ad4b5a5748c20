/** A well-behaved client beside a hostile one: what it must see whatever the other does. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { started } from "../program.js";

const PROGRAM = fileURLToPath(new URL("./neighbour-process.mjs", import.meta.url));

/**
 * Milliseconds. On a machine of its own the bound is 100 (`RINGMQ_HOSTILE_P99=100`); where attack, broker and neighbour
 * share two cores with others, what shows is their turns on the processor. What this suite is for stood for seconds.
 */
const MAX_P99 = Number(process.env["RINGMQ_HOSTILE_P99"] ?? 1_000);

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Report {
  readonly errors: readonly string[];
  readonly published: number;
  readonly confirmed: number;
  readonly delivered: number;
  readonly confirm: Latency;
  readonly delivery: Latency;
}

export type HostileBroker = Awaited<ReturnType<typeof started>>;

/** Resident memory of a broker, in MiB. */
export const residentMemory = ({ child }: Pick<HostileBroker, "child">): number => {
  const status = readFileSync(`/proc/${child.pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
};

/** A broker as a program of its own, with one shard, so that everybody is in everybody's way. */
export const hostileBroker = (...args: readonly string[]): Promise<HostileBroker> =>
  started(["--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--shards", "1", ...args]);

/**
 * Runs `attack` beside the well-behaved client, which works for at least a second more. Its p99 stays bounded, it
 * sees no error, and all that it publishes is confirmed and delivered; the broker still runs.
 */
export const beside = async (broker: HostileBroker, attack: () => Promise<void>): Promise<Report> => {
  const child = fork(PROGRAM, [`tcp://127.0.0.1:${broker.tcp}`, "neighbour"], { stdio: "inherit" });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await once(child, "message");
  const begin = performance.now();
  await attack();
  // As long again as the attack took, at least a second: it may have left something behind.
  await new Promise((resolve) => setTimeout(resolve, Math.max(1_000, Math.min(3_000, performance.now() - begin))));
  child.send("stop");
  const [report] = (await once(child, "message")) as [Report];
  await once(child, "exit");
  expect(broker.child.exitCode, broker.text.err).toBeNull();
  expect(report.errors).toEqual([]);
  expect(report.confirmed).toBe(report.published);
  expect(report.delivered).toBe(report.published);
  expect(report.confirm.p99).toBeLessThan(MAX_P99);
  expect(report.delivery.p99).toBeLessThan(MAX_P99);
  return report;
};
