/**
 * The received messages of a subscription that are not read yet. Without a credit it keeps as many as the broker does for
 * a subscriber; with one the broker sends no more than there is room for.
 */
import { Fifo } from "../../collections/fifo.js";
import { BACKLOG_BYTES, BACKLOG_MESSAGES } from "../../protocol/limits.js";
import { compactCopy } from "../messages/compact-copy.js";
import { nextEntry } from "../messages/content.js";
import { type ChannelArrival, ChannelMessage } from "./channel-message.js";

/** The unread entries of one frame. */
interface FrameRest {
  readonly arrival: ChannelArrival;
  /** Messages of it that have been taken. */
  index: number;
  at: number;
  left: number;
  /** Messages lost right before its next one. */
  lost: number;
}

/** A message that has been taken. */
interface Taken extends Pick<FrameRest, "arrival" | "index" | "at" | "lost"> {
  readonly bytes: number;
}

export class ChannelBacklog {
  readonly #frames = new Fifo<FrameRest>();
  readonly #isBounded: boolean;
  #messages = 0;
  #bytes = 0;
  /** Messages lost after the last one in it. */
  #lostLast = 0;

  /** `isBounded`: it drops the oldest messages when there are too many. */
  constructor(isBounded: boolean) {
    this.#isBounded = isBounded;
  }

  /** Messages in it. */
  get size(): number {
    return this.#messages;
  }

  /** Where its oldest message is from. */
  get oldest(): { readonly epoch: string | undefined; readonly position: number } | undefined {
    const frame = this.#frames.at(0);
    return frame && { epoch: frame.arrival.epoch, position: frame.arrival.position + frame.index };
  }

  /** Adds the `count` entries [start, end). Returns how many messages it dropped for them, the oldest first. */
  push(arrival: ChannelArrival, start: number, end: number, count: number): number {
    const own = compactCopy(arrival.bytes, start, end, this.#frames.length);
    const from = own === undefined ? arrival : { ...arrival, bytes: own, view: new DataView(own.buffer) };
    const at = own === undefined ? start : 0;
    this.#frames.push({ arrival: from, index: 0, at, left: count, lost: this.#lostLast });
    this.#lostLast = 0;
    this.#messages += count;
    this.#bytes += end - start;
    return this.#isBounded ? this.#dropOldest() : 0;
  }

  /** Messages were lost after the last one in it. */
  lose(count: number): void {
    this.#lostLast += count;
  }

  /** The next message and its bytes, or undefined. */
  shift(): { readonly message: ChannelMessage; readonly bytes: number } | undefined {
    const taken = this.#take();
    if (taken === undefined) return undefined;
    const { arrival, index, at, lost, bytes } = taken;
    return { message: new ChannelMessage(arrival, index, at, lost), bytes };
  }

  clear(): void {
    this.#frames.clear();
    this.#messages = 0;
    this.#bytes = 0;
  }

  #dropOldest(): number {
    let dropped = 0;
    // One message is kept however large it is.
    while ((this.#messages > BACKLOG_MESSAGES || this.#bytes > BACKLOG_BYTES) && this.#messages > 1) {
      const frame = this.#take();
      if (frame === undefined) break;
      dropped++;
      this.#addLost(frame.lost + 1);
    }
    return dropped;
  }

  /** Removes the oldest message. */
  #take(): Taken | undefined {
    const frame = this.#frames.at(0);
    if (frame === undefined) return undefined;
    const { arrival, index, at, lost } = frame;
    frame.at = nextEntry(arrival.view, at);
    frame.index++;
    frame.lost = 0;
    frame.left--;
    const bytes = frame.at - at;
    this.#messages--;
    this.#bytes -= bytes;
    if (frame.left === 0) this.#frames.shift();
    return { arrival, index, at, lost, bytes };
  }

  /** Counts messages as lost right before the oldest one that is left. */
  #addLost(count: number): void {
    const frame = this.#frames.at(0);
    if (frame === undefined) this.#lostLast += count;
    else frame.lost += count;
  }
}
