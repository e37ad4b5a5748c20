/**
 * A disk that fails on the n-th call: the fault seam of the journal. All other calls go to the disk behind it.
 */
import type { Disk, DiskFile, OpenMode } from "../../src/journal/disk.js";

export type Operation =
  | "open"
  | "create"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "rename"
  | "remove"
  | "syncDirectory";

/** A fault: of these operations, from the n-th call on (1: the next), this many times. */
export interface Fault {
  readonly operations: readonly Operation[];
  readonly from: number;
  /** Default: always. */
  readonly times?: number;
  /** ENOSPC, EIO. `short`: a write writes half, and the next one fails with the code. */
  readonly code: string;
  /** The system call that fails: a directory is opened to be synced. */
  readonly syscall?: string;
  readonly short?: boolean;
  /** Only writes of at least this many bytes. */
  readonly least?: number;
}

export class FaultyDisk implements Disk {
  /** Calls of each operation so far. */
  readonly calls: Record<Operation, number> = {
    open: 0,
    create: 0,
    read: 0,
    write: 0,
    sync: 0,
    truncate: 0,
    rename: 0,
    remove: 0,
    syncDirectory: 0,
  };
  /** Calls that failed or were short. */
  hits = 0;
  readonly #disk: Disk;
  #fault: Fault | undefined;
  #seen = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Sets the fault from now on; undefined: none. */
  set fault(fault: Fault | undefined) {
    this.#fault = fault;
    this.#seen = 0;
  }

  open(path: string, mode: OpenMode): DiskFile {
    this.#pass(mode === "create" ? "create" : "open");
    return this.#wrap(this.#disk.open(path, mode));
  }

  rename(from: string, to: string): void {
    this.#pass("rename");
    this.#disk.rename(from, to);
  }

  remove(path: string): void {
    this.#pass("remove");
    this.#disk.remove(path);
  }

  syncDirectory(path: string): void {
    this.#pass("syncDirectory");
    this.#disk.syncDirectory(path);
  }

  list(directory: string): string[] {
    return this.#disk.list(directory);
  }

  makeDirectory(path: string): void {
    this.#disk.makeDirectory(path);
  }

  removeDirectory(path: string): void {
    this.#disk.removeDirectory(path);
  }

  #wrap(file: DiskFile): DiskFile {
    return {
      get size() {
        return file.size;
      },
      read: (into, start, length, at) => {
        this.#pass("read");
        return file.read(into, start, length, at);
      },
      write: (from, start, length, at) => {
        const isShort = this.#pass("write", length);
        return file.write(from, start, isShort ? length >> 1 : length, at);
      },
      sync: () => {
        this.#pass("sync");
        file.sync();
      },
      truncate: (size) => {
        this.#pass("truncate");
        file.truncate(size);
      },
      close: () => file.close(),
    };
  }

  /** Throws if the call is to fail; returns whether it is to be short. `length`: of a write. */
  #pass(operation: Operation, length = 0): boolean {
    this.calls[operation]++;
    const fault = this.#fault;
    if (fault === undefined || !fault.operations.includes(operation) || length < (fault.least ?? 0)) return false;
    this.#seen++;
    const { from, times = Number.POSITIVE_INFINITY, code, syscall, short = false } = fault;
    if (this.#seen < from || this.#seen >= from + times) return false;
    this.hits++;
    if (short && length > 1 && this.#seen === from) return true;
    throw Object.assign(new Error(`${code}: ${operation} was made to fail`), { code, syscall });
  }
}
