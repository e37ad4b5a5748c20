/**
 * A disk in memory that does to a journal what disks do: it loses, keeps or tears what was not synced when the machine
 * stops, is full for a while, writes less than it was told to, and fails.
 *
 * The rules are those of POSIX, not of a file system that is kinder: data and size of a file are durable by `sync`, names
 * by `syncDirectory` of the directory they stand in. So a synced file whose name was not synced may be gone.
 */
import { basename, dirname } from "node:path";
import type { Disk, DiskFile, OpenMode } from "../../src/journal/disk.js";
import { Random } from "./random.js";
import { Directory, type Entry } from "./simulated-directory.js";
import { type CrashOutcome, Inode } from "./simulated-inode.js";

/** The process or the machine ends in the middle of an operation. Nobody may take it for a fault of the disk. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/** What ends: the process alone, so that the page cache stays; or the machine. */
export type CrashKind = "process" | "power";

/**
 * - `full`: what needs space fails with ENOSPC.
 * - `short`: a write writes less than it was told to.
 * - `write`: a write fails with EIO.
 * - `sync`: a sync fails with EIO, and what it should have written may be lost.
 */
export type FaultKind = "full" | "short" | "write" | "sync";

export interface Fault {
  readonly kind: FaultKind;
  /** Operations that it could hit and leaves alone. */
  readonly after: number;
  /** Operations that it hits then. */
  readonly times: number;
}

interface PlannedFault {
  readonly kind: FaultKind;
  after: number;
  times: number;
}

/** How often, at an operation, the kernel writes something of its own accord. */
const WRITE_BACK_CHANCE = 0.03;

const CRASH_OUTCOMES: readonly CrashOutcome[] = [
  { keep: 0, tear: 0, byPage: false },
  { keep: 1, tear: 0, byPage: false },
  { keep: 0.5, tear: 0, byPage: true },
  { keep: 0.5, tear: 0.3, byPage: false },
  { keep: 0.9, tear: 1, byPage: false },
  { keep: 0.1, tear: 0.2, byPage: true },
];

export class SimulatedDisk implements Disk {
  /** Operations that change something or make it durable, ever. */
  operations = 0;
  /** The path of the operation in which everything has ended; undefined: it is up. */
  downAt: string | undefined;
  /** How often a fault has hit. */
  readonly hits: Record<FaultKind, number> = { full: 0, short: 0, write: 0, sync: 0 };
  readonly #root = new Directory();
  #random: Random;
  /** At which operation everything ends. */
  #crashAt = Number.POSITIVE_INFINITY;
  #faults: PlannedFault[] = [];
  /** Files that were opened before the last crash are closed. */
  #epoch = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  get isDown(): boolean {
    return this.downAt !== undefined;
  }

  /** Lets everything end in the middle of the n-th operation from now (1: the next). */
  crashAfter(operations: number): void {
    this.#crashAt = this.operations + operations;
  }

  inject(fault: Fault): void {
    this.#faults.push({ ...fault });
  }

  clearFaults(): void {
    this.#faults = [];
  }

  /** The process or the machine ends, now or in the operation that has thrown `Crash`, and is there again. */
  restart(kind: CrashKind, seed: number): void {
    this.#random = new Random(seed);
    this.#crashAt = Number.POSITIVE_INFINITY;
    this.#faults = [];
    this.#epoch++;
    this.downAt = undefined;
    if (kind === "power") this.#root.crash(this.#random.one(CRASH_OUTCOMES), this.#random);
  }

  /** A thread has ended in the operation that has thrown `Crash`. The others have their files open. */
  resume(): void {
    this.#crashAt = Number.POSITIVE_INFINITY;
    this.downAt = undefined;
  }

  // --- Disk ----------------------------------------------------------------------------------------------------------

  open(path: string, mode: OpenMode): DiskFile {
    this.#assertUp();
    const directory = this.#directory(dirname(path));
    const name = basename(path);
    let entry = directory.find(name);
    if (mode === "create") {
      if (entry !== undefined) throw failure("EEXIST", path);
      const inode = new Inode();
      this.#operate(path, () => {
        if (this.#isHit("full")) throw failure("ENOSPC", path);
        directory.add(name, inode);
      });
      entry = inode;
    }
    if (entry === undefined) throw failure("ENOENT", path);
    if (entry instanceof Directory) throw failure("EISDIR", path);
    return this.#file(entry, path, mode !== "read");
  }

  rename(from: string, to: string): void {
    if (dirname(from) !== dirname(to)) throw failure("EXDEV", from);
    const directory = this.#directory(dirname(from));
    if (directory.find(basename(from)) === undefined) throw failure("ENOENT", from);
    this.#operate(from, () => directory.rename(basename(from), basename(to)));
  }

  remove(path: string): void {
    const directory = this.#directory(dirname(path));
    if (!(directory.find(basename(path)) instanceof Inode)) throw failure("ENOENT", path);
    this.#operate(path, () => directory.remove(basename(path)));
  }

  list(path: string): string[] {
    this.#assertUp();
    return this.#directory(path).names;
  }

  makeDirectory(path: string): void {
    this.#assertUp();
    let directory = this.#root;
    for (const name of parts(path)) {
      let entry = directory.find(name);
      if (entry instanceof Inode) throw failure("ENOTDIR", path);
      if (entry === undefined) {
        const made = new Directory();
        const parent = directory;
        this.#operate(path, () => parent.add(name, made));
        entry = made;
      }
      directory = entry;
    }
  }

  removeDirectory(path: string): void {
    const parent = this.#find(dirname(path));
    if (!(parent instanceof Directory) || parent.find(basename(path)) === undefined) return;
    this.#operate(path, () => parent.remove(basename(path)));
  }

  syncDirectory(path: string): void {
    const directory = this.#directory(path);
    this.#operate(path, () => {
      if (this.#isHit("sync")) throw failure("EIO", path);
      directory.sync();
    });
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  #file(inode: Inode, path: string, isWritable: boolean): DiskFile {
    const epoch = this.#epoch;
    let isOpen = true;
    const check = (): void => {
      this.#assertUp();
      if (!isOpen || epoch !== this.#epoch) throw failure("EBADF", path);
    };
    const checkWritable = (): void => {
      check();
      if (!isWritable) throw failure("EBADF", path);
    };
    return {
      get size(): number {
        check();
        return inode.size;
      },
      read: (into, start, length, at) => {
        check();
        return inode.read(into, start, length, at);
      },
      write: (from, start, length, at) => {
        checkWritable();
        return this.#write(inode, path, from, start, length, at);
      },
      sync: () => {
        check();
        this.#operate(path, () => {
          if (this.#isHit("sync")) {
            inode.failSync(this.#random);
            throw failure("EIO", path);
          }
          inode.sync();
        });
      },
      truncate: (size) => {
        checkWritable();
        this.#operate(path, () => inode.truncate(size));
      },
      close: () => {
        isOpen = false;
      },
    };
  }

  #write(inode: Inode, path: string, from: Uint8Array, start: number, length: number, at: number): number {
    let written = length;
    this.#operate(
      path,
      () => {
        if (this.#isHit("write")) throw failure("EIO", path);
        if (!inode.isAllocated(at, length) && this.#isHit("full")) throw failure("ENOSPC", path);
        if (length > 1 && this.#isHit("short")) written = this.#random.between(1, length - 1);
        inode.write(from, start, written, at);
      },
      () => inode.write(from, start, this.#random.between(0, length), at),
    );
    return written;
  }

  /** Carries out an operation; when everything ends in it, `half` of it, or all, or nothing. */
  #operate(path: string, act: () => void, half?: () => void): void {
    this.#assertUp();
    this.operations++;
    if (this.operations >= this.#crashAt) {
      if (half !== undefined) half();
      else if (this.#random.chance(0.5)) act();
      this.downAt = path;
      throw new Crash("the simulated machine has stopped");
    }
    if (this.#random.chance(WRITE_BACK_CHANCE)) this.#writeBack();
    act();
  }

  #writeBack(): void {
    for (const file of this.#root.files()) if (file.isDirty) file.writeBack(this.#random);
    for (const directory of this.#root.directories()) if (directory.isDirty) directory.writeBack(this.#random);
  }

  #isHit(kind: FaultKind): boolean {
    const fault = this.#faults.find((each) => each.kind === kind && each.times > 0);
    if (fault === undefined) return false;
    if (fault.after > 0) {
      fault.after--;
      return false;
    }
    fault.times--;
    this.hits[kind]++;
    return true;
  }

  #assertUp(): void {
    if (this.isDown) throw new Crash("the simulated machine is down");
  }

  #find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const name of parts(path)) entry = entry instanceof Directory ? entry.find(name) : undefined;
    return entry;
  }

  #directory(path: string): Directory {
    const entry = this.#find(path);
    if (entry === undefined) throw failure("ENOENT", path);
    if (entry instanceof Inode) throw failure("ENOTDIR", path);
    return entry;
  }
}

const parts = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

const failure = (code: string, path: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: ${path}`), { code, path });
