/**
 * What a page is told that asks for a transport which browsers do not have.
 */
import { localError, type RingmqError } from "../base/error.js";
import type { Address } from "../connection/address.js";

export const tcpRefusal = ({ text }: Address): RingmqError =>
  localError("BAD_ARGUMENT", `a browser cannot connect to ${text}; use the broker's ws:// or wss:// address`);
