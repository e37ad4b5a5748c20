/** All WebSockets of the engine on node:http, by the package ws. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Log } from "../../log.js";
import { LINGER } from "../tcp-transport.js";
import type { WebSocketPeer, WebSocketRoute } from "./engine.js";
import { NodeWebSocket } from "./node-web-socket.js";

/** How often silent peers are looked for, in milliseconds. */
const SWEEP_EVERY = 4_000;

interface Route extends WebSocketRoute {
  readonly server: WebSocketServer;
}

export class NodeWebSockets {
  readonly #log: Log;
  readonly #routes = new Map<string, Route>();
  readonly #open = new Set<NodeWebSocket>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  get size(): number {
    return this.#open.size;
  }

  add(path: string, route: WebSocketRoute): void {
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: route.maxMessageBytes,
      // For the other side to answer the close frame.
      closeTimeout: LINGER,
    };
    const { maxMessageBytes, idleTimeout } = route;
    const accept: WebSocketRoute["accept"] = (request, response) => route.accept(request, response);
    this.#routes.set(path, { maxMessageBytes, idleTimeout, accept, server: new WebSocketServer(options) });
  }

  route(path: string): Route | undefined {
    return this.#routes.get(path);
  }

  /** Makes a WebSocket of a connection whose request was accepted; a request that is none is refused. */
  open(route: Route, peer: WebSocketPeer, message: IncomingMessage, socket: Socket, head: Buffer): void {
    route.server.handleUpgrade(message, socket, head, (webSocket) => this.#opened(route, peer, webSocket, socket));
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    for (const socket of this.#open) socket.close();
  }

  #opened(route: Route, peer: WebSocketPeer, webSocket: WebSocket, socket: Socket): void {
    const opened = new NodeWebSocket(webSocket, socket, peer, route.idleTimeout * 1000, performance.now(), this.#log);
    this.#open.add(opened);
    webSocket.once("close", () => {
      this.#open.delete(opened);
      peer.closed();
    });
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_EVERY).unref();
    peer.opened(opened);
  }

  #sweep(): void {
    const now = performance.now();
    for (const socket of this.#open) socket.sweep(now);
    if (this.#open.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
