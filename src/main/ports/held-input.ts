/**
 * What a client of a front end has sent and what is not carried out yet: the beginning of a command that a read has cut, or
 * what stands behind a pop that waits. It takes memory from the same budget as half-received frames of other connections.
 */
import type { AssemblyMemory, Holder } from "../native/assembly.js";
import { PROGRESS_BYTES, PROGRESS_TIMEOUT, ProgressWatch } from "../native/progress-watch.js";

const NOTHING = Buffer.alloc(0);

export class HeldInput implements Holder {
  readonly #memory: AssemblyMemory;
  readonly #onCutOff: (text: string) => void;
  #bytes: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  readonly #progress = new ProgressWatch();

  /** `onCutOff` is called with the reason when nothing more can be held for this client. */
  constructor(memory: AssemblyMemory, onCutOff: (text: string) => void) {
    this.#memory = memory;
    this.#onCutOff = onCutOff;
  }

  /** Bytes that are held. */
  get length(): number {
    return this.#end - this.#start;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  get held(): number {
    return this.#bytes.length;
  }

  get isStalled(): boolean {
    return this.#progress.isStalled;
  }

  cutOff(): void {
    this.release();
    this.#onCutOff("the rest of a command does not come, and others need the memory");
  }

  /** Keeps a copy of [start, end). False: there is no memory for it. */
  append(bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.length + end - start;
    this.#progress.add(end - start);
    if (length > this.#bytes.length) {
      const grown = this.#memory.take(length);
      if (grown === undefined) return false;
      grown.set(this.#bytes.subarray(this.#start, this.#end));
      const held = this.length;
      this.release();
      this.#memory.enter(this);
      this.#bytes = grown;
      this.#end = held;
    } else if (this.#end + end - start > this.#bytes.length) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#bytes.set(bytes.subarray(start, end), this.#end);
    this.#end += end - start;
    return true;
  }

  /** What is in front of `start` has been carried out. */
  consume(start: number): void {
    if (start > this.#start) this.#progress.complete();
    this.#start = start;
    if (this.length === 0) this.release();
  }

  /** Gives the memory back. */
  release(): void {
    if (this.#bytes.length > 0) {
      this.#memory.leave(this);
      this.#memory.give(this.#bytes);
    }
    this.#bytes = NOTHING;
    this.#start = 0;
    this.#end = 0;
  }

  /** About once a second. `isExcused`: it is not the client that keeps things from going on. */
  sweep(now: number, isExcused: boolean): void {
    if (this.#progress.sweep(now, this.length > 0 && !isExcused, false, false)) return;
    this.release();
    this.#onCutOff(`less than ${PROGRESS_BYTES} bytes of a command came within ${PROGRESS_TIMEOUT} ms`);
  }
}
