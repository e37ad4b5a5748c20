/**
 * The requests of which only a part has come. grpc-js keeps what it has of them, up to a largest message for each call, and
 * HTTP/2 lets a connection have a thousand calls. While memory is short, connections whose requests do not get on are closed.
 */
import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { Sockets } from "./sockets.js";

/** Milliseconds between two looks, and from which on a request that is not whole does not get on. */
const LOOK_EVERY = 1_000;
const SLOW = 1_000;

interface Waiting {
  readonly peer: string;
  /** In milliseconds, when it began. */
  readonly since: number;
}

export interface HalfReceivedOptions {
  readonly sockets: Pick<Sockets, "destroy">;
  /** Of a request. */
  readonly maxRequestBytes: number;
  /** What buffers of this thread may take up before connections are closed. */
  readonly maxBytes: number;
  /** Told of connections that were closed. */
  readonly onClosed: (connections: number) => void;
  /** What buffers of this thread take up. */
  readonly bytes: () => number;
  /** Of a clock that does not step. */
  readonly now: () => number;
}

export class HalfReceived {
  readonly #options: HalfReceivedOptions;
  /** Oldest first. */
  readonly #waiting = new Set<Waiting>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: HalfReceivedOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY);
    this.#timer.unref();
  }

  /** Requests of which only a part has come. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Watches each call from its first byte to the end of its request. */
  readonly interceptor: ServerInterceptor = (_method, call) => {
    const waiting = { peer: call.getPeer(), since: this.#options.now() };
    return new ServerInterceptingCall(call, {
      start: (next) => {
        this.#waiting.add(waiting);
        next({
          onReceiveMessage: (message, pass) => {
            this.#waiting.delete(waiting);
            pass(message);
          },
          onCancel: () => this.#waiting.delete(waiting),
        });
      },
    });
  };

  /** Closes connections while memory is short: those with the oldest requests first. */
  look(): void {
    const { sockets, bytes, maxBytes, maxRequestBytes, now, onClosed } = this.#options;
    let excess = bytes() - maxBytes;
    const closed = new Set<string>();
    for (const { peer, since } of this.#waiting) {
      if (excess <= 0 || now() - since < SLOW) break;
      excess -= maxRequestBytes;
      closed.add(peer);
    }
    for (const peer of closed) sockets.destroy(peer);
    if (closed.size > 0) onClosed(closed.size);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
