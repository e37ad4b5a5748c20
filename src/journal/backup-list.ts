/**
 * The list of a backup's files, `backup.json`: each with its length and its SHA-256. `ringmq.json` has the SHA-256 of the
 * list, so a copy of a backup in which anything is missing, cut off or altered is known for what it is.
 *
 * The list holds as long as nobody has written to the directory: a broker that starts from a backup removes it.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DataDirectoryError } from "./damage-error.js";
import type { Disk } from "./disk.js";
import { BACKUP_LIST } from "./layout.js";
import { readFully, readSmallFile, replaceFile } from "./whole-file.js";

export interface ListedFile {
  /** Below the data directory, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** More than half a million segments. */
const MAX_BYTES = 64 * 1024 * 1024;

const READ_BYTES = 1024 * 1024;

/** Takes the bytes of a file in order. */
export class Sha256 {
  readonly #hash = createHash("sha256");

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  end(): string {
    return this.#hash.digest("hex");
  }
}

const sha256Of = (bytes: Uint8Array): string => {
  const hash = new Sha256();
  hash.add(bytes);
  return hash.end();
};

/** Writes the list durably. Returns its SHA-256, for the manifest. */
export const writeBackupList = (disk: Disk, data: string, files: readonly ListedFile[]): string => {
  const bytes = new TextEncoder().encode(`${JSON.stringify({ files }, undefined, 1)}\n`);
  replaceFile(disk, data, BACKUP_LIST, bytes);
  return sha256Of(bytes);
};

/** The list with this SHA-256. Throws a `DataDirectoryError` when it is missing or another one, and disk faults. */
export const readBackupList = (disk: Disk, data: string, sha256: string): readonly ListedFile[] => {
  if (!disk.list(data).includes(BACKUP_LIST)) throw incomplete(data, `its list of files, ${BACKUP_LIST}, is missing`);
  const bytes = readSmallFile(disk, join(data, BACKUP_LIST), MAX_BYTES);
  if (bytes === undefined || sha256Of(bytes) !== sha256) {
    throw incomplete(data, `${BACKUP_LIST} is not the list that was written with it`);
  }
  return (JSON.parse(new TextDecoder().decode(bytes)) as { files: ListedFile[] }).files;
};

export const incomplete = (data: string, why: string): DataDirectoryError =>
  new DataDirectoryError(`the backup ${data} is not whole: ${why}. Copy it again from where it was made`);

/**
 * What is wrong with a listed file; undefined: it is as it was listed. Without `onRead` only its length is looked at; with it
 * all of it is read, and `onRead` gets the bytes read since its last call.
 */
export const faultOfListed = (
  disk: Disk,
  data: string,
  { path, bytes, sha256 }: ListedFile,
  onRead?: (bytes: number) => void,
): string | undefined => {
  let file: ReturnType<Disk["open"]>;
  try {
    file = disk.open(join(data, path), "read");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "the backup has this file, and it is missing here";
    throw error;
  }
  try {
    if (file.size !== bytes) return `it has ${file.size} bytes here, and ${bytes} in the backup`;
    if (onRead === undefined) return undefined;
    const hash = new Sha256();
    const memory = new Uint8Array(Math.min(READ_BYTES, bytes));
    for (let at = 0; at < bytes; at += memory.length) {
      const read = readFully(file, memory, Math.min(memory.length, bytes - at), at);
      hash.add(memory.subarray(0, read));
      onRead(read);
    }
    return hash.end() === sha256 ? undefined : "it is not as it was backed up: its SHA-256 is another one";
  } finally {
    file.close();
  }
};
