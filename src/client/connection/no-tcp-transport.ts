/**
 * Replaces the TCP transport in a bundle for browsers, by the `browser` field of package.json.
 */
import { localError } from "../base/error.js";
import type { OpenTransport } from "./transport.js";

export const openTcp: OpenTransport = ({ text }) =>
  Promise.reject(
    localError("BAD_ARGUMENT", `a browser cannot connect to ${text}; use the broker's ws:// or wss:// address`),
  );
