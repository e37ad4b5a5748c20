/**
 * One broker for a data directory.
 *
 * A lock is a file `LOCK.N` that names a process; the one with the highest N counts. Whoever finds its process gone, or
 * released, makes the next number, with its contents in one step (a hard link fails if the name exists), so of many
 * exactly one succeeds. No file is deleted before a higher one is there: who was slow finds it, and withdraws. A
 * released lock stays as a file for the same reason.
 *
 * A process of another container cannot be looked up. So each touches its lock while it has it, and who finds such a
 * lock watches it for a while.
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
import { LOCK_PREFIX, TEMPORARY_SUFFIX } from "./layout.js";
import { identityOf, lifeOf, type ProcessIdentity } from "./process-identity.js";

interface LockFile extends ProcessIdentity {
  readonly isReleased: boolean;
}

/** Milliseconds between two touches, and how many of them a process may miss before it is taken for gone. */
const PULSE = 1000;
const MISSED = 4;

/** How often a lock without contents is read within a pulse. */
const READS = 20;

/** How often somebody else may be faster in a row before that is an error. */
const ATTEMPTS = 100;

const LOCK_NAME = /^LOCK\.(\d{1,15})$/;

/** The highest lock in a directory; 0: none. */
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

/** What is in a lock; undefined if it has gone meanwhile, or was cut short by a loss of power. */
const readLock = (path: string): LockFile | undefined => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return isLockFile(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

/** Makes a file with its contents, unless the name exists: then false. */
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

/** On a file system without hard links, for a moment the file is there without its contents. */
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

/** When a lock was touched; 0: it is gone. */
const touched = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Blocks the thread while it watches a lock: whether it is touched. */
const isTouched = (path: string, pulse: number): boolean => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const before = touched(path);
  for (let i = 0; i < 2 * MISSED; i++) {
    Atomics.wait(cell, 0, 0, pulse / 2);
    if (touched(path) !== before) return true;
  }
  return false;
};

/**
 * What is in a lock, of which on a file system without hard links there is only the name for a moment. One that stays
 * without contents for longer than that was cut short by a loss of power.
 */
const readWholeLock = (path: string, pulse: number): LockFile | undefined => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < READS; i++) {
    const holder = readLock(path);
    if (holder !== undefined || Date.now() - touched(path) > pulse) return holder;
    Atomics.wait(cell, 0, 0, pulse / READS);
  }
  return readLock(path);
};

/** Who has a lock now; undefined: nobody. */
const holderOf = (path: string, pulse: number): LockFile | undefined => {
  const holder = readWholeLock(path, pulse);
  if (holder === undefined || holder.isReleased) return undefined;
  const life = lifeOf(holder);
  return life === "alive" || (life === "unknown" && isTouched(path, pulse)) ? holder : undefined;
};

/** Out of a timer nobody catches it. A clean end would write into files that are another's by now. */
const endProcess = (error: DataDirectoryError): void => {
  throw error;
};

export class DirectoryLock {
  readonly #pulse: NodeJS.Timeout;
  /** To release it by, when the process has no other: the next broker may be one of this process. */
  readonly #reserve = new DescriptorReserve(1);

  private constructor(
    readonly directory: string,
    readonly path: string,
    private readonly owner: ProcessIdentity,
    pulse: number,
    private readonly lost: (error: DataDirectoryError) => void,
  ) {
    this.#reserve.fill();
    this.#pulse = setInterval(() => this.#touch(), pulse);
    this.#pulse.unref();
  }

  /**
   * Throws a `DataDirectoryError` if another broker uses the directory. Blocks for seconds if the last one was that of
   * another container. `pulse`: milliseconds between two touches of everybody's locks. `lost` is called when another
   * broker has the directory in spite of the lock; without it the process ends with that error.
   */
  static acquire(directory: string, pulse = PULSE, lost = endProcess): DirectoryLock {
    const owner = identityOf(process.pid);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = highest(directory);
      const holder = present === 0 ? undefined : holderOf(join(directory, LOCK_PREFIX + present), pulse);
      if (holder !== undefined) throw refusal(directory, holder, owner);
      const path = join(directory, LOCK_PREFIX + (present + 1));
      if (!createWhole(path, `${JSON.stringify({ ...owner, isReleased: false })}\n`)) continue;
      if (highest(directory) === present + 1) {
        removeBelow(directory, present + 1);
        return new DirectoryLock(directory, path, owner, pulse, lost);
      }
      // The number was used and deleted before: somebody with a higher one was faster.
      unlinkSync(path);
    }
    throw new DataDirectoryError(`the data directory ${directory} could not be locked: others keep locking it`);
  }

  /** Lets the next broker in. If that cannot be written, the end of the process will do it. */
  release(): void {
    clearInterval(this.#pulse);
    this.#reserve.giveUp();
    const temporary = `${this.path}${TEMPORARY_SUFFIX}`;
    try {
      writeFileSync(temporary, `${JSON.stringify({ ...this.owner, isReleased: true })}\n`, { mode: 0o640 });
      renameSync(temporary, this.path);
    } catch (error) {
      // The disk is full, or the directory has been deleted.
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
    }
  }

  #touch(): void {
    const now = new Date();
    this.#reserve.fill();
    try {
      utimesSync(this.path, now, now);
    } catch (error) {
      // The next one may succeed; nobody but another container looks. But it may have looked already.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || !this.#isTaken()) return;
      clearInterval(this.#pulse);
      this.lost(
        new DataDirectoryError(
          `another broker has taken the data directory ${this.directory}: this one stood still for too long. It ends at once`,
        ),
      );
    }
  }

  /** There is a higher lock. Not so where somebody has deleted the directory. */
  #isTaken(): boolean {
    try {
      return join(this.directory, LOCK_PREFIX + highest(this.directory)) !== this.path && highest(this.directory) > 0;
    } catch {
      return false;
    }
  }
}

/** Deletes what locks of the past have left. */
const removeBelow = (directory: string, number: number): void => {
  for (const name of readdirSync(directory)) {
    const digits = /^LOCK\.(\d+)(\..*\.tmp|\.tmp)?$/.exec(name)?.[1];
    if (digits !== undefined && Number(digits) < number) rmSync(join(directory, name), { force: true });
  }
};

/** The process that uses a data directory; undefined: nobody does. Blocks as `acquire` does. */
export const lockHolder = (directory: string, pulse = PULSE): number | undefined => {
  const present = highest(directory);
  return present === 0 ? undefined : holderOf(join(directory, LOCK_PREFIX + present), pulse)?.pid;
};
