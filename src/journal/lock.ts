/**
 * The lock of a data directory: one broker at a time.
 *
 * A lock is a file `LOCK.N` that names a process; the highest N is the current one. If its process is gone or has
 * released it, a broker creates the next number, contents included, in one step: a hard link, which fails if the name
 * exists. So of several brokers exactly one succeeds. A file is deleted only when a higher one exists, so a slow broker
 * finds that one and withdraws. A released lock stays as a file for the same reason.
 *
 * A process in another container cannot be looked up. So each broker touches its lock regularly, and whoever finds the
 * lock of another container watches it for a while.
 */
import {
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DataDirectoryError } from "./damage-error.js";
import { DescriptorReserve } from "./descriptor-reserve.js";
import { changeOf, type Place, placeAt } from "./home.js";
import { LOCK_PREFIX, TEMPORARY_SUFFIX } from "./layout.js";
import { pause } from "./pause.js";
import { identityOf, lifeOf, type ProcessIdentity } from "./process-identity.js";

interface LockFile extends ProcessIdentity {
  readonly isReleased: boolean;
}

/** Milliseconds between two touches, and how many a process may miss before it counts as gone. */
const PULSE = 1000;
const MISSED = 4;

/** How often a lock without contents is read between two touches. */
const READS = 20;

/** How often in a row another broker may be faster before that is an error. */
const ATTEMPTS = 100;

const LOCK_NAME = /^LOCK\.(\d{1,15})$/;

/** The number of the highest lock in a directory; 0: there is none. */
const highest = (directory: string): number =>
  readdirSync(directory).reduce((found, name) => Math.max(found, Number(LOCK_NAME.exec(name)?.[1] ?? 0)), 0);

const isLockFile = (value: unknown): value is LockFile =>
  typeof value === "object" &&
  value !== null &&
  "pid" in value &&
  Number.isInteger(value.pid) &&
  Number(value.pid) > 0 &&
  "start" in value &&
  typeof value.start === "string" &&
  "boot" in value &&
  typeof value.boot === "string" &&
  "space" in value &&
  typeof value.space === "string" &&
  "isReleased" in value &&
  typeof value.isReleased === "boolean";

/** The contents of a lock; undefined if it is gone by now or was cut short by a power loss. */
const readLock = (path: string): LockFile | undefined => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isLockFile(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

/** Creates a file with its contents. False: the name exists. */
const createWhole = (path: string, text: string): boolean => {
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}${TEMPORARY_SUFFIX}`;
  writeFileSync(temporary, text, { mode: 0o640, flag: "wx" });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS" && code !== "EOPNOTSUPP") throw error;
    return createWithoutLinks(path, text);
  } finally {
    unlinkSync(temporary);
  }
};

/** For file systems without hard links: for a moment the file exists without its contents. */
const createWithoutLinks = (path: string, text: string): boolean => {
  try {
    writeFileSync(path, text, { mode: 0o640, flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
};

const refusal = (directory: string, holder: ProcessIdentity, own: ProcessIdentity): DataDirectoryError => {
  const { pid, space } = holder;
  const use = `the data directory ${directory} is in use by`;
  if (space !== own.space) {
    return new DataDirectoryError(
      `${use} the process ${pid} of another container: stop it first, or use another directory`,
    );
  }
  return new DataDirectoryError(
    pid === own.pid
      ? `${use} another broker of this process (${pid}): give each its own`
      : `${use} the process ${pid}: stop it first, or use another directory`,
  );
};

/** When a lock was last touched; 0: it is gone. */
const touched = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Watches a lock, and blocks the thread meanwhile. True: it was touched. */
const isTouched = (path: string, pulse: number): boolean => {
  const before = touched(path);
  for (let i = 0; i < 2 * MISSED; i++) {
    pause(pulse / 2);
    if (touched(path) !== before) return true;
  }
  return false;
};

/**
 * The contents of a lock. Without hard links a lock is empty for a moment, so an empty one is read again; one that
 * stays empty was cut short by a power loss.
 */
const readWholeLock = (path: string, pulse: number): LockFile | undefined => {
  for (let i = 0; i < READS; i++) {
    const holder = readLock(path);
    if (holder !== undefined || Date.now() - touched(path) > pulse) return holder;
    pause(pulse / READS);
  }
  return readLock(path);
};

/** The current holder of a lock; undefined: nobody. */
const holderOf = (path: string, pulse: number): LockFile | undefined => {
  const holder = readWholeLock(path, pulse);
  if (holder === undefined || holder.isReleased) return undefined;
  const life = lifeOf(holder);
  return life === "alive" || (life === "unknown" && isTouched(path, pulse)) ? holder : undefined;
};

/**
 * Thrown from a timer, so that nobody catches it: a clean shutdown would write to files that another broker owns now.
 */
const endProcess = (error: DataDirectoryError): void => {
  throw error;
};

export class DirectoryLock {
  readonly #pulse: NodeJS.Timeout;
  /** Kept to release the lock when the process has no other descriptor: the next broker may run in this process. */
  readonly #reserve = new DescriptorReserve(1);

  /** By what it is: nobody else's lock may be touched where the name leads elsewhere. */
  readonly #place: Place;

  private constructor(
    readonly directory: string,
    readonly path: string,
    private readonly owner: ProcessIdentity,
    pulse: number,
    private readonly lost: (error: DataDirectoryError) => void,
  ) {
    this.#place = placeAt(directory);
    this.#reserve.fill();
    this.#pulse = setInterval(() => this.#touch(), pulse);
    this.#pulse.unref();
  }

  /**
   * Throws a `DataDirectoryError` if another broker uses the directory. Blocks for seconds if the last lock is of
   * another container. `pulse`: milliseconds between two touches, the same for all brokers. `lost` is called when
   * another broker has taken the directory in spite of the lock; without it the process ends with that error.
   */
  static acquire(directory: string, pulse = PULSE, lost = endProcess): DirectoryLock {
    const owner = identityOf(process.pid);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = highest(directory);
      const holder = present === 0 ? undefined : holderOf(join(directory, LOCK_PREFIX + present), pulse);
      if (holder !== undefined) throw refusal(directory, holder, owner);
      const path = join(directory, LOCK_PREFIX + (present + 1));
      if (!createWhole(path, textOf(owner, false))) continue;
      if (highest(directory) === present + 1) {
        removeBelow(directory, present + 1);
        return new DirectoryLock(directory, path, owner, pulse, lost);
      }
      // The number was taken and deleted before: another broker with a higher one was faster.
      unlinkSync(path);
    }
    throw new DataDirectoryError(`the data directory ${directory} could not be locked: others keep locking it`);
  }

  /** Lets the next broker in. If this cannot be written, the end of the process has the same effect. */
  release(): void {
    clearInterval(this.#pulse);
    this.#reserve.giveUp();
    const temporary = `${this.path}${TEMPORARY_SUFFIX}`;
    try {
      if (changeOf(this.#place) !== undefined) return;
      writeFileSync(temporary, textOf(this.owner, true), { mode: 0o640 });
      renameSync(temporary, this.path);
    } catch (error) {
      // The disk is full, or the directory has been deleted.
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
    }
  }

  /** One that somebody has deleted is made again. */
  #touch(): void {
    this.#reserve.fill();
    try {
      // The directory itself has gone elsewhere, which others notice.
      if (changeOf(this.#place) !== undefined) return;
      const present = readLock(this.path);
      if (present === undefined ? this.#isTaken() : !isSame(present, this.owner)) return this.#lose();
      if (present === undefined) createWhole(this.path, textOf(this.owner, false));
      const now = new Date();
      utimesSync(this.path, now, now);
    } catch (error) {
      // The next touch may succeed, and only another container looks. But it may have looked already.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }

  #lose(): void {
    clearInterval(this.#pulse);
    this.lost(
      new DataDirectoryError(
        `another broker has taken the data directory ${this.directory}: this one stood still for too long. It ends at once`,
      ),
    );
  }

  /** Whether there is a higher lock. False if the directory was deleted. */
  #isTaken(): boolean {
    try {
      return join(this.directory, LOCK_PREFIX + highest(this.directory)) !== this.path && highest(this.directory) > 0;
    } catch {
      return false;
    }
  }
}

const textOf = (owner: ProcessIdentity, isReleased: boolean): string => `${JSON.stringify({ ...owner, isReleased })}\n`;

const isSame = (a: ProcessIdentity, b: ProcessIdentity): boolean =>
  a.pid === b.pid && a.start === b.start && a.boot === b.boot;

/** Deletes older locks. */
const removeBelow = (directory: string, number: number): void => {
  for (const name of readdirSync(directory)) {
    const digits = /^LOCK\.(\d+)(\..*\.tmp|\.tmp)?$/.exec(name)?.[1];
    if (digits !== undefined && Number(digits) < number) rmSync(join(directory, name), { force: true });
  }
};

/** Throws a `DataDirectoryError` if the lock of a data directory names a process that uses it. Blocks as `acquire` does. */
export const expectFree = (directory: string, pulse = PULSE): void => {
  const present = highest(directory);
  const holder = present === 0 ? undefined : holderOf(join(directory, LOCK_PREFIX + present), pulse);
  if (holder !== undefined) throw refusal(directory, holder, identityOf(process.pid));
};

/** The process that uses a data directory; undefined: none. Blocks as `acquire` does. */
export const lockHolder = (directory: string, pulse = PULSE): number | undefined => {
  const present = highest(directory);
  return present === 0 ? undefined : holderOf(join(directory, LOCK_PREFIX + present), pulse)?.pid;
};
