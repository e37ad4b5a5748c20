/**
 * Replaces the transports in a build for pages: a page has WebSocket and nothing else.
 */
import { localError } from "../base/error.js";
import type { OpenTransport } from "../connection/transport.js";
import { openWebSocket } from "../connection/websocket-transport.js";

export const openTransport: OpenTransport = async (address, events, signal) => {
  if (address.isTcp) {
    const text = `a browser cannot connect to ${address.text}; use the broker's ws:// or wss:// address`;
    throw localError("BAD_ARGUMENT", text);
  }
  return openWebSocket(address, events, signal);
};
