/**
 * Replaces the texts of CONNECT_FAILED in a build for pages, which are not told why a WebSocket has failed.
 */
import { localError, type RingmqError } from "../base/error.js";
import type { Address } from "../connection/address.js";

/** A browser's console has the reason, which it keeps from the page. */
export const connectFailure = (error: unknown, { text }: Address): RingmqError =>
  localError("CONNECT_FAILED", `no connection to ${text}: see the browser's console`, error);

/** The other side closed the connection before HELLO. */
export const hungUp = ({ text }: Address, error: unknown): RingmqError =>
  localError("CONNECT_FAILED", `${text} closed the connection at once`, error);

/** Over a WebSocket, what answers has said that it is a broker's port. */
export const notABroker = (): undefined => undefined;
