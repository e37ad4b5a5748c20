/**
 * What stops a journal, told apart by the system's error: what is wrong and what to do about it, for the log and for
 * those whose publishes are refused meanwhile.
 */
import { AWAY, type Fault } from "../journal/disk-fault.js";
import type { Refusal } from "../shard/topics/batch-appender.js";

/** A refusal, and what the log says. */
export interface Stoppage extends Refusal {
  /** What is wrong, to follow "since". */
  readonly cause: string;
  /** What to do, an imperative. */
  readonly remedy: string;
}

const stoppage = (kind: Refusal["kind"], cause: string, remedy: string): Stoppage => ({
  kind,
  cause,
  remedy,
  text: `${cause}: ${remedy}, and publish again`,
});

const NO_SPACE = stoppage("DISK_FULL", "the disk is full", "free some space, or acknowledge messages");

const NO_INODES = stoppage(
  "DISK_FULL",
  "the file system of the data directory has no inodes left",
  "delete files that nobody needs, however small",
);

const NO_QUOTA = stoppage(
  "DISK_FULL",
  "the disk quota of the broker's user is used up",
  "delete some of its files, or raise the quota",
);

const NO_DESCRIPTORS = stoppage(
  "OUT_OF_DESCRIPTORS",
  "the broker can open no file now",
  "close connections, or raise its limit of open files (ulimit -n)",
);

const READ_ONLY = stoppage(
  "DISK_FAULT",
  "the file system of the data directory is read-only",
  "find out why in the system log, and mount it for writing",
);

const NO_PERMISSION = stoppage(
  "DISK_FAULT",
  "the broker may not write to its data directory",
  "give its user the right to (owner, mode, attributes)",
);

const TOO_LARGE = stoppage(
  "DISK_FAULT",
  "a file of the journal may not become as large as it must",
  "raise the limit of the process to --segment-bytes or more (ulimit -f, LimitFSIZE= of systemd), restart the broker",
);

const GONE = stoppage(
  "DISK_FAULT",
  "the data directory, or a part of it, is not there",
  "put it back, or stop the broker",
);

const NOT_HOME = stoppage(
  "DISK_FAULT",
  "the data directory has been moved, removed or replaced",
  "put it back, or stop the broker",
);

const BY_CODE: ReadonlyMap<string, Stoppage> = new Map([
  ["ENOSPC", NO_SPACE],
  ["EDQUOT", NO_QUOTA],
  ["EMFILE", NO_DESCRIPTORS],
  ["ENFILE", NO_DESCRIPTORS],
  ["EROFS", READ_ONLY],
  ["EACCES", NO_PERMISSION],
  ["EPERM", NO_PERMISSION],
  ["EFBIG", TOO_LARGE],
  ["ENOENT", GONE],
  ["ENOTDIR", GONE],
  [AWAY, NOT_HOME],
]);

/** What the system reports of a file system. */
export interface Free {
  readonly bavail: number;
  /** All inodes, and those that are free; none of both where there is no fixed number of them. */
  readonly files: number;
  readonly ffree: number;
}

export class Stoppages {
  readonly #free: () => Free;
  #fault: Fault | undefined;
  #stoppage = NO_SPACE;

  /** `free` is asked once for each fault that may be for want of inodes. It may throw. */
  constructor(free: () => Free) {
    this.#free = free;
  }

  /** Undefined: nobody knows the fault, which is taken for want of space. Cheap when asked for the same one again. */
  of(fault: Fault | undefined): Stoppage {
    if (fault !== this.#fault) {
      this.#fault = fault;
      this.#stoppage = this.#find(fault);
    }
    return this.#stoppage;
  }

  #find(fault: Fault | undefined): Stoppage {
    if (fault?.code === undefined) return NO_SPACE;
    if (fault.code === "ENOSPC" && this.#hasSpaceAlone) return NO_INODES;
    return BY_CODE.get(fault.code) ?? unknownTo(fault.code);
  }

  /** Space, but no inodes. */
  get #hasSpaceAlone(): boolean {
    try {
      const { bavail, files, ffree } = this.#free();
      return files > 0 && ffree === 0 && bavail > 0;
    } catch {
      return false;
    }
  }
}

const unknownTo = (code: string): Stoppage =>
  stoppage("DISK_FAULT", `the disk does not take what is written (${code})`, "look for its errors in the system log");
