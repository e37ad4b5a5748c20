/**
 * Sends one frame again and again, with a window of unanswered requests.
 *
 * A few buffers are filled with copies of the frame once. To send one, its request number is patched, and what `stamp`
 * writes. A buffer is reused when all its requests are answered: the kernel has sent it then, and this bounds the window.
 */
import { FIRST_REQUEST } from "../wire/frames.js";
import type { Wire } from "../wire/wire.js";

/** Writes what differs from frame to frame. The frame begins at `at`; it is number `index` of the load, from 0. */
export type Stamp = (view: DataView, at: number, index: number) => void;

/** What is sent, a `WireFrame` for one. */
export interface PumpedFrame {
  readonly bytes: Uint8Array;
  /** Where its request number stands. Without one, requests are known by their order, and counted from FIRST_REQUEST. */
  readonly requestAt?: number;
}

export interface PumpOptions {
  readonly wire: Wire;
  readonly frame: PumpedFrame;
  /** Frames to send. */
  readonly frames: number;
  /** Requests that may be unanswered, rounded up to whole buffers. */
  readonly window: number;
  /** No frame is sent after this many seconds. */
  readonly seconds: number;
  readonly stamp?: Stamp;
}

interface Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  unanswered: number;
}

/** Large enough that a system call moves hundreds of small frames, small enough to stay in the cache. */
const SLAB_BYTES = 64 * 1024;
const MIN_SLABS = 4;

export class PublishPump {
  readonly #options: PumpOptions;
  readonly #framesPerSlab: number;
  readonly #slabs: readonly Slab[];
  #sent = 0;
  #answered = 0;
  #limit: number;
  #deadline = Number.POSITIVE_INFINITY;
  #done: (frames: number) => void = () => {};

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#limit = options.frames;
    const size = options.frame.bytes.length;
    this.#framesPerSlab = Math.max(1, Math.min(Math.floor(SLAB_BYTES / size), Math.floor(options.window / MIN_SLABS)));
    const slabs = Math.max(1, Math.ceil(options.window / this.#framesPerSlab));
    this.#slabs = Array.from({ length: slabs }, () => {
      const bytes = new Uint8Array(this.#framesPerSlab * size);
      for (let at = 0; at < bytes.length; at += size) bytes.set(options.frame.bytes, at);
      return { bytes, view: new DataView(bytes.buffer), unanswered: 0 };
    });
  }

  /** Resolves with the number of frames once all that were sent are answered. Their requests begin at FIRST_REQUEST. */
  run(): Promise<number> {
    this.#deadline = performance.now() + this.#options.seconds * 1000;
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#send();
    });
  }

  /** `requests` requests from `request` on are answered. */
  answer(request: number, requests: number): void {
    let index = request - FIRST_REQUEST;
    let rest = requests;
    if (index < 0 || index + rest > this.#sent) throw new Error(`request ${request} was not asked`);
    while (rest > 0) {
      const part = Math.min(rest, this.#framesPerSlab - (index % this.#framesPerSlab));
      const slab = this.#slab(index);
      slab.unanswered -= part;
      if (slab.unanswered < 0) throw new Error(`request ${request} is answered twice`);
      index += part;
      rest -= part;
    }
    this.#answered += requests;
  }

  /** Sends what the window allows. To be called after the answers of each read. */
  proceed(): void {
    this.#send();
  }

  #slab(index: number): Slab {
    const slab = this.#slabs[Math.floor(index / this.#framesPerSlab) % this.#slabs.length];
    if (slab === undefined) throw new Error("no such slab");
    return slab;
  }

  #send(): void {
    if (this.#sent < this.#limit && performance.now() > this.#deadline) this.#limit = this.#sent;
    while (this.#sent < this.#limit) {
      const slab = this.#slab(this.#sent);
      if (slab.unanswered > 0) break;
      const count = Math.min(this.#framesPerSlab, this.#limit - this.#sent);
      this.#patch(slab.view, count);
      slab.unanswered = count;
      this.#sent += count;
      const size = this.#options.frame.bytes.length;
      this.#options.wire.send(count === this.#framesPerSlab ? slab.bytes : slab.bytes.subarray(0, count * size));
    }
    if (this.#answered === this.#sent && this.#sent === this.#limit) this.#done(this.#sent);
  }

  #patch(view: DataView, count: number): void {
    const { frame, stamp } = this.#options;
    const { requestAt } = frame;
    const size = frame.bytes.length;
    const first = this.#sent;
    if (requestAt !== undefined) {
      for (let i = 0, at = 0; i < count; i++, at += size) view.setUint32(at + requestAt, FIRST_REQUEST + first + i);
    }
    if (stamp === undefined) return;
    for (let i = 0, at = 0; i < count; i++, at += size) stamp(view, at, first + i);
  }
}
