/** The HTTP port: the native protocol over WebSocket on `/mq`, and the paths that front ends add. */
import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  type us_socket_context_t,
  type WebSocket,
} from "uWebSockets.js";
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../protocol/limits.js";
import type { Log } from "../log.js";
import { contain } from "../native/boundary.js";
import type { ConnectionHost } from "../native/connection-host.js";
import { errorFrame } from "../native/own-answers.js";
import type { Address } from "../options.js";
import { shareOf } from "./address-shares.js";
import type { Port } from "./descriptor-watch.js";
import { HttpEntrance } from "./http-entrance.js";
import type { HttpGuard } from "./http-guard.js";
import { findListenError } from "./listen-error.js";
import { WebSocketGathering } from "./websocket-gathering.js";
import { type SocketData, WebSocketTransport } from "./websocket-transport.js";

// What the library takes and its types leave out: a host together with options.
declare module "uWebSockets.js" {
  interface TemplatedApp {
    listen(host: string, port: number, options: number, callback: (socket: us_listen_socket | false) => void): this;
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT, which the types have as an enum and the library as a number. Else ports are shared. */
const EXCLUSIVE_PORT = 1;

const PATH = "/mq";

/** Seconds without a message after which a peer is pinged, and soon after taken for dead. */
const IDLE_TIMEOUT = 120;

/** RFC 6455: a kind of data that is not accepted; try again later. */
const UNSUPPORTED_DATA = 1003;
const TRY_AGAIN_LATER = 1013;

/** For the log. */
const WEBSOCKET = "a WebSocket";

export class HttpListener implements Port {
  /** Where paths are added. */
  readonly entrance: HttpEntrance;
  readonly #app: TemplatedApp = uWS.App();
  readonly #host: ConnectionHost;
  readonly #log: Log;
  readonly #gathering: WebSocketGathering;
  #plain = 0;
  #webSockets = 0;
  /** Undefined: it is not to listen. */
  #address: Address | undefined;
  #listening: us_listen_socket | undefined;

  constructor(host: ConnectionHost, httpGuard: HttpGuard, log: Log) {
    this.#host = host;
    this.#log = log;
    this.#gathering = new WebSocketGathering(log);
    this.entrance = new HttpEntrance(this.#app, httpGuard, log);
    // Not a filter of anything: what is called when a socket has come (1) or gone (−1).
    this.#app.filter(this.#count);
    this.#app.ws<SocketData>(PATH, {
      maxPayloadLength: MAX_WEBSOCKET_MESSAGE_BYTES,
      idleTimeout: IDLE_TIMEOUT,
      sendPingsAutomatically: true,
      // No limit here: the connection knows how much it may buffer, and what to do when it is too much.
      maxBackpressure: 0,
      upgrade: (response, request, context) => {
        try {
          this.#upgrade(response, request, context);
        } catch (error) {
          contain(log, WEBSOCKET, error, () => response.close());
        }
      },
      open: this.#contained((socket) => this.#open(socket)),
      message: (socket, message, isBinary) => {
        try {
          this.#take(socket, message, isBinary);
        } catch (error) {
          contain(log, WEBSOCKET, error, () => socket.close());
        }
      },
      drain: this.#contained((socket) => socket.getUserData().connection?.drained()),
      close: (socket) => {
        try {
          this.#closed(socket.getUserData());
        } catch (error) {
          contain(log, WEBSOCKET, error, () => {});
        }
      },
    });
  }

  /** Sockets that are not WebSockets. */
  get plain(): number {
    return this.#plain;
  }

  /** All sockets, those that are being closed among them. */
  get sockets(): number {
    return this.#plain + this.#webSockets;
  }

  /** Where it listens; call it when all paths have been added. Error: the address cannot be had; the text tells why. */
  async listen({ host, port }: Address): Promise<Address> {
    this.entrance.addRest();
    this.#address = await this.#openPort({ host, port });
    return this.#address;
  }

  pause(): void {
    if (this.#listening !== undefined) uWS.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
  }

  async resume(): Promise<void> {
    if (this.#address === undefined || this.#listening !== undefined) return;
    await this.#openPort(this.#address);
    // It was closed for good meanwhile.
    if (this.#address === undefined) this.pause();
  }

  async #openPort({ host, port }: Address): Promise<Address> {
    const listening = await this.#tryPort(host, port);
    if (listening === false) throw await findListenError("HTTP", { host, port });
    const found = uWS.us_socket_local_port(listening);
    if (port !== 0) {
      this.#listening = listening;
      return { host, port: found };
    }
    // Only a port that was asked for by its number can be opened again beside its connections (SO_REUSEADDR).
    uWS.us_listen_socket_close(listening);
    const again = await this.#tryPort(host, found);
    if (again === false) return this.#openPort({ host, port });
    this.#listening = again;
    return { host, port: found };
  }

  #tryPort(host: string, port: number): Promise<us_listen_socket | false> {
    return new Promise((resolve) => {
      this.#app.listen(host, port, EXCLUSIVE_PORT, resolve);
    });
  }

  /** Takes no more connections. Those that are there stay. */
  closePort(): void {
    this.#address = undefined;
    this.pause();
  }

  /** Closes everything at once. */
  close(): void {
    this.#address = undefined;
    this.#listening = undefined;
    this.#app.close();
  }

  readonly #count = (response: HttpResponse, change: unknown): void => {
    // Of a socket that is closed here the end is told as well.
    this.#plain += Number(change);
    try {
      if (Number(change) > 0 && this.#host.isOverLimit) response.close();
    } catch (error) {
      contain(this.#log, "a new socket", error, () => response.close());
    }
  };

  #contained(callback: (socket: WebSocket<SocketData>) => void): (socket: WebSocket<SocketData>) => void {
    return (socket) => {
      try {
        callback(socket);
      } catch (error) {
        contain(this.#log, WEBSOCKET, error, () => socket.close());
      }
    };
  }

  #upgrade(response: HttpResponse, request: HttpRequest, context: us_socket_context_t): void {
    if (!this.entrance.admits(PATH, response, request)) return;
    const share = shareOf(Buffer.from(response.getRemoteAddressAsText()).toString());
    const data: SocketData = { transport: undefined, connection: undefined, share, isAdmitted: false };
    const [key, protocol, extensions] = ["key", "protocol", "extensions"].map((name) =>
      request.getHeader(`sec-websocket-${name}`),
    );
    // A WebSocket's end is told otherwise.
    this.#plain--;
    response.upgrade(data, key ?? "", protocol ?? "", extensions ?? "", context);
  }

  #closed({ transport, connection, share, isAdmitted }: SocketData): void {
    this.#webSockets--;
    if (isAdmitted) this.#host.shares.release(share);
    transport?.gone();
    try {
      // What came before the end counts.
      this.#gathering.flush();
    } finally {
      connection?.closed();
      if (connection !== undefined) this.#host.release(MAX_WEBSOCKET_MESSAGE_BYTES);
    }
  }

  #open(socket: WebSocket<SocketData>): void {
    this.#webSockets++;
    const data = socket.getUserData();
    const { isFull, shares } = this.#host;
    if (isFull) return this.#refuse(socket, "the broker has its maximum of connections");
    data.isAdmitted = shares.admit(data.share);
    if (!data.isAdmitted) return this.#refuse(socket, `an address has at most ${shares.maxPerAddress} connections`);
    if (!this.#host.reserve(MAX_WEBSOCKET_MESSAGE_BYTES)) {
      return this.#refuse(socket, "the broker has no room for another WebSocket: see --max-assembly-bytes");
    }
    data.transport = new WebSocketTransport(socket);
    data.connection = this.#host.open(data.transport);
  }

  #refuse(socket: WebSocket<SocketData>, text: string): void {
    socket.send(errorFrame("TOO_MANY_CONNECTIONS", text, 0), true);
    socket.end(TRY_AGAIN_LATER);
  }

  #take(socket: WebSocket<SocketData>, message: ArrayBuffer, isBinary: boolean): void {
    const { connection } = socket.getUserData();
    if (connection === undefined) return;
    if (!isBinary) {
      socket.end(UNSUPPORTED_DATA, "frames are binary messages");
      return;
    }
    if (message.byteLength > 0) this.#gathering.take(connection, message, new DataView(message));
  }
}
