/** A disk in memory, on which a journal outlives the broker that wrote it. It neither tears nor loses anything. */
import type { Disk, DiskFile, OpenMode } from "../journal/disk.js";

/** The room that a file is given first; then twice as much each time. */
const FIRST_BYTES = 4 * 1024;

class MemoryFile implements DiskFile {
  size = 0;
  #bytes = new Uint8Array(FIRST_BYTES);

  read(into: Uint8Array, start: number, length: number, at: number): number {
    const read = Math.max(0, Math.min(length, this.size - at));
    into.set(this.#bytes.subarray(at, at + read), start);
    return read;
  }

  write(from: Uint8Array, start: number, length: number, at: number): number {
    const end = at + length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(from.subarray(start, start + length), at);
    this.size = Math.max(this.size, end);
    return length;
  }

  truncate(size: number): void {
    if (size > this.#bytes.length) this.#grow(size);
    // What is beyond the end is zeros when it is part of the file again.
    if (size < this.size) this.#bytes.fill(0, size, this.size);
    this.size = size;
  }

  sync(): void {}

  close(): void {}

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(bytes, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.size));
    this.#bytes = grown;
  }
}

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code, path });

/** Whether a path lies in a directory, however deep. */
const isIn = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

export class MemoryDisk implements Disk {
  readonly #files = new Map<string, MemoryFile>();

  open(path: string, mode: OpenMode): DiskFile {
    const found = this.#files.get(path);
    const isNew = mode === "create" || mode === "secret";
    if (isNew && found !== undefined) throw failure("EEXIST", path);
    if (!isNew && found === undefined) throw failure("ENOENT", path);
    if (found !== undefined) return found;
    const made = new MemoryFile();
    this.#files.set(path, made);
    return made;
  }

  rename(from: string, to: string): void {
    this.#files.set(to, this.#take(from));
  }

  remove(path: string): void {
    this.#take(path);
  }

  list(directory: string): string[] {
    const names = [...this.#files.keys()].filter((path) => isIn(path, directory));
    return names.map((path) => path.slice(directory.length + 1)).filter((name) => !name.includes("/"));
  }

  /** A directory is there when something is in it. */
  makeDirectory(): void {}

  removeDirectory(directory: string): void {
    for (const path of this.#files.keys()) if (isIn(path, directory)) this.#files.delete(path);
  }

  syncDirectory(): void {}

  #take(path: string): MemoryFile {
    const file = this.#files.get(path);
    if (file === undefined) throw failure("ENOENT", path);
    this.#files.delete(path);
    return file;
  }
}
