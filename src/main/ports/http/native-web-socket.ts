/** The native protocol over one WebSocket: from the request to become one to its end. */
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../../protocol/limits.js";
import type { Log } from "../../log.js";
import type { NativeConnection } from "../../native/connection.js";
import { contain } from "../../native/error-boundary.js";
import { errorFrame } from "../../native/local-answers.js";
import type { ConnectionHost } from "../connection-host.js";
import type { HttpWebSocket, WebSocketPeer } from "./engine.js";
import type { WebSocketGathering } from "./websocket-gathering.js";
import { WebSocketTransport } from "./websocket-transport.js";

/** RFC 6455: a kind of data that is not accepted; try again later. */
const UNSUPPORTED_DATA = 1003;
const TRY_AGAIN_LATER = 1013;

/** For the log. */
export const WEBSOCKET = "a WebSocket";

const ignore = (): void => {};

export class NativeWebSocket implements WebSocketPeer {
  readonly #host: ConnectionHost;
  readonly #gathering: WebSocketGathering;
  readonly #log: Log;
  /** The share of its address, and whether it was admitted to it. */
  readonly #share: string;
  #isAdmitted = false;
  #socket: HttpWebSocket | undefined;
  #connection: NativeConnection | undefined;

  constructor(host: ConnectionHost, gathering: WebSocketGathering, log: Log, share: string) {
    this.#host = host;
    this.#gathering = gathering;
    this.#log = log;
    this.#share = share;
  }

  opened(socket: HttpWebSocket): void {
    this.#socket = socket;
    try {
      this.#open(socket);
    } catch (error) {
      this.#failed(error);
    }
  }

  message(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#connection === undefined) return;
    try {
      if (!isBinary) this.#socket?.end(UNSUPPORTED_DATA, "frames are binary messages");
      else if (bytes.length > 0) this.#gathering.take(this.#connection, bytes);
    } catch (error) {
      this.#failed(error);
    }
  }

  drained(): void {
    try {
      this.#connection?.drained();
    } catch (error) {
      this.#failed(error);
    }
  }

  unsent(): void {
    try {
      this.#connection?.flush();
    } catch (error) {
      this.#failed(error);
    }
  }

  closed(): void {
    try {
      if (this.#isAdmitted) this.#host.shares.release(this.#share);
      this.#end();
    } catch (error) {
      contain(this.#log, WEBSOCKET, error, ignore);
    }
  }

  #open(socket: HttpWebSocket): void {
    const { isFull, shares } = this.#host;
    if (isFull) return refuse(socket, "the broker has its maximum of connections");
    this.#isAdmitted = shares.admit(this.#share);
    if (!this.#isAdmitted) return refuse(socket, `an address has at most ${shares.maxPerAddress} connections`);
    if (!this.#host.reserve(MAX_WEBSOCKET_MESSAGE_BYTES)) {
      return refuse(socket, "the broker has no room for another WebSocket: see --max-assembly-bytes");
    }
    this.#connection = this.#host.open(new WebSocketTransport(socket));
  }

  #end(): void {
    try {
      // Messages that came before the end are carried out.
      this.#gathering.flush();
    } finally {
      this.#connection?.closed();
      if (this.#connection !== undefined) this.#host.release(MAX_WEBSOCKET_MESSAGE_BYTES);
    }
  }

  #failed(error: unknown): void {
    contain(this.#log, WEBSOCKET, error, () => this.#socket?.close());
  }
}

const refuse = (socket: HttpWebSocket, text: string): void => {
  socket.send(errorFrame("TOO_MANY_CONNECTIONS", text, 0), wholeMessage);
  socket.end(TRY_AGAIN_LATER);
};

const wholeMessage = (bytes: Buffer): number => bytes.length;
