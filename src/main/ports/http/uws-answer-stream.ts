/**
 * An answer without an end, on uWebSockets.js. Of an answer in chunks it sends the head with the first part, which may be
 * long in coming, and does not say how much of it waits. Of an answer with a length it sends the head at once, and says how
 * far it has come; so this one claims a length that it never reaches.
 */
import type { Log } from "../../log.js";
import { contain } from "../../native/error-boundary.js";
import type { AnswerStream } from "./engine.js";
import type { UwsHttpResponse } from "./uws-types.js";

const ENDLESS = Number.MAX_SAFE_INTEGER;

const NOTHING = new Uint8Array(0);

/** What a socket takes late is offered to it in pieces, so that little is offered in vain. */
const PIECE_BYTES = 256 * 1024;

export class UwsAnswerStream implements AnswerStream {
  readonly #response: UwsHttpResponse;
  readonly #isOver: () => boolean;
  readonly #log: Log;
  readonly #onDrained: () => void;
  /** What the socket has not taken, in order; of the first the bytes from `#from` on. */
  #waiting: Buffer[] = [];
  #from = 0;
  #unsent = 0;
  #isEnding = false;

  /** @param isOver whether the client has gone */
  constructor(response: UwsHttpResponse, isOver: () => boolean, log: Log, onDrained: () => void) {
    this.#response = response;
    this.#isOver = isOver;
    this.#log = log;
    this.#onDrained = onDrained;
  }

  /** Behind the head, in the same cork. */
  begin(): void {
    this.#response.onWritable(() => {
      try {
        this.#goOn();
      } catch (error) {
        contain(this.#log, "a streaming answer", error, () => this.#response.close());
      }
      return this.#waiting.length === 0;
    });
    this.#response.tryEnd(NOTHING, ENDLESS);
  }

  get unsentBytes(): number {
    return this.#isOver() ? 0 : this.#unsent;
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver() || this.#isEnding || bytes.length === 0) return;
    const taken = this.#waiting.length > 0 ? 0 : this.#offer(bytes);
    if (taken === bytes.length) return;
    // A copy: the bytes are the caller's.
    const rest = Buffer.from(bytes.subarray(taken));
    this.#waiting.push(rest);
    this.#unsent += rest.length;
  }

  end(): void {
    if (this.#isOver() || this.#isEnding) return;
    this.#isEnding = true;
    if (this.#waiting.length === 0) this.#response.close();
  }

  #goOn(): void {
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0] ?? NOTHING;
      const piece = first.subarray(this.#from, this.#from + PIECE_BYTES);
      const taken = this.#offer(piece);
      this.#from += taken;
      this.#unsent -= taken;
      if (this.#from === first.length) {
        this.#waiting.shift();
        this.#from = 0;
      }
      if (taken < piece.length) break;
    }
    // Even with nothing to offer, so that what the library itself holds leaves.
    if (this.#waiting.length === 0) this.#offer(NOTHING);
    if (this.#isEnding && this.#waiting.length === 0) return void this.#response.close();
    this.#onDrained();
  }

  /** How many of the bytes the socket takes now. */
  #offer(bytes: Uint8Array): number {
    const before = this.#response.getWriteOffset();
    this.#response.cork(() => void this.#response.tryEnd(bytes, ENDLESS));
    return this.#response.getWriteOffset() - before;
  }
}
