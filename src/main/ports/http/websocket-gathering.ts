/**
 * Gathers what WebSockets bring in one turn of the event loop. Messages are often small; those that
 * came one after another on a connection are handed to it together, so that they travel in one record, as those of a
 * TCP read do.
 */
import { copyBytes } from "../../../channel/copy-bytes.js";
import type { Log } from "../../log.js";
import type { NativeConnection } from "../../native/connection.js";
import { contain } from "../../native/error-boundary.js";

/** As much as one read of a TCP socket brings. */
const GATHERED_BYTES = 64 * 1024;

/** A message of this size is handed over by itself, without a copy. */
const LARGE_BYTES = 16 * 1024;

export class WebSocketGathering {
  readonly #bytes = Buffer.allocUnsafeSlow(GATHERED_BYTES);
  /** Not a Buffer: `subarray` of a plain Uint8Array is cheaper. */
  readonly #plain = new Uint8Array(this.#bytes.buffer);
  readonly #view = new DataView(this.#bytes.buffer);
  /** The owners of the bytes and where their parts end, in order of arrival. */
  #connections: NativeConnection[] = [];
  #ends: number[] = [];
  #end = 0;
  #isScheduled = false;
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Takes one message of a connection; `message`, no Buffer, is the caller's again when it returns. */
  take(connection: NativeConnection, message: Uint8Array): void {
    const length = message.length;
    if (length > GATHERED_BYTES - this.#end) this.flush();
    if (length >= LARGE_BYTES) {
      this.flush();
      connection.receive(message, new DataView(message.buffer, message.byteOffset, length), 0, length);
      return;
    }
    copyBytes(this.#bytes, this.#end, message, 0, length);
    this.#end += length;
    const last = this.#connections.length - 1;
    if (this.#connections[last] === connection) {
      this.#ends[last] = this.#end;
    } else {
      this.#connections.push(connection);
      this.#ends.push(this.#end);
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After the sockets that are ready have been read.
    setImmediate(this.#onTurn);
  }

  /**
   * Hands over what is gathered: before a connection closes, or before something that must not overtake it. A
   * connection that fails on its bytes is closed, and the others have theirs all the same.
   */
  flush(): void {
    if (this.#end === 0) return;
    const connections = this.#connections;
    const ends = this.#ends;
    this.#connections = [];
    this.#ends = [];
    this.#end = 0;
    let start = 0;
    for (const [i, connection] of connections.entries()) {
      const end = ends[i] ?? start;
      try {
        connection.receive(this.#plain, this.#view, start, end);
      } catch (error) {
        contain(this.#log, "a WebSocket", error, () => connection.destroy());
      }
      start = end;
    }
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
}
