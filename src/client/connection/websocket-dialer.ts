/**
 * Opens WebSockets: the global WebSocket (browsers, Node 22 and later), else the package `ws`.
 */
import type { TlsOptions } from "../arguments/options.js";

/** An error event. A browser gives no reason; that of `ws` has the error with its code. */
interface FailureEvent {
  readonly message?: unknown;
  readonly error?: unknown;
}

/** What the client needs of a WebSocket: a browser's and one of `ws` both have it. */
export interface WebSocketLike {
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

export type DialWebSocket = (url: string) => WebSocketLike;

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
export const webSocketDialer = async (tls: TlsOptions | undefined): Promise<DialWebSocket> => {
  const Global: unknown = Reflect.get(globalThis, "WebSocket");
  if (typeof Global === "function" && tls === undefined)
    return (url) => Reflect.construct(Global, [url]) as WebSocketLike;
  // First of all, since it is what refuses them in a browser.
  const secure = tls && (await import("./tls-options.js")).secureOptions(tls);
  const { WebSocket } = await import("ws");
  const generateMask = maskSource();
  return (url) => new WebSocket(url, { perMessageDeflate: false, generateMask, ...secure });
};
