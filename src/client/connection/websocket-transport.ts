/**
 * The WebSocket transport: the global WebSocket (browsers, Node 22 and later), else the package `ws`. What is sent is
 * cut into messages of the largest size that the broker accepts.
 */
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../protocol/limits.js";
import type { TlsOptions } from "../arguments/options.js";
import type { OpenTransport, Transport, TransportEvents } from "./transport.js";

/** The socket is congested from this many queued bytes on. */
const HIGH_WATER = 1024 * 1024;

/** How often to look at that queue: there is no event for its getting shorter. Milliseconds. */
const POLL = 2;

const PATH = "/mq";

/** An error event. A browser gives no reason; that of `ws` has the error with its code. */
interface FailureEvent {
  readonly message?: unknown;
  readonly error?: unknown;
}

/** What this file needs of a WebSocket: a browser's and one of `ws` both have it. */
interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array): void;
  close(): void;
  /** Only in `ws`: closes without waiting for the other side. */
  terminate?(): void;
  addEventListener(type: "open" | "close", listener: () => void): void;
  addEventListener(type: "error", listener: (event: FailureEvent) => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

const MASK_BYTES = 4;

/** A source of masks for `ws`, which draws random bytes for a thousand masks at a time. */
const maskSource = (): ((mask: Uint8Array) => void) => {
  const pool = new Uint8Array(4096);
  let at = pool.length;
  return (mask) => {
    if (at === pool.length) {
      globalThis.crypto.getRandomValues(pool);
      at = 0;
    }
    mask.set(pool.subarray(at, at + MASK_BYTES));
    // Never all zeros: `ws` sends the caller's buffer instead of a masked copy then, and would read it too late.
    mask[0] = (mask[0] ?? 0) | 1;
    at += MASK_BYTES;
  };
};

/** With TLS options it is always `ws`: the global WebSocket takes none. */
const dialer = async (tls: TlsOptions | undefined): Promise<(url: string) => Socket> => {
  const Global: unknown = Reflect.get(globalThis, "WebSocket");
  if (typeof Global === "function" && tls === undefined) return (url) => Reflect.construct(Global, [url]) as Socket;
  // First of all, since it is what refuses them in a browser.
  const secure = tls && (await import("./tls-options.js")).secureOptions(tls);
  const { WebSocket } = await import("ws");
  const generateMask = maskSource();
  return (url) => new WebSocket(url, { perMessageDeflate: false, generateMask, ...secure });
};

class WebSocketTransport implements Transport {
  readonly #socket: Socket;
  readonly #events: TransportEvents;
  #polling: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: Socket, events: TransportEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.addEventListener("close", () => clearTimeout(this.#polling));
  }

  send(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at += MAX_WEBSOCKET_MESSAGE_BYTES) {
      this.#socket.send(bytes.subarray(at, at + MAX_WEBSOCKET_MESSAGE_BYTES));
    }
    // A WebSocket copies what it sends, so the buffer is free; but the caller must wait for the queue to drain.
    if (this.#socket.bufferedAmount < HIGH_WATER) return true;
    this.#poll();
    return false;
  }

  #poll(): void {
    this.#polling = setTimeout(() => {
      if (this.#socket.bufferedAmount < HIGH_WATER) this.#events.drained();
      else this.#poll();
    }, POLL);
  }

  end(): void {
    this.#socket.close();
  }

  destroy(): void {
    if (this.#socket.terminate === undefined) this.#socket.close();
    else this.#socket.terminate();
  }
}

export const openWebSocket: OpenTransport = async ({ url }, events, signal, tls) => {
  const dial = await dialer(tls);
  signal.throwIfAborted();
  const target = new URL(url);
  if (target.pathname === "/") target.pathname = PATH;
  const socket = dial(target.href);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    let open = false;
    const abort = (): void => {
      socket.close();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.addEventListener("open", () => {
      signal.removeEventListener("abort", abort);
      open = true;
      resolve(new WebSocketTransport(socket, events));
    });
    socket.addEventListener("error", ({ message, error }) => {
      if (error instanceof Error) failure = error;
      else failure = new Error(typeof message === "string" && message !== "" ? message : "the WebSocket failed");
    });
    socket.addEventListener("close", () => {
      if (open) events.ended(failure);
      else reject(failure ?? new Error("the WebSocket was closed before it opened"));
    });
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) events.received(new Uint8Array(data));
      else {
        socket.close();
        events.ended(new Error("the broker sent text"));
      }
    });
  });
};
