/** What the gRPC thread and the main thread tell each other, beside the batches of their bridge. */
import type { TlsMaterial } from "../listener.js";

export type { TlsMaterial } from "../listener.js";

/** What the thread is started with. Sizes are bytes, times milliseconds. */
export interface GrpcThreadData {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMaterial | undefined;
  readonly maxMessageBytes: number;
  /** What buffers of the thread may take up before slow senders are closed. */
  readonly maxBufferBytes: number;
  /** How long a TLS handshake may take. */
  readonly helloTimeout: number;
  /** Where it tells how late its event loop is: see `LoopLag`. */
  readonly lag: SharedArrayBuffer;
}

/** From the thread. */
export type GrpcThreadMessage =
  | { readonly kind: "listening"; readonly host: string; readonly port: number }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "knock"; readonly socket: number; readonly address: string }
  | { readonly kind: "gone"; readonly socket: number }
  | { readonly kind: "log"; readonly level: "info" | "warn" | "error"; readonly fields: object; readonly text: string }
  | { readonly kind: "stopped" };

/** To the thread. */
export type GrpcOrder =
  | { readonly kind: "answer"; readonly socket: number; readonly isAdmitted: boolean }
  | { readonly kind: "renew"; readonly tls: TlsMaterial }
  /** Accept connections, or let them wait. */
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  /** Take no more connections and say that nothing is served; what is under way goes on. */
  | { readonly kind: "drain" }
  /** End what is left within so many milliseconds, then the thread. */
  | { readonly kind: "stop"; readonly within: number };

/** With which a lane opens: one that the thread publishes by, or that of a stream; and the address of the client that it is for. */
export interface LaneOpening {
  readonly kind: "publisher" | "stream";
  readonly address: string;
}

const PUBLISHER = "p";
const STREAM = "s";

export const writeOpening = ({ kind, address }: LaneOpening): Uint8Array =>
  new TextEncoder().encode((kind === "publisher" ? PUBLISHER : STREAM) + address);

export const readOpening = (bytes: Uint8Array): LaneOpening => {
  const text = new TextDecoder().decode(bytes);
  return { kind: text.startsWith(STREAM) ? "stream" : "publisher", address: text.slice(STREAM.length) };
};
