/** The HTTP port on node:http and ws: for where uWebSockets.js cannot be loaded. */
import { createServer, type IncomingMessage, type Server, type ServerOptions, ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import { Server as NetServer, type Socket } from "node:net";
import { contain } from "../../native/error-boundary.js";
import type { Address } from "../../options.js";
import type { Certificate } from "../certificate.js";
import { Hint } from "../hint.js";
import { listenOn } from "../listening.js";
import { beginsTls, isPlainText, pathOf } from "../tls-handshakes.js";
import type { AnswerHead, EngineHost, HttpEngine, RequestHandler, WebSocketRoute } from "./engine.js";
import { NodeConnection } from "./node-connection.js";
import { NodeRequest } from "./node-request.js";
import { NodeResponse } from "./node-response.js";
import { withoutUpgrade } from "./node-upgrade.js";
import { NodeWebSockets } from "./node-web-sockets.js";

/** In milliseconds, as uWebSockets.js has it: for a request's head, and for a connection on which nothing moves. */
const IDLE_TIMEOUT = 10_000;
const CHECK_EVERY = 1_000;

/** Of a request. */
const MAX_HEAD_BYTES = 16 * 1024;

/** A peer that has vanished without a word is noticed after about this and the system's probes, in milliseconds. */
const KEEP_ALIVE = 60_000;

const REST = "/*";

/** Of a Sec-WebSocket-Key: 16 bytes in base64. */
const KEY_LENGTH = 24;

interface PathHandlers {
  head: RequestHandler | undefined;
  any: RequestHandler | undefined;
}

const raw = (status: string): string => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
const headOf = (status: string): AnswerHead => ({ status, type: undefined, fields: [] });

const PLAIN_CLIENT = "a client speaks plain HTTP on the HTTP port, which speaks TLS: it must use https:// or wss://";
const TLS_CLIENT =
  "a client speaks TLS on the HTTP port, which does not: it must use http:// or ws://, or the broker needs a certificate";

const BAD_REQUEST = raw("400 Bad Request");
const FAULTS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: raw("431 Request Header Fields Too Large"),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: raw("413 Payload Too Large"),
  ERR_HTTP_REQUEST_TIMEOUT: raw("408 Request Timeout"),
};

export class NodeEngine implements HttpEngine {
  readonly name = "node";
  readonly #host: EngineHost;
  readonly #server: Server;
  readonly #isTls: boolean;
  readonly #wrongScheme: Hint;
  readonly #paths = new Map<string, PathHandlers>();
  readonly #webSockets: NodeWebSockets;
  /** All sockets; with TLS those under it. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new WeakMap<Socket, NodeConnection>();

  /** With TLS, those that have shaken hands; and the deadlines of those that have not, by the socket's path. */
  readonly #secured = new Set<Socket>();
  readonly #handshakes = new Map<string, NodeJS.Timeout>();
  readonly #idleTimeout: number;

  constructor(host: EngineHost, certificate?: Certificate, idleTimeout = IDLE_TIMEOUT) {
    this.#host = host;
    this.#isTls = certificate !== undefined;
    this.#idleTimeout = idleTimeout;
    this.#wrongScheme = new Hint(host.log, this.#isTls ? PLAIN_CLIENT : TLS_CLIENT);
    this.#webSockets = new NodeWebSockets(host.log);
    const options: ServerOptions = {
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: idleTimeout,
      keepAliveTimeout: idleTimeout,
      // A body may take its time as long as it gets on: see `timeout`.
      requestTimeout: 0,
      // Node would refuse it and run what is behind it.
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(CHECK_EVERY, idleTimeout),
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE,
      noDelay: true,
    };
    const server =
      certificate === undefined
        ? createServer(options, this.#onRequest)
        : createTlsServer({ ...options, ...certificate.settings }, this.#onRequest);
    this.#server = server;
    server.timeout = idleTimeout;
    // All that fit in a head: node drops what is above a limit, and the guard must see what there is.
    server.maxHeadersCount = 0;
    server.on("connection", (socket: Socket) => this.#count(socket));
    server.on("secureConnection", (socket: Socket) => this.#secure(socket));
    server.on("timeout", (socket: Socket) => this.#connectionOf(socket).idle());
    server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => this.#onFault(error, socket));
    server.on("upgrade", (message, socket, head) => this.#onUpgrade(message, socket as Socket, head));
    server.on("connect", (_message, socket) => this.#connectionOf(socket as Socket).failDetached(BAD_REQUEST));
    // Errors of listening are reported by `listenOn`.
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.syscall === "accept") host.acceptFailed(error);
    });
  }

  get plain(): number {
    // A socket closes before its WebSocket does.
    return Math.max(0, this.#sockets.size - this.#webSockets.size);
  }

  get webSockets(): number {
    return this.#webSockets.size;
  }

  get isSending(): boolean {
    for (const socket of this.#isTls ? this.#secured : this.#sockets) if (socket.writableLength > 0) return true;
    return false;
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  add(method: "head" | "any", path: string, handler: RequestHandler): void {
    const handlers = this.#paths.get(path) ?? { head: undefined, any: undefined };
    handlers[method] = handler;
    this.#paths.set(path, handlers);
  }

  addWebSocket(path: string, route: WebSocketRoute): void {
    this.#webSockets.add(path, route);
  }

  async open(wanted: Address): Promise<Address> {
    const { port } = await listenOn(this.#server, "HTTP", wanted);
    return { host: wanted.host, port };
  }

  renew({ settings }: Certificate): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(settings);
  }

  pause(): void {
    // Not `close` of `http.Server`, which closes idle connections too.
    NetServer.prototype.close.call(this.#server);
  }

  close(): void {
    this.#server.close();
    this.#webSockets.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Counts a new socket. One that `#readAgain` has emitted again is counted already. */
  #count(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#watch(socket);
    if (!this.#host.admitsSocket()) socket.destroy();
    else if (this.#isTls) this.#expectHandshake(socket);
  }

  /** Node's own timeout for handshakes is one for silence. */
  #expectHandshake(socket: Socket): void {
    const path = pathOf(socket);
    const timer = setTimeout(() => socket.destroy(), this.#idleTimeout).unref();
    this.#handshakes.set(path, timer);
    socket.once("close", () => {
      clearTimeout(timer);
      if (this.#handshakes.get(path) === timer) this.#handshakes.delete(path);
    });
  }

  /** A socket has shaken hands. One that `#readAgain` has emitted again is known already. */
  #secure(socket: Socket): void {
    if (this.#secured.has(socket)) return;
    this.#secured.add(socket);
    clearTimeout(this.#handshakes.get(pathOf(socket)));
    this.#handshakes.delete(pathOf(socket));
    socket.once("close", () => this.#secured.delete(socket));
    this.#watch(socket);
  }

  #watch(socket: Socket): void {
    // A reset is followed by `close`, and there is nothing else to do about it.
    socket.on("error", (error) => this.#host.log.debug({ error: error.message }, "a socket failed"));
  }

  #connectionOf(socket: Socket): NodeConnection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const made = new NodeConnection(socket);
    this.#connections.set(socket, made);
    return made;
  }

  readonly #onRequest = (message: IncomingMessage, response: ServerResponse): void => {
    const connection = this.#connectionOf(message.socket);
    if (!connection.begin(message)) return;
    const request = new NodeRequest(message);
    const handlers = this.#paths.get(request.path) ?? this.#paths.get(REST);
    const handler = (message.method === "HEAD" && handlers?.head) || handlers?.any;
    const answer = new NodeResponse(message, response, connection, this.#host.log);
    try {
      if (message.httpVersion === "1.1" && message.headers.host === undefined) {
        answer.reject(headOf("400 Bad Request"), "");
      } else if (handler === undefined) answer.send(headOf("404 Not Found"), "");
      else handler(request, answer);
    } catch (error) {
      contain(this.#host.log, "a request", error, () => answer.close());
    }
  };

  #onUpgrade(message: IncomingMessage, socket: Socket, head: Buffer): void {
    const connection = this.#connectionOf(socket);
    // The answer would have to wait for those to what came before, which node would not send behind it.
    if (connection.isBusy) return connection.failDetached(BAD_REQUEST);
    try {
      const request = new NodeRequest(message);
      const isWebSocket =
        message.method === "GET" &&
        request.header("upgrade").toLowerCase() === "websocket" &&
        // As uWebSockets.js has it: a request whose key cannot be one is handled like any other.
        request.header("sec-websocket-key").length === KEY_LENGTH;
      const route = isWebSocket ? this.#webSockets.route(request.path) : undefined;
      if (route === undefined) return this.#readAgain(message, socket, head);
      if (!connection.begin(message)) return;
      const response = new ServerResponse(message);
      response.shouldKeepAlive = false;
      response.assignSocket(socket);
      response.once("finish", () => socket.destroySoon());
      const peer = route.accept(request, new NodeResponse(message, response, connection, this.#host.log));
      if (peer === undefined) return;
      response.detachSocket(socket);
      this.#webSockets.open(route, peer, message, socket, head);
    } catch (error) {
      contain(this.#host.log, "a WebSocket", error, () => socket.destroy());
    }
  }

  /** An upgrade to a protocol that is not served here is ignored: the request is handled like any other. */
  #readAgain(message: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.unshift(Buffer.concat([withoutUpgrade(message), head]));
    this.#server.emit(this.#isTls ? "secureConnection" : "connection", socket);
  }

  #onFault(error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }, socket: Socket): void {
    if (this.#isTls ? isPlainText(error) : beginsTls(error.rawPacket))
      this.#wrongScheme.give({ peer: socket.remoteAddress });
    else this.#host.log.debug({ peer: socket.remoteAddress, error: error.message }, "a request cannot be read");
    const answer = FAULTS[error.code ?? ""] ?? (error.code?.startsWith("HPE_") ? BAD_REQUEST : undefined);
    const isCutOff = error.code === "HPE_INVALID_EOF_STATE";
    if (answer === undefined || isCutOff || !socket.writable || socket.bytesRead === 0) socket.destroy();
    else this.#connectionOf(socket).fail(answer);
  }
}
