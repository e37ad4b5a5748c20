/**
 * Resident memory of a process from /proc.
 */
import { readFileSync } from "node:fs";
import { sleep } from "./clock.js";

const POLL_MS = 250;
const STEADY_POLLS = 4;
const STEADY_SHARE = 0.002;
const MAX_POLLS = 40;

const readStatus = (pid: number, pattern: RegExp): number => {
  const kilobytes = pattern.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${pattern.source}`);
  return Number(kilobytes) * 1024;
};

/** Bytes of VmRSS, shared memory included. */
export const rssBytes = (pid: number): number => readStatus(pid, /^VmRSS:\s+(\d+) kB$/m);

/** The peak since the process started, as the kernel records it. */
export const peakRssBytes = (pid: number): number => readStatus(pid, /^VmHWM:\s+(\d+) kB$/m);

const SAMPLE_MS = 50;

/** The peak during `work`, sampled every 50 ms. */
export const sampledPeak = async <Outcome>(
  pid: number,
  work: () => Promise<Outcome>,
): Promise<{ readonly outcome: Outcome; readonly peakRssBytes: number }> => {
  let most = rssBytes(pid);
  const timer = setInterval(() => {
    most = Math.max(most, rssBytes(pid));
  }, SAMPLE_MS);
  try {
    const outcome = await work();
    return { outcome, peakRssBytes: Math.max(most, rssBytes(pid)) };
  } finally {
    clearInterval(timer);
  }
};

/** Bytes after they have been steady for a second, since a garbage collection may be running. Waits at most 10 s. */
export const settledRssBytes = async (pid: number): Promise<number> => {
  let last = rssBytes(pid);
  for (let poll = 0, steady = 0; poll < MAX_POLLS && steady < STEADY_POLLS; poll++) {
    await sleep(POLL_MS);
    const now = rssBytes(pid);
    steady = Math.abs(now - last) <= last * STEADY_SHARE ? steady + 1 : 0;
    last = now;
  }
  return last;
};
