/** The disk of this machine. */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { platform } from "node:os";
import { dirname, resolve } from "node:path";
import type { Disk, DiskFile, OpenMode } from "./disk.js";

const FLAGS = { read: "r", write: "r+", create: "wx+", secret: "wx+" } as const satisfies Record<OpenMode, string>;

/** On Windows a directory cannot be synced; its file system journals names by itself. */
const canSyncDirectories = platform() !== "win32";

class NodeFile implements DiskFile {
  readonly #path: string;
  readonly #descriptor: number;

  constructor(path: string, mode: OpenMode) {
    this.#path = path;
    this.#descriptor = openSync(path, FLAGS[mode], mode === "secret" ? 0o600 : 0o640);
  }

  get size(): number {
    return fstatSync(this.#descriptor).size;
  }

  read(into: Uint8Array, start: number, length: number, at: number): number {
    try {
      return readSync(this.#descriptor, into, start, length, at);
    } catch (error) {
      // The system does not know the name of an open file: whoever has to mend it must.
      if (error instanceof Error) error.message += ` '${this.#path}'`;
      throw error;
    }
  }

  write(from: Uint8Array, start: number, length: number, at: number): number {
    return writeSync(this.#descriptor, from, start, length, at);
  }

  sync(): void {
    fdatasyncSync(this.#descriptor);
  }

  truncate(size: number): void {
    ftruncateSync(this.#descriptor, size);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

const syncDirectory = (path: string): void => {
  if (!canSyncDirectories) return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/**
 * Makes a directory and its missing parents, and returns what it has made, the lowest first. Not `mkdir`'s own
 * `recursive`, which loops for ever where a parent exists and a child cannot, as in /proc.
 */
const makeTree = (path: string): string[] => {
  try {
    mkdirSync(path, { mode: 0o750 });
    return [path];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return [];
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path) throw error;
    const above = makeTree(parent);
    // The parent existed all along: it does not allow the child.
    if (above.length === 0) throw error;
    return [...makeTree(path), ...above];
  }
};

export const nodeDisk: Disk = {
  open: (path, mode) => new NodeFile(path, mode),
  rename: (from, to) => renameSync(from, to),
  remove: (path) => unlinkSync(path),
  list: (directory) => readdirSync(directory),
  makeDirectory: (path) => {
    const at = resolve(path);
    // Nobody else knows of the parents made on the way.
    for (const made of makeTree(at)) syncDirectory(dirname(made));
  },
  removeDirectory: (path) => rmSync(path, { recursive: true, force: true }),
  syncDirectory,
};
