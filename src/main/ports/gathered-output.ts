/** What a front end writes to a socket: answers of one turn of the event loop are gathered, and leave in one write. */
import type { Socket } from "node:net";
import { OUTPUT_BYTES, type OutputPool } from "../native/output-pool.js";

/** Up to here copying a byte at a time is faster than a call that copies them all. */
const FEW_BYTES = 24;

export class GatheredOutput {
  readonly #socket: Socket;
  readonly #pool: OutputPool;
  readonly #onBacklog: () => void;
  #buffer: Buffer | undefined;
  #end = 0;
  #isScheduled = false;

  /** `onBacklog` is called when the turn has ended and the socket has not taken all. */
  constructor(socket: Socket, pool: OutputPool, onBacklog: () => void) {
    this.#socket = socket;
    this.#pool = pool;
    this.#onBacklog = onBacklog;
  }

  write(bytes: string | Uint8Array, start = 0, end = bytes.length): void {
    if (!this.#socket.writable) return;
    if (typeof bytes === "string") return this.write(Buffer.from(bytes));
    const length = end - start;
    if (length > OUTPUT_BYTES) return this.#writeLarge(bytes, start, end);
    const buffer = this.#reserve(length);
    let at = this.#end;
    this.#end += length;
    if (length > FEW_BYTES) buffer.set(bytes.subarray(start, end), at);
    else for (let from = start; from < end; from++) buffer[at++] = bytes[from] ?? 0;
  }

  /** Writes what is gathered. */
  flush(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    const end = this.#end;
    this.#buffer = undefined;
    this.#end = 0;
    const socket = this.#socket;
    if (!socket.writable) return this.#pool.give(buffer);
    // Behind a socket that is full a copy waits, unless the bytes fill most of their buffer anyway.
    if (socket.writableLength > 0 && end < OUTPUT_BYTES / 2) {
      socket.write(Buffer.from(buffer.subarray(0, end)));
      this.#pool.give(buffer);
      return;
    }
    socket.write(buffer.subarray(0, end));
    // What the system has taken at once, which is nearly everything, nobody looks at again.
    if (socket.writableLength === 0) this.#pool.give(buffer);
  }

  /** The socket is closed. */
  release(): void {
    if (this.#buffer !== undefined) this.#pool.give(this.#buffer);
    this.#buffer = undefined;
    this.#end = 0;
  }

  #reserve(length: number): Buffer {
    if (this.#end + length > OUTPUT_BYTES) this.flush();
    this.#buffer ??= this.#pool.take();
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(this.#onTurnEnd);
    }
    return this.#buffer;
  }

  /** Not gathered: it is as large as what is written at once. */
  #writeLarge(bytes: Uint8Array, start: number, end: number): void {
    this.flush();
    this.#socket.write(new Uint8Array(bytes.subarray(start, end)));
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#isScheduled = false;
    this.flush();
    if (this.#socket.writableLength > 0) this.#onBacklog();
  };
}
