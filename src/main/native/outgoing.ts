/**
 * What a connection is to be sent: answers are gathered and written at once, since a socket write for each would cost
 * half of the throughput.
 */
import { allocate } from "../../channel/buffers.js";
import { copyBytes } from "../../channel/copy-bytes.js";
import { OUTPUT_BYTES, type OutputPool } from "./output-pool.js";
import type { Transport } from "./transport.js";

export class Outgoing {
  readonly #transport: Transport;
  readonly #pool: OutputPool;
  #buffer: Buffer | undefined;
  #written = 0;
  #end = 0;

  constructor(transport: Transport, pool: OutputPool) {
    this.#transport = transport;
    this.#pool = pool;
  }

  /** Bytes gathered and not written. */
  get gathered(): number {
    return this.#end;
  }

  /** Bytes that were given to the transport so far. */
  get written(): number {
    return this.#written;
  }

  /** Gathers whole frames: [start, end) of `bytes`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > OUTPUT_BYTES - this.#end) {
      this.flush();
      if (end - start > OUTPUT_BYTES) return this.#appendLarge(bytes, start, end);
    }
    this.#buffer ??= this.#pool.take();
    copyBytes(this.#buffer, this.#end, bytes, start, end);
    this.#end += end - start;
  }

  /** Gathers one frame, which begins with all of `head` and ends with [start, end) of `bytes`. */
  appendFrame(head: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    const length = head.length + end - start;
    if (length <= OUTPUT_BYTES || !this.#transport.framed) {
      if (length > OUTPUT_BYTES - this.#end) this.flush();
      this.append(head, 0, head.length);
      return this.append(bytes, start, end);
    }
    this.flush();
    const whole = allocate(length);
    copyBytes(whole, 0, head, 0, head.length);
    copyBytes(whole, head.length, bytes, start, end);
    this.#write(whole);
  }

  /** Writes what is gathered. */
  flush(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    const bytes = this.#end === OUTPUT_BYTES ? buffer : buffer.subarray(0, this.#end);
    this.#buffer = undefined;
    this.#end = 0;
    if (this.#write(bytes)) this.#pool.give(buffer);
  }

  /** Writes bytes that others get too, behind what is gathered. False: the transport keeps the bytes. */
  writeShared(bytes: Buffer): boolean {
    this.flush();
    return this.#write(bytes);
  }

  /** Drops what is gathered. */
  discard(): void {
    if (this.#buffer !== undefined) this.#pool.give(this.#buffer);
    this.#buffer = undefined;
    this.#end = 0;
  }

  #write(bytes: Buffer): boolean {
    this.#written += bytes.length;
    return this.#transport.write(bytes);
  }

  /** In pieces that go through the cache, unless a frame must not be cut. */
  #appendLarge(bytes: Uint8Array, start: number, end: number): void {
    if (this.#transport.framed) {
      const whole = allocate(end - start);
      copyBytes(whole, 0, bytes, start, end);
      this.#write(whole);
      return;
    }
    for (let at = start; at < end; at += OUTPUT_BYTES) this.append(bytes, at, Math.min(at + OUTPUT_BYTES, end));
  }
}
