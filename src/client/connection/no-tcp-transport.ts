/**
 * Stands for TCP in a bundle for browsers, which have none: the package's `browser` field puts it there.
 */
import { localError } from "../base/error.js";
import type { OpenTransport } from "./transport.js";

export const openTcp: OpenTransport = ({ text }) =>
  Promise.reject(
    localError("BAD_ARGUMENT", `a browser cannot connect to ${text}; use the broker's ws:// or wss:// address`),
  );
