/**
 * Cuts a stream into whole frames, for loads that read messages. A frame that one read holds whole is passed on in place;
 * only one that spans reads is copied.
 */
import { LENGTH, LENGTH_BYTES } from "#protocol/frame.js";
import { MAX_FRAME_BYTES } from "#protocol/limits.js";
import { Carry } from "./carry.js";

/** Takes the frame [start, end), which is valid during the call. */
export type OnFrame = (bytes: Uint8Array, view: DataView, start: number, end: number) => void;

export class FrameAssembler {
  readonly #carry = new Carry();

  constructor(private readonly onFrame: OnFrame) {}

  push(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const carry = this.#carry;
    let at = start;
    while (carry.length > 0 && at < end) {
      const size = carry.length < LENGTH_BYTES ? LENGTH_BYTES : this.#size(carry.view, 0);
      at = carry.fill(size, bytes, at, end);
      if (carry.length < LENGTH_BYTES || carry.length < this.#size(carry.view, 0)) continue;
      const whole = carry.length;
      carry.length = 0;
      this.onFrame(carry.bytes, carry.view, 0, whole);
    }
    while (end - at >= LENGTH_BYTES) {
      const size = this.#size(view, at);
      if (end - at < size) break;
      this.onFrame(bytes, view, at, at + size);
      at += size;
    }
    if (at < end) carry.append(bytes, at, end);
  }

  #size(view: DataView, at: number): number {
    const size = LENGTH_BYTES + view.getUint32(at + LENGTH);
    if (size > MAX_FRAME_BYTES) throw new Error(`a frame of ${size} bytes`);
    return size;
  }
}
