/**
 * How a client is connected.
 */
import type { RingmqError } from "../base/error.js";
import type { BrokerInfo } from "./hello.js";

/** How a client is connected, now or from now on. Times are in milliseconds. */
export type ConnectionStatus =
  /** It is connected to this broker. */
  | { readonly type: "connected"; readonly url: string; readonly info: BrokerInfo }
  /** The connection was lost, or an attempt to make it again has failed: with this error. */
  | { readonly type: "disconnected"; readonly error: RingmqError }
  /** It connects to this broker after `in`; the first attempt is 1. */
  | { readonly type: "reconnecting"; readonly attempt: number; readonly url: string; readonly in: number }
  /** The broker is about to stop, for this reason; or, without a reason, the program drains the client. */
  | { readonly type: "draining"; readonly reason: RingmqError | undefined }
  /** It is closed: because of this error, or by its program. Nothing follows. */
  | { readonly type: "closed"; readonly error: RingmqError | undefined };
