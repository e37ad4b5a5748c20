/**
 * The TCP transport. It needs Node and is loaded only for a tcp: URL.
 */
import { connect, type Socket } from "node:net";
import type { OpenTransport, Transport, TransportEvents } from "./transport.js";

/** How long a connection is idle before TCP probes whether the other side is still there. Milliseconds. */
const KEEP_ALIVE = 30_000;

class TcpTransport implements Transport {
  readonly #socket: Socket;
  /** Bytes of the last `send` are still in Node's queue. */
  #waiting = false;
  readonly #written: () => void;

  constructor(socket: Socket, events: TransportEvents) {
    this.#socket = socket;
    // The callback of each write, because "drain" comes only after a write above the high-water mark.
    this.#written = () => {
      if (!this.#waiting || socket.writableLength > 0 || socket.destroyed) return;
      this.#waiting = false;
      events.drained();
    };
  }

  send(bytes: Uint8Array): boolean {
    // Node writes to the socket at once, so an empty queue behind it means that the kernel has copied everything.
    this.#socket.write(bytes, this.#written);
    this.#waiting = this.#socket.writableLength > 0;
    return !this.#waiting;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

export const openTcp: OpenTransport = ({ host, port }, events, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect({
      host,
      port,
      // With Nagle's algorithm a small request would wait for the acknowledgement of the one before: up to 40 ms.
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE,
    });
    let failure: Error | undefined;
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", (error) => {
      failure = error;
      reject(error);
    });
    socket.once("connect", () => {
      signal.removeEventListener("abort", abort);
      socket.on("data", (chunk: Uint8Array) => {
        // A plain Uint8Array: its subarrays are cheaper than a Buffer's, and bodies are alike over every transport.
        events.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      });
      socket.once("close", () => events.ended(failure));
      resolve(new TcpTransport(socket, events));
    });
  });
