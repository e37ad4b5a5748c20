/**
 * What a subscription has been sent and not yet read: as much as the broker itself would keep for it, and no more.
 */
import { Fifo } from "../../collections/fifo.js";
import { frugalCopy } from "../messages/compact-copy.js";
import { type Arrival, nextEntry } from "../messages/content.js";
import { ChannelMessage } from "./channel-message.js";

/** As docs/protocol.md has it for the broker's side. */
const MAX_MESSAGES = 8192;
const MAX_BYTES = 4 * 1024 * 1024;

/** The entries of one frame, as far as they are not read. */
interface Piece {
  readonly arrival: Arrival;
  at: number;
  left: number;
  /** Messages lost right before the next one of this piece. */
  lost: number;
}

export class ChannelBacklog {
  readonly #pieces = new Fifo<Piece>();
  #messages = 0;
  #bytes = 0;
  /** Messages lost after all that is here. */
  #lostLast = 0;

  /** Messages in it. */
  get size(): number {
    return this.#messages;
  }

  /** Adds the `count` entries [start, end). Answers how many messages had to be dropped for them, the oldest first. */
  push(arrival: Arrival, start: number, end: number, count: number): number {
    const own = frugalCopy(arrival.bytes, start, end, this.#pieces.length);
    const from = own === undefined ? arrival : { bytes: own, view: new DataView(own.buffer) };
    this.#pieces.push({ arrival: from, at: own === undefined ? start : 0, left: count, lost: this.#lostLast });
    this.#lostLast = 0;
    this.#messages += count;
    this.#bytes += end - start;
    let dropped = 0;
    // A message that alone is larger than the backlog is kept.
    while ((this.#messages > MAX_MESSAGES || this.#bytes > MAX_BYTES) && this.#messages > 1) {
      const piece = this.#take();
      if (piece === undefined) break;
      dropped++;
      this.#losing(piece.lost + 1);
    }
    return dropped;
  }

  /** Messages were lost on the way, after all that is here. */
  lose(count: number): void {
    this.#lostLast += count;
  }

  /** The next message, or undefined. */
  shift(channel: string): ChannelMessage | undefined {
    const taken = this.#take();
    return taken && new ChannelMessage(channel, taken.arrival, taken.at, taken.lost);
  }

  clear(): void {
    this.#pieces.clear();
    this.#messages = 0;
    this.#bytes = 0;
  }

  /** Takes the oldest message off. */
  #take(): { readonly arrival: Arrival; readonly at: number; readonly lost: number } | undefined {
    const piece = this.#pieces.at(0);
    if (piece === undefined) return undefined;
    const { arrival, at, lost } = piece;
    piece.at = nextEntry(arrival.view, at);
    piece.lost = 0;
    piece.left--;
    this.#messages--;
    this.#bytes -= piece.at - at;
    if (piece.left === 0) this.#pieces.shift();
    return { arrival, at, lost };
  }

  /** The message that is the oldest now comes after so many lost ones. */
  #losing(count: number): void {
    const piece = this.#pieces.at(0);
    if (piece === undefined) this.#lostLast += count;
    else piece.lost += count;
  }
}
