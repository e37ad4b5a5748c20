/**
 * Cuts a stream into whole frames, for loads that read messages. A frame that one read holds whole is passed on in place;
 * only one that spans reads is copied.
 */
import { LENGTH, LENGTH_BYTES } from "#protocol/frame.js";
import { MAX_FRAME_BYTES } from "#protocol/limits.js";

/** Takes the frame [start, end), which is valid during the call. */
export type OnFrame = (bytes: Uint8Array, view: DataView, start: number, end: number) => void;

export class FrameAssembler {
  #carry = new Uint8Array(64 * 1024);
  #view = new DataView(this.#carry.buffer);
  #have = 0;

  constructor(private readonly onFrame: OnFrame) {}

  push(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    let at = start;
    while (this.#have > 0 && at < end) {
      const size = this.#have < LENGTH_BYTES ? LENGTH_BYTES : this.#size(this.#view, 0);
      const part = Math.min(size - this.#have, end - at);
      this.#append(bytes, at, at + part);
      at += part;
      if (this.#have < LENGTH_BYTES || this.#have < this.#size(this.#view, 0)) continue;
      const whole = this.#have;
      this.#have = 0;
      this.onFrame(this.#carry, this.#view, 0, whole);
    }
    while (end - at >= LENGTH_BYTES) {
      const size = this.#size(view, at);
      if (end - at < size) break;
      this.onFrame(bytes, view, at, at + size);
      at += size;
    }
    if (at < end) this.#append(bytes, at, end);
  }

  #size(view: DataView, at: number): number {
    const size = LENGTH_BYTES + view.getUint32(at + LENGTH);
    if (size > MAX_FRAME_BYTES) throw new Error(`a frame of ${size} bytes`);
    return size;
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const need = this.#have + end - start;
    if (need > this.#carry.length) {
      const grown = new Uint8Array(need * 2);
      grown.set(this.#carry.subarray(0, this.#have));
      this.#carry = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#carry.set(bytes.subarray(start, end), this.#have);
    this.#have = need;
  }
}
