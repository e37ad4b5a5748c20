/**
 * Who a process is, beyond its number, which another process has after a while or after a restart of the machine.
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

/** `unknown`: it is of another container, where nobody here can look. */
export type Life = "alive" | "gone" | "unknown";

/** The fields of /proc/PID/stat behind the name, which is in brackets and may have any character; from 3 on. */
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

/** Of a process that is there; none where that cannot be known. Indexed by the number of the field. */
const statOf = (pid: number): readonly string[] => {
  const stat = readOrNothing(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [...new Array<string>(STATE_FIELD).fill(""), ...fields];
};

const startOf = (pid: number): string => statOf(pid)[START_FIELD] ?? "";

/**
 * It was killed and whoever started it has not looked. One of its threads may still be at work for the kernel, in a
 * write: it is gone when they are.
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

/** Whether that very process is there. Where start and boot cannot be known, its number has to do. */
export const lifeOf = (known: ProcessIdentity): Life => {
  const present = identityOf(known.pid);
  if (differ(known.boot, present.boot)) return "gone";
  if (differ(known.space, present.space)) return "unknown";
  try {
    process.kill(known.pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "gone";
  }
  return differ(known.start, present.start) || isDead(known.pid) ? "gone" : "alive";
};
