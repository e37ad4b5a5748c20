/**
 * Stands for TCP in a bundle for browsers, which have none: the package's `browser` field puts it there.
 */
import type { OpenTransport } from "./transport.js";

export const openTcp: OpenTransport = () =>
  Promise.reject(new TypeError("a browser cannot connect to tcp:; use the broker's ws: or wss: address"));
