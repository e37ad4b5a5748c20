/** Errors that may pass by themselves, because the machine or the process is short of something; and retries. */
import { isOutOfDescriptors } from "../journal/disk-fault.js";

const PASSING: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOSPC"]);

/** Milliseconds between attempts, and how many there are. */
const PAUSE = 250;
const MAX_ATTEMPTS = 48;

export const isPassing = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && typeof error.code === "string" && PASSING.has(error.code);

/** What to do about such an error, to be added to its text. */
export const remedyOf = (error: NodeJS.ErrnoException): string =>
  isOutOfDescriptors(error)
    ? ": no file can be opened, since the process or the machine has as many open as it may. Close connections, or " +
      "raise the limit (ulimit -n, LimitNOFILE= of systemd)"
    : "";

export interface Patience {
  /** Blocks the thread for so many milliseconds. */
  readonly pause: (milliseconds: number) => void;
  /** Called with the first error. */
  readonly waits: (error: NodeJS.ErrnoException) => void;
}

/** Calls `work` until it succeeds. Throws any other error at once, and one of these after twelve seconds. */
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
