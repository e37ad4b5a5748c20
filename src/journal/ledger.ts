/**
 * The ledger of a shard's segments: from which one on they are needed, the last one that has records on disk, and how many
 * of its bytes. It tells what is missing from what never was. Without it, a journal whose last segment is gone looks like
 * one that ended earlier, and bytes that the last commit had confirmed look like a write that was torn.
 *
 * The file `segments.ledger` has two slots, in blocks of their own:
 *
 * ```
 *  0        4          8        12       16       20     24         32         40
 *  +--------+----------+--------+--------+--------+------+----------+----------+
 *  | magic  | checksum | shard  | first  | last   | 0    | bytes    | count    |
 *  | u32    | u32      | u32    | u32    | u32    | u32  | f64      | f64      |
 *  +--------+----------+--------+--------+--------+------+----------+----------+
 * ```
 *
 * Big-endian; `checksum` is XXH32 of the bytes from 8 on. Each write goes to the slot that does not hold the current entry,
 * and counts one more: after a crash the file has the entry before it or the one that was being written. Both must be
 * true then, so what an entry says to be there is durable before the entry is written, and what it says to be obsolete is
 * removed after that. The file never grows: it can be written on a full disk.
 */
import { xxh32 } from "./checksum.js";
import { DamageError } from "./damage-error.js";
import type { Disk, DiskFile } from "./disk.js";
import { isDiskFault, synced } from "./disk-fault.js";
import { LEDGER } from "./layout.js";
import { join } from "./paths.js";
import { readFully, replaceFile, writeFully } from "./whole-file.js";

export interface LedgerEntry {
  /** Segments before this one are obsolete. 0: not known, until the first start of what an older version has left. */
  readonly first: number;
  /** The last segment of which records are known to be on disk; 0: none. */
  readonly last: number;
  /** How many of its bytes are. */
  readonly bytes: number;
}

/**
 * What is wrong with a segment whose whole records end at `end`, as the ledger knows it. `fault`: what is wrong there, if
 * anything. Undefined: the ledger knows of nothing behind it.
 */
export const faultByLedger = (
  { last, bytes }: LedgerEntry,
  sequence: number,
  end: number,
  fault: string,
): string | undefined =>
  sequence === last && end < bytes
    ? `${fault === "" ? "it ends there" : fault}, and the ledger says that its first ${bytes} bytes were on disk`
    : undefined;

/** Of a shard that has no segment yet. */
export const NO_SEGMENTS: LedgerEntry = { first: 1, last: 0, bytes: 0 };

/** Of segments that were written without a ledger: the next start believes what it finds. */
export const NOT_KNOWN: LedgerEntry = { first: 0, last: 0, bytes: 0 };

/** "RMQL" */
const MAGIC_WORD = 0x524d_514c;

const MAGIC = 0;
const CHECKSUM = 4;
const SHARD = 8;
const FIRST = 12;
const LAST = 16;
const BYTES = 24;
const COUNT = 32;
const ENTRY_BYTES = 40;

/** A block of usual file systems and disks: a torn write of one slot leaves the other alone. */
const SLOT_BYTES = 4096;
const SLOTS = 2;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const encode = (into: Uint8Array, at: number, shard: number, count: number, entry: LedgerEntry): void => {
  const view = viewOf(into);
  view.setUint32(at + MAGIC, MAGIC_WORD);
  view.setUint32(at + SHARD, shard);
  view.setFloat64(at + COUNT, count);
  view.setUint32(at + FIRST, entry.first);
  view.setUint32(at + LAST, entry.last);
  view.setFloat64(at + BYTES, entry.bytes);
  view.setUint32(at + CHECKSUM, xxh32(view, at + SHARD, at + ENTRY_BYTES, 0));
};

interface Current extends LedgerEntry {
  readonly shard: number;
  readonly count: number;
}

/** The newest whole entry. */
const current = (file: DiskFile): Current | undefined => {
  const bytes = new Uint8Array(SLOTS * SLOT_BYTES);
  if (readFully(file, bytes, bytes.length, 0) < bytes.length) return undefined;
  const view = viewOf(bytes);
  let newest: Current | undefined;
  for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
    if (view.getUint32(at + MAGIC) !== MAGIC_WORD) continue;
    if (view.getUint32(at + CHECKSUM) !== xxh32(view, at + SHARD, at + ENTRY_BYTES, 0)) continue;
    const count = view.getFloat64(at + COUNT);
    if (newest !== undefined && newest.count > count) continue;
    const [first, last, length] = [view.getUint32(at + FIRST), view.getUint32(at + LAST), view.getFloat64(at + BYTES)];
    newest = { shard: view.getUint32(at + SHARD), count, first, last, bytes: length };
  }
  return newest;
};

/** Makes the ledger of a shard, or replaces it, durably. */
export const makeLedger = (disk: Disk, directory: string, shard: number, entry: LedgerEntry): void => {
  const bytes = new Uint8Array(SLOTS * SLOT_BYTES);
  encode(bytes, 0, shard, 0, entry);
  replaceFile(disk, directory, LEDGER, bytes);
};

/**
 * Reads the ledger of a shard (undefined: of any). Throws a `DamageError` when it is missing, has no whole entry or is of
 * another shard.
 */
export const readLedger = (disk: Disk, directory: string, shard: number | undefined): LedgerEntry => {
  const ledger = Ledger.open(disk, directory, shard, "read");
  ledger.close();
  return ledger.entry;
};

export class Ledger {
  readonly #file: DiskFile;
  readonly #shard: number;
  readonly #slot = new Uint8Array(ENTRY_BYTES);
  #count: number;
  #entry: LedgerEntry;

  private constructor(file: DiskFile, { shard, count, first, last, bytes }: Current) {
    this.#file = file;
    this.#shard = shard;
    this.#count = count;
    this.#entry = { first, last, bytes };
  }

  /** See `readLedger`. */
  static open(disk: Disk, directory: string, shard?: number, mode: "read" | "write" = "write"): Ledger {
    const path = join(directory, LEDGER);
    const file = openFile(disk, path, mode);
    const found = current(file);
    if (found !== undefined && (shard === undefined || found.shard === shard)) return new Ledger(file, found);
    file.close();
    if (found === undefined) throw new DamageError(path, 0, "it has no whole entry");
    throw new DamageError(path, SHARD, `it belongs to shard ${found.shard}, not to shard ${shard}`);
  }

  get entry(): LedgerEntry {
    return this.#entry;
  }

  /** Throws disk faults. The entry before stands until the new one is durable. What it says already costs nothing. */
  write(entry: LedgerEntry): void {
    const { first, last, bytes } = this.#entry;
    if (entry.first === first && entry.last === last && entry.bytes === bytes) return;
    this.#put(this.#count + 1, entry);
    this.#count++;
    this.#entry = entry;
  }

  /**
   * Writes the current entry once more, to its own slot. After a failed sync it may be in the page cache alone, and marked
   * clean there: the next write, to the other slot, would be the only whole one.
   */
  rewrite(): void {
    this.#put(this.#count, this.#entry);
  }

  close(): void {
    this.#file.close();
  }

  #put(count: number, entry: LedgerEntry): void {
    encode(this.#slot, 0, this.#shard, count, entry);
    writeFully(this.#file, this.#slot, 0, ENTRY_BYTES, (count % SLOTS) * SLOT_BYTES);
    synced(() => this.#file.sync());
  }
}

const openFile = (disk: Disk, path: string, mode: "read" | "write"): DiskFile => {
  try {
    return disk.open(path, mode);
  } catch (error) {
    if (isDiskFault(error) && error.code === "ENOENT") throw new DamageError(path, 0, "the file is missing");
    throw error;
  }
};
