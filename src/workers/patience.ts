/** Of errors that pass without anybody's doing: those of a machine or a process that has too little of something. */
import { isOutOfDescriptors } from "../journal/disk-fault.js";

const PASSING: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOSPC"]);

/** Milliseconds from one attempt to the next, and attempts. */
const PAUSE = 250;
const MAX_ATTEMPTS = 48;

export const isPassing = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && typeof error.code === "string" && PASSING.has(error.code);

/** What to do about such an error, for a text that names it. */
export const remedyOf = (error: NodeJS.ErrnoException): string =>
  isOutOfDescriptors(error)
    ? ": no file can be opened, since the process or the machine has as many open as it may. Close connections, or " +
      "raise the limit (ulimit -n, LimitNOFILE= of systemd)"
    : "";

export interface Patience {
  /** Blocks for so many milliseconds. */
  readonly pause: (milliseconds: number) => void;
  /** Told of the first of the errors. */
  readonly waits: (error: NodeJS.ErrnoException) => void;
}

/** Does something, again and again for twelve seconds while such an error is in the way; then throws it. */
export const patiently = <T>(work: () => T, { pause, waits }: Patience): T => {
  for (let attempt = 1; ; attempt++) {
    try {
      return work();
    } catch (error) {
      if (!isPassing(error) || attempt === MAX_ATTEMPTS) throw error;
      if (attempt === 1) waits(error);
      pause(PAUSE);
    }
  }
};
