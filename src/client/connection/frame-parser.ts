/**
 * Cuts the stream from the broker into frames. A frame that lies whole in a chunk is passed on in place; only one that
 * spans chunks is copied into a buffer of its own.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { HEAD, HEAD_LENGTH, LENGTH_BYTES, MIN_LENGTH } from "../../protocol/frame.js";
import { MAX_FRAME_BYTES } from "../../protocol/limits.js";

/** Takes a whole frame: [start, end) of the bytes, its head being [start + HEAD, payload). */
export type TakeFrame = (bytes: Uint8Array, view: DataView, start: number, payload: number, end: number) => void;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

export class FrameParser {
  /** Longer frames are refused before a buffer is allocated for them. */
  maxFrameBytes = MAX_FRAME_BYTES;

  /** A frame that is not complete: a buffer for its length field at first, then one for all of it. */
  #partial: Uint8Array | undefined;
  #have = 0;
  readonly #take: TakeFrame;

  constructor(take: TakeFrame) {
    this.#take = take;
  }

  /** Takes the next bytes of the stream. Throws ProtocolError for what is not a frame; the stream is unusable then. */
  push(chunk: Uint8Array): void {
    let at = this.#partial === undefined ? 0 : this.#complete(chunk, this.#partial);
    const view = viewOf(chunk);
    while (chunk.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + this.#length(view, at);
      if (end > chunk.length) break;
      this.#emit(chunk, view, at, end);
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk, at);
  }

  #keep(chunk: Uint8Array, at: number): void {
    const rest = chunk.length - at;
    const size = rest < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + this.#length(viewOf(chunk), at);
    this.#partial = new Uint8Array(size);
    this.#partial.set(chunk.subarray(at));
    this.#have = rest;
  }

  /** Adds to the incomplete frame. Returns where in the chunk the next frame begins. */
  #complete(chunk: Uint8Array, begun: Uint8Array): number {
    let partial = begun;
    let at = 0;
    for (;;) {
      const n = Math.min(partial.length - this.#have, chunk.length - at);
      partial.set(chunk.subarray(at, at + n), this.#have);
      this.#have += n;
      at += n;
      if (this.#have < partial.length) return at;
      const view = viewOf(partial);
      if (partial.length > LENGTH_BYTES) {
        this.#partial = undefined;
        this.#emit(partial, view, 0, partial.length);
        return at;
      }
      const whole = new Uint8Array(LENGTH_BYTES + this.#length(view, 0));
      whole.set(partial);
      this.#partial = partial = whole;
    }
  }

  #length(view: DataView, at: number): number {
    const length = view.getUint32(at);
    if (length < MIN_LENGTH) throw new ProtocolError("BAD_FRAME", `a frame of ${length} bytes`);
    if (length > this.maxFrameBytes) {
      throw new ProtocolError("FRAME_TOO_LARGE", `a frame of ${length} bytes, at most ${this.maxFrameBytes} may come`);
    }
    return length;
  }

  #emit(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const payload = start + HEAD + view.getUint16(start + HEAD_LENGTH);
    if (payload > end) throw new ProtocolError("BAD_FRAME", "a head runs past the end of its frame");
    this.#take(bytes, view, start, payload, end);
  }
}
