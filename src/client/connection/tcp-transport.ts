/**
 * The TCP transport, with TLS or without. It needs Node and is loaded only for a tcp: or tls: URL.
 */
import { connect, isIP, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { TlsOptions } from "../arguments/options.js";
import type { Address } from "./address.js";
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

// With Nagle's algorithm a small request would wait for the acknowledgement of the one before: up to 40 ms.
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE };

/** What makes a socket, which is ready when it has emitted `ready`. node:tls is loaded when it is asked for. */
const dialer = async ({ host, port, isTls }: Address, given: TlsOptions = {}) => {
  if (!isTls) return { dial: (): Socket => connect({ host, port, ...SOCKET_OPTIONS }), ready: "connect" };
  const [{ connect: connectTls }, { secureOptions }] = await Promise.all([
    import("node:tls"),
    import("./tls-options.js"),
  ]);
  const options: ConnectionOptions = { host, port, ...secureOptions(given) };
  // An address is no name that a server could be asked for.
  if (options.servername === undefined && isIP(host) === 0) options.servername = host;
  const dial = (): Socket => connectTls(options).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE);
  return { dial, ready: "secureConnect" };
};

export const openTcp: OpenTransport = async (address, events, signal, tls) => {
  const { dial, ready } = await dialer(address, tls);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = dial();
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
    socket.once(ready, () => {
      signal.removeEventListener("abort", abort);
      socket.on("data", (chunk: Uint8Array) => {
        // A plain Uint8Array: its subarrays are cheaper than a Buffer's, and bodies are alike over every transport.
        events.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      });
      socket.once("close", () => events.ended(failure));
      resolve(new TcpTransport(socket, events));
    });
  });
};
