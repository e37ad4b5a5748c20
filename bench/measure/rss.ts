/**
 * Resident memory of a process from /proc.
 */
import { readFileSync } from "node:fs";
import { sleep } from "./clock.js";

const POLL_MS = 250;
const STEADY_POLLS = 4;
const STEADY_SHARE = 0.002;
const MAX_POLLS = 40;

/** Bytes of VmRSS, shared memory included. */
export const rssBytes = (pid: number): number => {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(kilobytes) * 1024;
};

/** Bytes once they have stopped moving for a second: a garbage collection may still be under way. Waits 10 s at most. */
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
