/** What a subscriber of a proxy has not taken yet, within the bounds that a broker has for it. */
import { Fifo } from "../collections/fifo.js";
import { BACKLOG_BYTES, BACKLOG_MESSAGES } from "../protocol/limits.js";
import type { Overflow } from "../protocol/subscribe-options.js";

/** What it does when it is full. A proxy knows no keys, so to `conflate` all messages have the same. */
export type ProxyOverflow = Exclude<Overflow, "block">;

export interface Waiting {
  /** An entry of docs/protocol.md: shared by all subscribers, not to be written to. */
  readonly entry: Uint8Array;
  /** Messages lost right before it. */
  readonly lost: number;
}

export class Backlog {
  readonly #overflow: ProxyOverflow;
  readonly #waiting = new Fifo<Waiting>();
  #bytes = 0;
  /** That the next message has to tell of. */
  #lost = 0;
  /** The same of those dropped at the front, for the one that is first now. */
  #carried = 0;

  constructor(overflow: ProxyOverflow) {
    this.#overflow = overflow;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** False: the subscriber is to be disconnected. */
  push(entry: Uint8Array): boolean {
    if (this.#overflow === "conflate") this.#conflate();
    if (this.#isFull(entry)) {
      if (this.#overflow === "disconnect") return false;
      if (this.#overflow === "drop-newest") {
        this.#lost++;
        return true;
      }
      while (this.#isFull(entry)) this.#dropOldest();
    }
    this.#waiting.push({ entry, lost: this.#lost });
    this.#lost = 0;
    this.#bytes += entry.length;
    return true;
  }

  /** Messages that have not come. */
  lose(count: number): void {
    this.#lost += count;
  }

  shift(): Waiting | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    this.#bytes -= next.entry.length;
    if (this.#carried === 0) return next;
    const lost = next.lost + this.#carried;
    this.#carried = 0;
    return { entry: next.entry, lost };
  }

  clear(): void {
    this.#waiting.clear();
    this.#bytes = 0;
  }

  /** What is displaced by a newer message is not lost; what was lost before it is. */
  #conflate(): void {
    for (let next = this.shift(); next !== undefined; next = this.shift()) this.#lost += next.lost;
  }

  #dropOldest(): void {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) return;
    this.#bytes -= oldest.entry.length;
    this.#carried += oldest.lost + 1;
  }

  /** A single message always has room. */
  #isFull(entry: Uint8Array): boolean {
    const { length } = this.#waiting;
    return length > 0 && (length >= BACKLOG_MESSAGES || this.#bytes + entry.length > BACKLOG_BYTES);
  }
}
