/**
 * Replaces the transports in a build for pages: a page has WebSocket and nothing else.
 */
import type { OpenTransport } from "../connection/transport.js";
import { openWebSocket } from "../connection/websocket-transport.js";
import { cannotLoad } from "./later.js";

export const openTransport: OpenTransport = async (address, events, signal) => {
  if (address.isTcp) throw (await import("./page-refusal.js").catch(cannotLoad)).tcpRefusal(address);
  return openWebSocket(address, events, signal);
};
