/**
 * The last message of each key of a channel, by when it was published: what subscribers get that conflate and are behind.
 * It begins with the first of them and ends with the last.
 */
import { Fifo } from "../../collections/fifo.js";
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { BACKLOG_BYTES, BACKLOG_MESSAGES } from "../../protocol/limits.js";

/** Memory that an entry takes beside its message. */
const LATEST_BYTES = 256;

export interface Latest {
  readonly key: string;
  readonly position: number;
  readonly entry: Uint8Array;
  /** Of a kept channel's message; 0: none. */
  readonly idHigh: number;
  readonly idLow: number;
  next: Latest | undefined;
  previous: Latest | undefined;
}

export class Conflation {
  /** Subscribers that read it. */
  readers = 0;
  readonly #latest = new Map<string, Latest>();
  #oldest: Latest | undefined;
  #newest: Latest | undefined;
  #entryBytes = 0;
  /** Positions of messages that were dropped for the limits, the last ones. */
  readonly #dropped = new Fifo<number>();

  get bytes(): number {
    return this.#entryBytes + this.#latest.size * LATEST_BYTES;
  }

  /** A batch was published: the last of its entries [start, end) is the latest of the key. `memory`: bytes that it may take. */
  add(
    key: string,
    first: number,
    count: number,
    view: DataView,
    start: number,
    end: number,
    high: number,
    low: number,
    memory: number,
  ): void {
    let at = start;
    for (let next = at; next < end; next += WORD_BYTES + (view.getUint32(next) & SIZE_MASK)) at = next;
    const known = this.#latest.get(key);
    if (known !== undefined) this.#remove(known);
    const entry = new Uint8Array(view.buffer, view.byteOffset + at, end - at).slice();
    const last = count - 1;
    const latest: Latest = {
      key,
      position: first + last,
      entry,
      idHigh: high,
      idLow: low === 0 && high === 0 ? 0 : low + last,
      next: undefined,
      previous: this.#newest,
    };
    if (this.#newest === undefined) this.#oldest = latest;
    else this.#newest.next = latest;
    this.#newest = latest;
    this.#latest.set(key, latest);
    this.#entryBytes += entry.length;
    const max = Math.max(0, Math.min(memory, BACKLOG_BYTES));
    while (this.#latest.size > BACKLOG_MESSAGES || this.#entryBytes > max) this.#dropOldest();
  }

  /** The first message from `position` on; the others are its `next`. */
  from(position: number): Latest | undefined {
    let found: Latest | undefined;
    for (let latest = this.#newest; latest !== undefined && latest.position >= position; latest = latest.previous) {
      found = latest;
    }
    return found;
  }

  /** How many messages from `position` on were dropped that no later one of their key has replaced, as far as is known. */
  lostFrom(position: number): number {
    let low = 0;
    let high = this.#dropped.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#dropped.at(middle) as number) < position) low = middle + 1;
      else high = middle;
    }
    return this.#dropped.length - low;
  }

  #dropOldest(): void {
    const oldest = this.#oldest;
    if (oldest === undefined) return;
    this.#remove(oldest);
    this.#dropped.push(oldest.position);
    if (this.#dropped.length > BACKLOG_MESSAGES) this.#dropped.shift();
  }

  #remove(latest: Latest): void {
    this.#latest.delete(latest.key);
    this.#entryBytes -= latest.entry.length;
    if (latest.previous === undefined) this.#oldest = latest.next;
    else latest.previous.next = latest.next;
    if (latest.next === undefined) this.#newest = latest.previous;
    else latest.next.previous = latest.previous;
  }
}
