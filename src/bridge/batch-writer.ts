/** Gathers records and posts them together: a message of a port costs as much as copying 100 KiB. */
import { KIND, LANE, RECORD_BYTES, RecordKind, SIZE } from "./record.js";

/** A batch is posted when it has this many bytes. More in one message is no cheaper. */
const FULL_BYTES = 256 * 1024;
const MIN_BYTES = 4 * 1024;

/** Posts a batch, which is the receiver's from then on. */
export type Post = (batch: Uint8Array<ArrayBuffer>) => void;

export class BatchWriter {
  readonly #post: Post;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #view = new DataView(new ArrayBuffer(0));
  #end = 0;
  /** Of the next buffer: what the last batch took, as a power of two. */
  #size = MIN_BYTES;

  constructor(post: Post) {
    this.#post = post;
  }

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  /** Adds a record with bytes, which are copied. */
  add(lane: number, kind: number, source: Uint8Array): void {
    const bytes = this.#begin(lane, kind, source.length, source.length);
    bytes.set(source, this.#end);
    this.#end += source.length;
    if (this.#end >= FULL_BYTES) this.flush();
  }

  /** Adds a record that has a number and no bytes. */
  note(lane: number, kind: number, number = 0): void {
    this.#begin(lane, kind, number, 0);
  }

  flush(): void {
    const bytes = this.#bytes;
    if (bytes === undefined) return;
    const end = this.#end;
    this.#bytes = undefined;
    this.#end = 0;
    this.#size = Math.min(FULL_BYTES, Math.max(MIN_BYTES, 2 ** Math.ceil(Math.log2(end))));
    this.#post(bytes.subarray(0, end));
  }

  /** Writes a record's numbers and makes room for its bytes, which go to `#end`. */
  #begin(lane: number, kind: number, size: number, bytes: number): Uint8Array {
    const target = this.#reserve(RECORD_BYTES + bytes);
    const at = this.#end;
    this.#view.setUint32(at + LANE, lane);
    this.#view.setUint32(at + KIND, kind);
    this.#view.setUint32(at + SIZE, size);
    this.#end = at + RECORD_BYTES;
    return target;
  }

  #reserve(bytes: number): Uint8Array {
    if (this.#bytes !== undefined && this.#bytes.length - this.#end >= bytes) return this.#bytes;
    const needed = this.#end + bytes;
    const grown = new Uint8Array(Math.max(this.#size, needed, Math.min(2 * this.#end, FULL_BYTES + RECORD_BYTES)));
    if (this.#bytes !== undefined) grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
    return grown;
  }
}

/** Takes the records of a batch. */
export type TakeRecord = (lane: number, kind: number, size: number, bytes: Uint8Array) => void;

const NO_BYTES = new Uint8Array(0);

const hasBytes = (kind: number): boolean => kind === RecordKind.OPEN || kind === RecordKind.DATA;

/** Reads a batch. The bytes are views of it, and the taker's. */
export const readBatch = (batch: Uint8Array, take: TakeRecord): void => {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  for (let at = 0; at < batch.length; ) {
    const lane = view.getUint32(at + LANE);
    const kind = view.getUint32(at + KIND);
    const size = view.getUint32(at + SIZE);
    at += RECORD_BYTES;
    const bytes = hasBytes(kind) ? size : 0;
    take(lane, kind, size, bytes > 0 ? batch.subarray(at, at + bytes) : NO_BYTES);
    at += bytes;
  }
};
