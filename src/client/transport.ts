/**
 * What carries frames to the broker and back. The connection above knows nothing else of sockets.
 */

/** What a transport tells the connection above it. */
export interface TransportEvents {
  /** Bytes have come: any part of the stream over TCP, whole frames over WebSocket. They are the receiver's to keep. */
  received(bytes: Uint8Array): void;
  /** All that was sent has left the process: there is room again, and every buffer is the caller's. */
  drained(): void;
  /** The connection is gone; nothing follows. Called once for a transport that was opened. */
  ended(error?: Error): void;
}

export interface Transport {
  /**
   * Sends whole frames. True: the bytes are the caller's again. False: they must stay as they are until `drained`,
   * and nothing more should be sent before that.
   */
  send(bytes: Uint8Array): boolean;
  /** Closes the connection once all that was sent has left. */
  end(): void;
  /** Closes the connection at once. */
  destroy(): void;
}

/** Opens a transport. Rejects with what kept it from opening, or with the signal's reason. */
export type OpenTransport = (url: URL, events: TransportEvents, signal: AbortSignal) => Promise<Transport>;

/**
 * The transport for a URL. Each is loaded when it is asked for, so that a browser never loads one that needs Node.
 * Throws TypeError for a URL that is neither.
 */
export const openTransport: OpenTransport = async (url, events, signal) => {
  switch (url.protocol) {
    case "tcp:": {
      const { openTcp } = await import("./tcp-transport.js");
      return openTcp(url, events, signal);
    }
    case "ws:":
    case "wss:": {
      const { openWebSocket } = await import("./websocket-transport.js");
      return openWebSocket(url, events, signal);
    }
    default:
      throw new TypeError(`the broker's URL begins with tcp:, ws: or wss:, not with ${url.protocol}`);
  }
};
