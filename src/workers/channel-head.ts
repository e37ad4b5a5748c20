/**
 * Heads of CHANNEL_MESSAGES: `[channel, position]`, with ids `[channel, position, id high, id low]`. There is one for each
 * fan-out, nearly always of the channel before, so the name is packed once and the numbers are written behind it.
 */
import { packHead } from "../protocol/head.js";
import { Pack, WORD } from "../protocol/msgpack.js";

const MAX_NAME_BYTES = 1024;
const POSITION_BYTES = 9;
const ID_BYTES = 10;

export class ChannelHead {
  readonly #bytes = new Uint8Array(MAX_NAME_BYTES + POSITION_BYTES + ID_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #channel: string | undefined;
  /** Where the numbers begin. */
  #end = 0;

  /** The head, which is good until the next call. */
  pack(channel: string, position: number, idHigh: number, idLow: number): Uint8Array {
    if (channel !== this.#channel) this.#name(channel);
    const view = this.#view;
    const at = this.#end;
    const hasIds = idHigh !== 0 || idLow !== 0;
    view.setUint8(0, Pack.FIXARRAY + (hasIds ? 4 : 2));
    view.setUint8(at, Pack.UINT64);
    view.setUint32(at + 1, Math.floor(position / WORD));
    view.setUint32(at + 5, position >>> 0);
    if (!hasIds) return this.#bytes.subarray(0, at + POSITION_BYTES);
    const ids = at + POSITION_BYTES;
    view.setUint8(ids, Pack.UINT32);
    view.setUint32(ids + 1, idHigh);
    view.setUint8(ids + 5, Pack.UINT32);
    view.setUint32(ids + 6, idLow);
    return this.#bytes.subarray(0, ids + ID_BYTES);
  }

  #name(channel: string): void {
    const packed = packHead([channel]);
    this.#bytes.set(packed);
    this.#channel = channel;
    this.#end = packed.length;
  }
}
