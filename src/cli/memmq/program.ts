/** What a mode of `memmq` has of the program around it. */
import type { Log } from "../../main/log.js";

export interface Program {
  /** Lines on standard error. */
  readonly log: Log;
  /** Ends the process with exit code 2: it was told something wrong. */
  readonly refuse: (reason: string) => never;
  /** Ends the process with exit code 1: it cannot do what it was told. */
  readonly fail: (reason: string) => never;
}
