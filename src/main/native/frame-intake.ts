/**
 * Frames out of the bytes that a connection brings. Whole frames that follow one another and go to the same shard are
 * one run and travel together, as they lie; of each only the header and, through `route`, the head is looked at. A
 * frame that the end of the bytes cuts is put together apart and travels by itself.
 */
import type { ErrorName } from "../../protocol/errors.js";
import { HEAD, HEAD_LENGTH, LENGTH, LENGTH_BYTES, MIN_LENGTH, REQUEST } from "../../protocol/frame.js";
import { MAX_GREETING_BYTES } from "../../protocol/limits.js";
import type { AssemblyMemory, Holder } from "./assembly.js";
import { PROGRESS_BYTES, PROGRESS_TIMEOUT, ProgressWatch } from "./progress-watch.js";

/** The frame has been dealt with and goes nowhere. */
export const HERE = -1;

/** A run of more than one frame is at most this long, or as a largest frame: shards bound the records they take. */
const MAX_RUN_BYTES = 256 * 1024;

const NO_BYTES: DataView = new DataView(new ArrayBuffer(0));

export interface FrameSink {
  /** The shard that the whole frame at `start` goes to, or HERE. Its layout has been checked. */
  route(bytes: Uint8Array, view: DataView, start: number): number;
  /** A run: whole frames that go to one shard. Good until it returns. */
  forward(shard: number, bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** These are not frames, or too little of one came in time (TOO_SLOW), or its memory is needed. `stop` has been called. */
  fail(kind: ErrorName, text: string, request: number): void;
  /** There is no memory to put a frame together: it will be skipped. */
  overloaded(request: number): void;
}

export class FrameIntake implements Holder {
  readonly #sink: FrameSink;
  readonly #maxFrameBytes: number;
  readonly #maxRunBytes: number;
  readonly #memory: AssemblyMemory;
  #stopped = false;
  /** The beginning of a frame that was cut: `#filled` bytes. */
  #partial: Buffer | undefined;
  #partialView = NO_BYTES;
  #filled = 0;
  /** Bytes to skip, of a frame that there was no memory for. */
  #skip = 0;
  /** At most so long is a frame now: little until `allowLargeFrames`. */
  #maxLength: number;
  readonly #progress = new ProgressWatch();

  constructor(sink: FrameSink, maxFrameBytes: number, memory: AssemblyMemory, hasSaidHello = true) {
    this.#maxLength = hasSaidHello ? maxFrameBytes : Math.min(maxFrameBytes, MAX_GREETING_BYTES);
    this.#sink = sink;
    this.#maxFrameBytes = maxFrameBytes;
    this.#maxRunBytes = Math.min(maxFrameBytes, MAX_RUN_BYTES);
    this.#memory = memory;
  }

  /** Takes [start, end) of `bytes`, which are the caller's again when it returns. */
  take(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    let at = start;
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, end - at);
      this.#skip -= skipped;
      at += skipped;
    }
    if (this.#partial !== undefined) at = this.#complete(bytes, at, end);
    if (this.#stopped) return;
    const rest = this.#walk(bytes, view, at, end);
    if (rest < end && !this.#stopped) this.#keep(bytes, view, rest, end);
  }

  /** From now on frames may be as long as any. */
  allowLargeFrames(): void {
    this.#maxLength = this.#maxFrameBytes;
  }

  get held(): number {
    return this.#partial?.length ?? 0;
  }

  get isStalled(): boolean {
    return this.#progress.isStalled;
  }

  cutOff(): void {
    this.stop();
    this.#sink.fail("TOO_SLOW", "the rest of a frame does not come, and others need the memory", 0);
  }

  /**
   * About once a second: looks whether the frame that is put together makes progress. `isPaused`: it cannot, since the
   * connection is not read, and has no deadline; `isExcused`: nor is that the client's doing.
   */
  sweep(now: number, isPaused: boolean, isExcused = false): void {
    if (this.#progress.sweep(now, this.#partial !== undefined, isPaused, isExcused)) return;
    this.stop();
    this.#sink.fail("TOO_SLOW", `less than ${PROGRESS_BYTES} bytes of a frame came within ${PROGRESS_TIMEOUT} ms`, 0);
  }

  /** Takes no more, and gives memory back. */
  stop(): void {
    this.#stopped = true;
    this.#drop();
  }

  /** Hands over the whole frames in [start, end); answers where they end. */
  #walk(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const sink = this.#sink;
    let at = start;
    // The run: [from, at), for `to`.
    let from = start;
    let to = HERE;
    while (end - at >= LENGTH_BYTES) {
      const length = view.getUint32(at + LENGTH);
      const next = at + LENGTH_BYTES + length;
      // Judged as soon as it is known: nobody waits for the end of a frame that will be refused.
      if (length < MIN_LENGTH || length > this.#maxLength) break;
      if (next > end) break;
      if (view.getUint16(at + HEAD_LENGTH) > length - MIN_LENGTH) break;
      const shard = sink.route(bytes, view, at);
      if (shard !== to || next - from > this.#maxRunBytes) {
        if (to !== HERE && at > from) sink.forward(to, bytes, view, from, at);
        from = at;
        to = shard;
      }
      at = next;
      // The frame may have been the connection's last.
      if (shard === HERE && this.#stopped) return at;
    }
    if (to !== HERE) sink.forward(to, bytes, view, from, at);
    if (end - at >= LENGTH_BYTES) this.#judge(view, at, end);
    return at;
  }

  /** What is wrong with the frame at `at`, if anything is. */
  #judge(view: DataView, at: number, end: number): void {
    const length = view.getUint32(at + LENGTH);
    const request = end - at >= HEAD ? view.getUint32(at + REQUEST) : 0;
    if (length < MIN_LENGTH) {
      this.#refuse("BAD_FRAME", `a frame's length is at least ${MIN_LENGTH}, this one's is ${length}`, request);
    } else if (length > this.#maxFrameBytes) {
      this.#refuse(
        "FRAME_TOO_LARGE",
        `a frame's length is at most ${this.#maxFrameBytes}, this one's is ${length}`,
        request,
      );
    } else if (length > this.#maxLength) {
      this.#refuse("HANDSHAKE_REQUIRED", `before HELLO a frame's length is at most ${this.#maxLength}`, request);
    } else if (end - at >= HEAD && view.getUint16(at + HEAD_LENGTH) > length - MIN_LENGTH) {
      this.#refuse("BAD_FRAME", "a frame's head is longer than the frame", request);
    }
  }

  #refuse(kind: ErrorName, text: string, request: number): void {
    this.stop();
    this.#sink.fail(kind, text, request);
  }

  /**
   * How much of the frame that is put together comes next: its length field, its header, all of it. So what is wrong is
   * said as soon as it is known, and a buffer grows only for a frame whose header is there.
   */
  #stage(): number {
    if (this.#filled < LENGTH_BYTES) return LENGTH_BYTES;
    return this.#filled < HEAD ? HEAD : LENGTH_BYTES + this.#partialView.getUint32(LENGTH);
  }

  /** Adds to the frame that was cut, and hands it over when it is whole; answers how far the bytes were used. */
  #complete(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (this.#partial !== undefined && at < end) {
      const stage = this.#stage();
      const count = Math.min(stage - this.#filled, end - at);
      if (!this.#append(bytes, at, at + count)) return this.#skipFrame(this.#partialView, 0, at, end);
      at += count;
      if (this.#filled < stage) return at;
      if (stage <= HEAD) this.#judge(this.#partialView, 0, stage);
      if (stage >= HEAD && this.#filled === this.#stage()) this.#handOver();
    }
    return at;
  }

  #handOver(): void {
    const frame = this.#partial;
    if (frame === undefined) return;
    const end = this.#filled;
    this.#progress.complete();
    this.#memory.leave(this);
    // Out of the way first: the frame may be the connection's last, and `stop` gives memory back.
    this.#partial = undefined;
    this.#filled = 0;
    this.#walk(frame, this.#partialView, 0, end);
    this.#memory.give(frame);
  }

  /** Keeps the beginning of a frame. The smallest buffer is never refused, so that a refused one has its header. */
  #keep(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (!this.#append(bytes, start, end)) this.#skipFrame(view, start, start, end);
  }

  /** Of the frame with the header at `header` there is more from `at` on: skips it. Answers how far bytes are used. */
  #skipFrame(view: DataView, header: number, at: number, end: number): number {
    this.#skip = LENGTH_BYTES + view.getUint32(header + LENGTH) - this.#filled;
    const request = view.getUint32(header + REQUEST);
    this.#drop();
    const skipped = Math.min(this.#skip, end - at);
    this.#skip -= skipped;
    this.#sink.overloaded(request);
    return at + skipped;
  }

  /** False: there is no memory for it. */
  #append(bytes: Uint8Array, start: number, end: number): boolean {
    const filled = this.#filled + end - start;
    this.#progress.add(end - start);
    if (this.#partial === undefined || filled > this.#partial.length) {
      const grown = this.#memory.take(filled);
      if (grown === undefined) return false;
      if (this.#partial !== undefined) {
        this.#partial.copy(grown, 0, 0, this.#filled);
        this.#memory.give(this.#partial);
      } else this.#memory.enter(this);
      this.#partial = grown;
      this.#partialView = new DataView(grown.buffer, grown.byteOffset, grown.length);
    }
    if (end - start === bytes.length) this.#partial.set(bytes, this.#filled);
    else this.#partial.set(bytes.subarray(start, end), this.#filled);
    this.#filled = filled;
    return true;
  }

  #drop(): void {
    if (this.#partial !== undefined) {
      this.#memory.give(this.#partial);
      this.#memory.leave(this);
    }
    this.#partial = undefined;
    this.#filled = 0;
  }
}
