/** The HTTP port on uWebSockets.js. */
import { contain } from "../../native/error-boundary.js";
import type { Address } from "../../options.js";
import type { Certificate } from "../certificate.js";
import { findListenError } from "../listening.js";
import { CommonAddress } from "./common-address.js";
import type { EngineHost, HttpEngine, HttpRequest, RequestHandler, WebSocketPeer, WebSocketRoute } from "./engine.js";
import { secureApp } from "./uws-certificate.js";
import { addressOf, UwsResponse } from "./uws-response.js";
import type { Uws, UwsApp, UwsHttpResponse, UwsListenSocket, UwsRequest } from "./uws-types.js";
import { UwsHttpWebSocket } from "./uws-web-socket.js";

/** LIBUS_LISTEN_EXCLUSIVE_PORT, which the library's types have as an enum and the library as a number. Else ports are shared. */
const EXCLUSIVE_PORT = 1;

/** Milliseconds until a port that cannot be opened is tried again. */
const TRY_AGAIN = 1_000;

/** An app and the sockets that it has. */
interface Serving {
  readonly app: UwsApp;
  sockets: number;
}

/** What a WebSocket carries through its life. uWebSockets.js makes each key a property of the WebSocket, which costs. */
interface UwsSocketData {
  readonly carried: UwsHttpWebSocket;
}

/** The head of the request that is being handled. One object for all: heads are good only until the handler returns. */
class CurrentRequest implements HttpRequest {
  of: UwsRequest | undefined;

  get method(): string {
    return this.#request.getMethod();
  }

  get query(): string {
    return this.#request.getQuery() ?? "";
  }

  header(name: string): string {
    return this.#request.getHeader(name);
  }

  eachHeader(callback: (name: string, value: string) => void): void {
    this.#request.forEach(callback);
  }

  get #request(): UwsRequest {
    if (this.of === undefined) throw new Error("a request's head is gone when its handler has returned");
    return this.of;
  }
}

export class UwsEngine implements HttpEngine {
  readonly name = "uws";
  readonly #uws: Uws;
  /** Takes the sockets. */
  #serving: Serving;
  /** With certificates that have been replaced: they keep the sockets that they have. */
  readonly #former = new Set<Serving>();
  /** What has been added, for the app of the next certificate. */
  readonly #routes: ((serving: Serving) => void)[] = [];
  readonly #host: EngineHost;
  readonly #request = new CurrentRequest();
  readonly #address = new CommonAddress();
  #plain = 0;
  #webSockets = 0;
  #listening: UwsListenSocket | undefined;
  /** Once it has listened. */
  #listensAt: Address | undefined;

  constructor(uws: Uws, host: EngineHost, certificate?: Certificate) {
    this.#uws = uws;
    this.#host = host;
    this.#serving = { app: certificate === undefined ? uws.App() : secureApp(uws, certificate), sockets: 0 };
    // Despite its name, a filter is called for each socket that comes (1) or goes (−1).
    this.#install((serving) =>
      serving.app.filter((response, change) => this.#count(serving, response, Number(change))),
    );
  }

  get plain(): number {
    return this.#plain;
  }

  get webSockets(): number {
    return this.#webSockets;
  }

  /** It does not tell. The parts of a long answer are waited for one by one, and its end is short. */
  readonly isSending = false;

  get isListening(): boolean {
    return this.#listening !== undefined;
  }

  add(method: "head" | "any", path: string, handler: RequestHandler): void {
    this.#install(({ app }) => app[method](path, (response, request) => this.#run(handler, response, request)));
  }

  addWebSocket(path: string, route: WebSocketRoute): void {
    this.#install((serving) => this.#addWebSocketTo(serving, path, route));
  }

  #install(route: (serving: Serving) => void): void {
    this.#routes.push(route);
    route(this.#serving);
  }

  #addWebSocketTo(serving: Serving, path: string, route: WebSocketRoute): void {
    serving.app.ws<UwsSocketData>(path, {
      maxPayloadLength: route.maxMessageBytes,
      idleTimeout: route.idleTimeout,
      sendPingsAutomatically: true,
      // No limit here: the connection knows how much it may buffer, and what to do when it is too much.
      maxBackpressure: 0,
      upgrade: (response, request, context) => {
        let peer: WebSocketPeer | undefined;
        this.#run(
          (head, answer) => {
            peer = route.accept(head, answer);
          },
          response,
          request,
        );
        if (peer === undefined) return;
        const [key, protocol, extensions] = ["key", "protocol", "extensions"].map((name) =>
          request.getHeader(`sec-websocket-${name}`),
        );
        const data: UwsSocketData = { carried: new UwsHttpWebSocket(peer) };
        // The filter is not called when a WebSocket goes.
        this.#plain--;
        this.#address.went();
        response.upgrade(data, key ?? "", protocol ?? "", extensions ?? "", context);
      },
      open: (socket) => {
        this.#webSockets++;
        socket.getUserData().carried.opened(socket);
      },
      message: (socket, message, isBinary) =>
        socket.getUserData().carried.peer.message(new Uint8Array(message), isBinary),
      drain: (socket) => socket.getUserData().carried.peer.drained(),
      // The answer is sent already.
      ping: (socket) => {
        if (socket.getBufferedAmount() > 0) socket.getUserData().carried.peer.unsent();
      },
      close: (socket) => {
        this.#webSockets--;
        socket.getUserData().carried.closed();
        serving.sockets--;
        this.#leave(serving);
      },
    });
  }

  async open({ host, port }: Address): Promise<Address> {
    const listening = await this.#tryPort(host, port);
    if (listening === false) throw await findListenError("HTTP", { host, port });
    const found = this.#uws.us_socket_local_port(listening);
    if (port !== 0) {
      this.#listening = listening;
      this.#listensAt = { host, port: found };
      return this.#listensAt;
    }
    // Only a port that was asked for by its number can be opened again beside its connections (SO_REUSEADDR).
    this.#uws.us_listen_socket_close(listening);
    const again = await this.#tryPort(host, found);
    if (again === false) return this.open({ host, port });
    this.#listening = again;
    this.#listensAt = { host, port: found };
    return this.#listensAt;
  }

  /**
   * uWebSockets.js reads a certificate when an app is made: another app takes over the port. Both cannot listen at once, so
   * a client that comes in the moment between is refused, and one that waits to be accepted is reset.
   */
  renew(certificate: Certificate): void {
    const former = this.#serving;
    this.#serving = { app: secureApp(this.#uws, certificate), sockets: 0 };
    for (const route of this.#routes) route(this.#serving);
    this.#former.add(former);
    this.#leave(former);
    if (this.#listening === undefined) return;
    this.pause();
    this.#listenAgain();
  }

  #listenAgain(): void {
    if (this.#listensAt === undefined || this.#listening !== undefined) return;
    const { host, port } = this.#listensAt;
    this.#serving.app.listen(host, port, EXCLUSIVE_PORT, (listening) => {
      if (listening !== false) this.#listening = listening;
      else {
        this.#host.log.error(
          { host, port },
          "the HTTP port cannot be opened with its next certificate; tried again soon",
        );
        setTimeout(() => this.#listenAgain(), TRY_AGAIN).unref();
      }
    });
  }

  /** The last socket under a certificate that was replaced has gone. */
  #leave(serving: Serving): void {
    // Not from within a callback of the app.
    if (serving.sockets === 0 && this.#former.delete(serving)) setImmediate(() => serving.app.close());
  }

  pause(): void {
    if (this.#listening !== undefined) this.#uws.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
  }

  close(): void {
    this.#listening = undefined;
    this.#listensAt = undefined;
    for (const { app } of [this.#serving, ...this.#former]) app.close();
    this.#former.clear();
  }

  #tryPort(host: string, port: number): Promise<UwsListenSocket | false> {
    return new Promise((resolve) => {
      this.#serving.app.listen(host, port, EXCLUSIVE_PORT, resolve);
    });
  }

  #count(serving: Serving, response: UwsHttpResponse, change: number): void {
    // It is also called with −1 for a socket that is closed below.
    this.#plain += change;
    serving.sockets += change;
    if (change > 0) this.#address.came(addressOf(response));
    else this.#address.went();
    if (change > 0 && !this.#host.admitsSocket()) response.close();
    else if (change < 0) this.#leave(serving);
  }

  #run(handler: RequestHandler, response: UwsHttpResponse, request: UwsRequest): void {
    const answer = new UwsResponse(response, this.#host.log, this.#address.value);
    this.#request.of = request;
    try {
      handler(this.#request, answer);
    } catch (error) {
      contain(this.#host.log, "a request", error, () => answer.close());
    } finally {
      this.#request.of = undefined;
    }
  }
}
