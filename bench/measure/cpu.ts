/**
 * CPU time of a process, from /proc. On a shared machine no other figure varies as little.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { monotonicMicros } from "./clock.js";

/** User and system time since the process started, in microseconds. The resolution is a clock tick, mostly 10 ms. */
export interface CpuTime {
  /** When it was read, by the monotonic clock. */
  readonly at: number;
  /** All threads, including those that have ended. */
  readonly process: number;
  /** The first thread alone: the broker's main thread. */
  readonly mainThread: number;
  /** All processes of the machine, and time that its host took. Without interrupts, which belong to no process. */
  readonly machine: number;
}

/** Fields 14 and 15 of `stat` in proc(5), counted from the state, which follows the name in brackets. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** Columns of the line `cpu` of /proc/stat, counted from its first number: user, nice, system and steal. */
const MACHINE_TIMES = [0, 1, 2, 7];

let microsPerTick: number | undefined;

const tickMicros = (): number => {
  microsPerTick ??= 1e6 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return microsPerTick;
};

const readStat = (path: string): number => {
  const text = readFileSync(path, "latin1");
  // The name may contain spaces and brackets, so the fields are counted from the last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]);
  if (!Number.isFinite(ticks)) throw new Error(`${path} is not as proc(5) says`);
  return ticks * tickMicros();
};

const readMachine = (): number => {
  const numbers = /^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1]?.split(" ").map(Number) ?? [];
  const ticks = MACHINE_TIMES.reduce((sum, at) => sum + (numbers[at] ?? Number.NaN), 0);
  if (!Number.isFinite(ticks)) throw new Error("/proc/stat is not as proc(5) says");
  return ticks * tickMicros();
};

/** Throws on systems without /proc: the benchmark runs on Linux. */
export const cpuTime = (pid: number): CpuTime => ({
  at: monotonicMicros(),
  process: readStat(`/proc/${pid}/stat`),
  mainThread: readStat(`/proc/${pid}/task/${pid}/stat`),
  machine: readMachine(),
});

/** The time spent since `start`. */
export const cpuSince = (pid: number, start: CpuTime): CpuTime => {
  const now = cpuTime(pid);
  return {
    at: now.at - start.at,
    process: now.process - start.process,
    mainThread: now.mainThread - start.mainThread,
    machine: now.machine - start.machine,
  };
};
