/**
 * Cuts a stream of gmq's responses into whole ones. Both of its TCP protocols begin a response with a type of 16 bits and
 * the length of its data; the first generation's length has 16 bits, that of the later ones 32. A response that one read
 * holds whole is passed on in place; only one that spans reads is copied.
 */

import { Carry } from "../carry.js";

/** Takes a response whose data is [start, end), during the call. */
export type OnResponse = (type: number, bytes: Uint8Array, start: number, end: number) => void;

const TYPE_BYTES = 2;
/** Bodies of a benchmark are far smaller. */
const MAX_DATA_BYTES = 16 * 1024 * 1024;

export class ResponseScanner {
  readonly #headBytes: number;
  readonly #carry = new Carry();

  constructor(
    private readonly lengthBytes: 2 | 4,
    private readonly onResponse: OnResponse,
  ) {
    this.#headBytes = TYPE_BYTES + lengthBytes;
  }

  push(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const head = this.#headBytes;
    let at = this.#carry.length > 0 ? this.#complete(bytes, start, end) : start;
    while (end - at >= head) {
      const data = at + head;
      const next = data + this.#dataBytes(view, at);
      if (next > end) break;
      this.onResponse(view.getUint16(at), bytes, data, next);
      at = next;
    }
    if (at < end) this.#carry.append(bytes, at, end);
  }

  /** Adds to the response in the carry what belongs to it, and passes it on when it is whole. */
  #complete(bytes: Uint8Array, start: number, end: number): number {
    const carry = this.#carry;
    const head = this.#headBytes;
    let at = start;
    if (carry.length < head) at = carry.fill(head, bytes, at, end);
    if (carry.length < head) return at;
    const size = head + this.#dataBytes(carry.view, 0);
    at = carry.fill(size, bytes, at, end);
    if (carry.length === size) {
      carry.length = 0;
      this.onResponse(carry.view.getUint16(0), carry.bytes, head, size);
    }
    return at;
  }

  #dataBytes(view: DataView, at: number): number {
    const length = this.lengthBytes === 4 ? view.getUint32(at + TYPE_BYTES) : view.getUint16(at + TYPE_BYTES);
    if (length > MAX_DATA_BYTES) throw new Error(`a response of ${length} bytes`);
    return length;
  }
}
