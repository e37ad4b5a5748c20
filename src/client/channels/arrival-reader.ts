/**
 * Reads the heads of CHANNEL_MESSAGES: the channel, and the position and the id of the first message.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { HeadCursor, Kind } from "../../protocol/head-cursor.js";
import { readText } from "../../protocol/text.js";
import type { ChannelArrival } from "./channel-message.js";

const badFrame = (): ProtocolError => new ProtocolError("BAD_FRAME", "the messages of a channel without a name");

export class ArrivalReader {
  readonly #cursor = new HeadCursor();
  /** The bytes of the last name, and the name: consecutive frames are mostly of one channel. */
  #lastBytes = new Uint8Array(0);
  #lastName = "";

  /** Reads the head in [start, end), which tells no epoch. */
  read(bytes: Uint8Array, view: DataView, start: number, end: number): ChannelArrival {
    const cursor = this.#cursor;
    cursor.begin(view, start, end);
    cursor.next();
    if (cursor.kind !== Kind.STRING) throw badFrame();
    const channel = this.#name(bytes, cursor.start, cursor.end);
    const position = this.#number();
    const idHigh = this.#number();
    return { bytes, view, channel, epoch: undefined, position, idHigh, idLow: this.#number() };
  }

  #number(): number {
    this.#cursor.next();
    return this.#cursor.kind === Kind.NUMBER ? this.#cursor.number : 0;
  }

  #name(bytes: Uint8Array, start: number, end: number): string {
    const last = this.#lastBytes;
    let same = last.length === end - start;
    for (let i = 0; same && i < last.length; i++) same = last[i] === bytes[start + i];
    if (same && last.length > 0) return this.#lastName;
    // Not `slice`, which does not copy if this is a Buffer and would keep the whole chunk in memory.
    this.#lastBytes = new Uint8Array(bytes.subarray(start, end));
    this.#lastName = readText(bytes, start, end);
    return this.#lastName;
  }
}
