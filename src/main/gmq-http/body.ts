/**
 * Collects the body of a request. Nearly every body comes in one chunk, which is handed on where it lies; a longer one
 * is gathered. What all requests gather at once is bounded as well as each of them, so that many connections cannot
 * fill the memory with bodies that never end.
 */
import type { HttpResponse } from "uWebSockets.js";
import type { Exchange } from "./exchange.js";

/** Bytes that all requests may gather at once: five largest bodies. */
const MAX_GATHERED_BYTES = 256 * 1024 * 1024;

/** A body that is refused is read on this far, so that a client that reads only after it has written sees why. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

const FIRST_CAPACITY = 64 * 1024;

export type BodyFault = "too large" | "busy";

let held = 0;

/** Bytes held for bodies that are not whole yet, by all requests. */
export const heldBytes = (): number => held;

/** A body that comes in parts: what of it has arrived, or why it is refused. */
export class GatheredBody {
  #bytes = new Uint8Array(0);
  #size = 0;
  #fault: BodyFault | undefined;

  constructor(readonly limit: number) {}

  /** Bytes that have arrived, kept or not. */
  get size(): number {
    return this.#size;
  }

  get fault(): BodyFault | undefined {
    return this.#fault;
  }

  append(chunk: Uint8Array): void {
    const end = this.#size + chunk.length;
    if (this.#fault === undefined && this.#reserve(end)) this.#bytes.set(chunk, this.#size);
    this.#size = end;
  }

  /** The body, once it is whole and not refused. */
  bytes(): Buffer {
    return Buffer.from(this.#bytes.buffer, 0, this.#size);
  }

  /** Gives the memory back. */
  release(): void {
    held -= this.#bytes.length;
    this.#bytes = new Uint8Array(0);
  }

  /** Doubles with what has really arrived: no length that a client announces is believed. */
  #reserve(need: number): boolean {
    if (need <= this.#bytes.length) return true;
    const capacity = Math.min(this.limit, Math.max(FIRST_CAPACITY, this.#bytes.length * 2, need));
    if (need > this.limit) return this.#refuse("too large");
    if (held - this.#bytes.length + capacity > MAX_GATHERED_BYTES) return this.#refuse("busy");
    const grown = new Uint8Array(capacity);
    grown.set(this.#bytes);
    held += capacity - this.#bytes.length;
    this.#bytes = grown;
    return true;
  }

  #refuse(fault: BodyFault): false {
    this.#fault = fault;
    this.release();
    return false;
  }
}

/**
 * Hands the whole body to `onBody`, which may use it until it returns; or says to `onFault` why it is refused. Neither
 * is called for a client that goes first.
 *
 * @param limit the largest body, in bytes
 */
export const collectBody = (
  response: HttpResponse,
  exchange: Exchange,
  limit: number,
  onBody: (body: Buffer) => void,
  onFault: (fault: BodyFault) => void,
): void => {
  let gathered: GatheredBody | undefined;
  response.onData((chunk, isLast) => {
    if (!exchange.open) return;
    const bytes = Buffer.from(chunk);
    if (isLast && gathered === undefined && bytes.length <= limit) {
      onBody(bytes);
      return;
    }
    if (gathered === undefined) {
      const created = new GatheredBody(limit);
      exchange.onGone(() => created.release());
      gathered = created;
    }
    gathered.append(bytes);
    if (!isLast) {
      if (gathered.size > limit + MAX_DISCARDED_BYTES) exchange.abort();
      return;
    }
    if (gathered.fault !== undefined) onFault(gathered.fault);
    else onBody(gathered.bytes());
    gathered.release();
  });
};
