/**
 * Who a process is, beyond its number, which another process has after a while or after a restart of the machine.
 */
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, in the kernel's own unit since the machine was; "" where that cannot be known. */
  readonly start: string;
  /** Of the machine's present run; "" where that cannot be known. */
  readonly boot: string;
}

/** The fields of /proc/PID/stat behind the name, which is in brackets and may have any character; from 3 on. */
const FIRST_FIELD = 3;
const START_FIELD = 22;

const readOrNothing = (path: string): string => {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
};

const startOf = (pid: number): string => {
  const stat = readOrNothing(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[START_FIELD - FIRST_FIELD] ?? "";
};

const bootId = (): string => readOrNothing("/proc/sys/kernel/random/boot_id");

export const identityOf = (pid: number): ProcessIdentity => ({ pid, start: startOf(pid), boot: bootId() });

/** Whether that very process is there. What cannot be known counts for "yes". */
export const isAlive = ({ pid, start, boot }: ProcessIdentity): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const present = identityOf(pid);
  const differ = (a: string, b: string): boolean => a !== "" && b !== "" && a !== b;
  return !differ(boot, present.boot) && !differ(start, present.start);
};
