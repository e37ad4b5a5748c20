/**
 * What the journal needs of a disk. A seam: tests pass a disk that fails on the n-th call, or one that loses what was
 * not synced. Everything is synchronous, since a shard's thread has nothing else to do while its journal commits, and
 * throws a `NodeJS.ErrnoException` when it fails.
 */

/**
 * `read` and `write` need an existing file; `create` one that does not exist yet, and may read it as well; so does `secret`,
 * for a file that nobody but this user may read.
 */
export type OpenMode = "read" | "write" | "create" | "secret";

export interface Disk {
  open(path: string, mode: OpenMode): DiskFile;
  /** Takes the place of `to` if that exists. Not durable before its directory is synced. */
  rename(from: string, to: string): void;
  /** Removes a file. */
  remove(path: string): void;
  /** The names in a directory, in no order. */
  list(directory: string): string[];
  /** Makes a directory and its missing parents; no error if it exists. The parents are durable then. */
  makeDirectory(path: string): void;
  /** Removes a directory with everything in it; no error if there is none. */
  removeDirectory(path: string): void;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): void;
}

export interface DiskFile {
  /** Current size in bytes. */
  readonly size: number;
  /**
   * Reads from byte `at` of the file into `into[start]`. Returns the bytes read: fewer than `length` at the file's end.
   */
  read(into: Uint8Array, start: number, length: number, at: number): number;
  /** Writes `from[start, start + length)` to byte `at` of the file. Returns the bytes written: may be fewer. */
  write(from: Uint8Array, start: number, length: number, at: number): number;
  /** Makes the bytes durable, and the size as far as it is needed to read them (fdatasync). */
  sync(): void;
  truncate(size: number): void;
  close(): void;
}
