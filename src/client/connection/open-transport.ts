/**
 * Opens the transport that an address asks for.
 */
import type { OpenTransport } from "./transport.js";

/** Each transport is loaded when it is asked for, so that a browser never loads the one that needs Node. */
export const openTransport: OpenTransport = async (address, events, signal, tls) => {
  if (address.isTcp) {
    const { openTcp } = await import("./tcp-transport.js");
    return openTcp(address, events, signal, tls);
  }
  const { openWebSocket } = await import("./websocket-transport.js");
  return openWebSocket(address, events, signal, tls);
};
