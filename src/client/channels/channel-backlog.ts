/**
 * The received messages of a subscription that are not read yet. It keeps as many as the broker does for a subscriber.
 */
import { Fifo } from "../../collections/fifo.js";
import { compactCopy } from "../messages/compact-copy.js";
import { type Arrival, nextEntry } from "../messages/content.js";
import { ChannelMessage } from "./channel-message.js";

/** The limits that docs/protocol.md gives for the broker. */
const MAX_MESSAGES = 8192;
const MAX_BYTES = 4 * 1024 * 1024;

/** The unread entries of one frame. */
interface FrameRest {
  readonly arrival: Arrival;
  at: number;
  left: number;
  /** Messages lost right before its next one. */
  lost: number;
}

export class ChannelBacklog {
  readonly #frames = new Fifo<FrameRest>();
  #messages = 0;
  #bytes = 0;
  /** Messages lost after the last one in it. */
  #lostLast = 0;

  /** Messages in it. */
  get size(): number {
    return this.#messages;
  }

  /** Adds the `count` entries [start, end). Returns how many messages it dropped for them, the oldest first. */
  push(arrival: Arrival, start: number, end: number, count: number): number {
    const own = compactCopy(arrival.bytes, start, end, this.#frames.length);
    const from = own === undefined ? arrival : { bytes: own, view: new DataView(own.buffer) };
    this.#frames.push({ arrival: from, at: own === undefined ? start : 0, left: count, lost: this.#lostLast });
    this.#lostLast = 0;
    this.#messages += count;
    this.#bytes += end - start;
    let dropped = 0;
    // One message is kept however large it is.
    while ((this.#messages > MAX_MESSAGES || this.#bytes > MAX_BYTES) && this.#messages > 1) {
      const frame = this.#take();
      if (frame === undefined) break;
      dropped++;
      this.#addLost(frame.lost + 1);
    }
    return dropped;
  }

  /** Messages were lost after the last one in it. */
  lose(count: number): void {
    this.#lostLast += count;
  }

  /** The next message, or undefined. */
  shift(channel: string): ChannelMessage | undefined {
    const taken = this.#take();
    return taken && new ChannelMessage(channel, taken.arrival, taken.at, taken.lost);
  }

  clear(): void {
    this.#frames.clear();
    this.#messages = 0;
    this.#bytes = 0;
  }

  /** Removes the oldest message. */
  #take(): { readonly arrival: Arrival; readonly at: number; readonly lost: number } | undefined {
    const frame = this.#frames.at(0);
    if (frame === undefined) return undefined;
    const { arrival, at, lost } = frame;
    frame.at = nextEntry(arrival.view, at);
    frame.lost = 0;
    frame.left--;
    this.#messages--;
    this.#bytes -= frame.at - at;
    if (frame.left === 0) this.#frames.shift();
    return { arrival, at, lost };
  }

  /** Counts messages as lost right before the oldest one that is left. */
  #addLost(count: number): void {
    const frame = this.#frames.at(0);
    if (frame === undefined) this.#lostLast += count;
    else frame.lost += count;
  }
}
