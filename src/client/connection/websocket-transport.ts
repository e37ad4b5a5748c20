/**
 * The WebSocket transport. What is sent is cut into messages of the largest size that the broker accepts.
 */
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../protocol/limits.js";
import type { OpenTransport, Transport, TransportEvents } from "./transport.js";
import { type WebSocketLike, webSocketDialer } from "./websocket-dialer.js";

/** The socket is congested from this many queued bytes on. */
const HIGH_WATER = 1024 * 1024;

/** How often to look at that queue: there is no event for its getting shorter. Milliseconds. */
const POLL = 2;

const PATH = "/mq";

class WebSocketTransport implements Transport {
  readonly #socket: WebSocketLike;
  readonly #events: TransportEvents;
  #polling: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: WebSocketLike, events: TransportEvents) {
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
  const dial = await webSocketDialer(tls);
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
