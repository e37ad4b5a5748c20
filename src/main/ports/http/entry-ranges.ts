/** Entries (docs/protocol.md, Payloads) that lie in several places of the same bytes: what a client is sent at once. */
import { copyBytes } from "../../../channel/copy-bytes.js";
import { eachEntry } from "../../native/answer-reading.js";

export class EntryRanges {
  /** Undefined: there are none. */
  bytes: Uint8Array | undefined;
  #view: DataView | undefined;
  readonly #ends: number[] = [];

  /** Adds those in [start, end). False: they are of other bytes than those that are here already. */
  add(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    if (this.bytes !== undefined && this.bytes !== bytes) return false;
    this.bytes = bytes;
    this.#view = view;
    this.#ends.push(start, end);
    return true;
  }

  /** Calls back with where each body lies. */
  each(onBody: (start: number, end: number) => void): void {
    const view = this.#view;
    if (view === undefined) return;
    for (let i = 0; i < this.#ends.length; i += 2) eachEntry(view, this.#ends[i] ?? 0, this.#ends[i + 1] ?? 0, onBody);
  }

  clear(): void {
    this.bytes = undefined;
    this.#view = undefined;
    this.#ends.length = 0;
  }

  /** All bodies, one behind the other, in bytes of their own. */
  bodies(): Buffer {
    const source = this.bytes;
    if (source === undefined) return Buffer.alloc(0);
    let size = 0;
    this.each((start, end) => {
      size += end - start;
    });
    const bodies = Buffer.allocUnsafe(size);
    let at = 0;
    this.each((start, end) => {
      copyBytes(bodies, at, source, start, end);
      at += end - start;
    });
    return bodies;
  }
}
