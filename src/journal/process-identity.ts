/**
 * The identity of a process beyond its number, which is reused after a while or after a reboot.
 */
import { readFileSync, readlinkSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, in the kernel's own unit since the machine was; "" where that cannot be known. */
  readonly start: string;
  /** Of the machine's present run; "" where that cannot be known. */
  readonly boot: string;
  /** Within which its number means something: of a container, as a rule. "" where that cannot be known. */
  readonly space: string;
}

/** `unknown`: the process is in another container and cannot be looked up. */
export type Life = "alive" | "gone" | "unknown";

/**
 * The fields of /proc/PID/stat from the third on: those after the name, which is in brackets and may hold any
 * character.
 */
const STATE_FIELD = 3;
const THREADS_FIELD = 20;
const START_FIELD = 22;

const readOrNothing = (path: string): string => {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
};

/** The fields of a process by their number; none where they cannot be known. */
const statOf = (pid: number): readonly string[] => {
  const stat = readOrNothing(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [...new Array<string>(STATE_FIELD).fill(""), ...fields];
};

const startOf = (pid: number): string => statOf(pid)[START_FIELD] ?? "";

/**
 * A zombie: killed, and not yet reaped by its parent. A thread of it may still be in a system call, such as a write;
 * the process is gone when its threads are.
 */
const isDead = (pid: number): boolean => {
  const { [STATE_FIELD]: state = "", [THREADS_FIELD]: threads } = statOf(pid);
  return state === "X" || (state === "Z" && Number(threads) <= 1);
};

const bootId = (): string => readOrNothing("/proc/sys/kernel/random/boot_id");

const space = (): string => {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
};

export const identityOf = (pid: number): ProcessIdentity => ({
  pid,
  start: startOf(pid),
  boot: bootId(),
  space: space(),
});

const differ = (a: string, b: string): boolean => a !== "" && b !== "" && a !== b;

/** Whether this very process runs. Where its start time and the boot cannot be known, its number must do. */
export const lifeOf = (known: ProcessIdentity): Life => {
  const present = identityOf(known.pid);
  if (differ(known.boot, present.boot)) return "gone";
  if (differ(known.space, present.space)) return "unknown";
  try {
    process.kill(known.pid, 0);
  } catch (error) {
    // EPERM: it exists, and belongs to another user.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "gone";
  }
  return differ(known.start, present.start) || isDead(known.pid) ? "gone" : "alive";
};
