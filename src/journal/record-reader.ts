/**
 * Recognises whole records by their length, type and checksum. Whatever the bytes are, it reads none outside the bounds
 * it is given.
 */
import * as record from "../shard/log/record.js";
import type { Checksum } from "./checksum.js";

/** More than the longest record: bounds what is read into memory for one, together with the size of its file. */
const MAX_RECORD_BYTES = 2 ** 30;

const TYPES: ReadonlySet<number> = new Set(Object.values(record.RecordType));

export class RecordReader {
  /** Why the last record checked is not whole. */
  fault = "";
  readonly #checksum: Checksum;

  constructor(checksum: Checksum) {
    this.#checksum = checksum;
  }

  /**
   * The length of the record at `at`, or 0 if there is none. `view` must have at least `MIN_BYTES` from `at` on; the
   * record may be longer than `view`.
   */
  lengthAt(view: DataView, at: number): number {
    const length = view.getUint32(at + record.LENGTH);
    const type = view.getUint8(at + record.TYPE);
    if (length === 0) return this.#broken("there is no record");
    if (length < record.MIN_BYTES || length > MAX_RECORD_BYTES) {
      return this.#broken(`${length} is not the length of a record`);
    }
    return TYPES.has(type) ? length : this.#broken(`${type} is not the type of a record`);
  }

  /** Whether the record [at, at + length), which begins at `offset` of its segment, has its checksum. */
  isWhole(view: DataView, at: number, length: number, sequence: number, offset: number): boolean {
    const seed = record.checksumSeed(sequence, offset);
    const sum = this.#checksum(view, at + record.TYPE, at + length, seed);
    if (sum === view.getUint32(at + record.CHECKSUM)) return true;
    this.#broken("the checksum of the record is wrong");
    return false;
  }

  #broken(fault: string): 0 {
    this.fault = fault;
    return 0;
  }
}
