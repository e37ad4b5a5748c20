/** The native protocol over one WebSocket: from the request to become one to its end. */
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../../protocol/limits.js";
import type { Log } from "../../log.js";
import type { NativeConnection } from "../../native/connection.js";
import type { Origin } from "../../native/connection-kind.js";
import { contain } from "../../native/error-boundary.js";
import { errorFrame } from "../../native/local-answers.js";
import type { ConnectionHost } from "../connection-host.js";
import type { Admission, Admitted } from "./admission.js";
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
  readonly #host: Pick<ConnectionHost, "open">;
  readonly #gathering: WebSocketGathering;
  readonly #log: Log;
  readonly #admission: Admission;
  readonly #origin: Origin;
  #place: Admitted | undefined;
  #socket: HttpWebSocket | undefined;
  #connection: NativeConnection | undefined;

  constructor(
    host: Pick<ConnectionHost, "open">,
    admission: Admission,
    gathering: WebSocketGathering,
    log: Log,
    origin: Origin,
  ) {
    this.#host = host;
    this.#origin = origin;
    this.#admission = admission;
    this.#gathering = gathering;
    this.#log = log;
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
      this.#place?.leave();
      this.#end();
    } catch (error) {
      contain(this.#log, WEBSOCKET, error, ignore);
    }
  }

  #open(socket: HttpWebSocket): void {
    const place = this.#admission.webSocket(
      // Whose it is, its HELLO says.
      { address: socket.remoteAddress, credential: undefined },
      MAX_WEBSOCKET_MESSAGE_BYTES,
    );
    if (typeof place === "string") return refuse(socket, place);
    this.#place = place;
    this.#connection = this.#host.open(new WebSocketTransport(socket), { origin: this.#origin });
  }

  #end(): void {
    try {
      // Messages that came before the end are carried out.
      this.#gathering.flush();
    } finally {
      this.#connection?.closed();
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
