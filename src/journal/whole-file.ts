/** Reads and writes in full, where a system call may do less. */
import type { Disk, DiskFile } from "./disk.js";
import { TEMPORARY_SUFFIX } from "./layout.js";
import { join } from "./paths.js";

/** Returns the bytes read: fewer than `length` only at the end of the file. */
export const readFully = (file: DiskFile, into: Uint8Array, length: number, at: number): number => {
  let done = 0;
  while (done < length) {
    const read = file.read(into, done, length - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return done;
};

/** Writes all of it or throws. */
export const writeFully = (file: DiskFile, from: Uint8Array, start: number, length: number, at: number): void => {
  let done = 0;
  while (done < length) {
    const written = file.write(from, start + done, length - done, at + done);
    if (written <= 0) throw Object.assign(new Error("the disk takes no more bytes"), { code: "EIO" });
    done += written;
  }
};

/** The contents of a small file. Undefined: it has more than `limit` bytes. */
export const readSmallFile = (disk: Disk, path: string, limit: number): Uint8Array | undefined => {
  const file = disk.open(path, "read");
  try {
    const { size } = file;
    if (size > limit) return undefined;
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, readFully(file, bytes, size, 0));
  } finally {
    file.close();
  }
};

/** Replaces `directory/name` atomically: after a crash it has either its old contents or the new ones. */
export const replaceFile = (
  disk: Disk,
  directory: string,
  name: string,
  bytes: Uint8Array,
  mode: "create" | "secret" = "create",
): void => {
  const path = join(directory, name);
  const temporary = path + TEMPORARY_SUFFIX;
  if (disk.list(directory).includes(name + TEMPORARY_SUFFIX)) disk.remove(temporary);
  const file = disk.open(temporary, mode);
  try {
    writeFully(file, bytes, 0, bytes.length, 0);
    file.sync();
  } finally {
    file.close();
  }
  disk.rename(temporary, path);
  disk.syncDirectory(directory);
};
