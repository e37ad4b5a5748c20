/**
 * A server as memmq's own: /pub over HTTP, /sub over WebSocket, and nothing that they do not know. A test says what it
 * answers, cuts it off, and starts it again on the same port.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

export class PlainServer {
  /** Bodies of what was published, in order, taken or not. */
  readonly published: string[] = [];
  /** The query of each subscription. */
  readonly queries: string[] = [];
  /** The status of the next answers; 200 when there is none left. 0: the connection is cut instead. */
  statuses: number[] = [];
  port = 0;
  #server: Server | undefined;
  #sockets: WebSocketServer | undefined;

  static async start(): Promise<PlainServer> {
    const server = new PlainServer();
    await server.open();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get subscribers(): number {
    return this.#sockets?.clients.size ?? 0;
  }

  async open(): Promise<void> {
    const sockets = new WebSocketServer({ noServer: true });
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      this.published.push(body.toString());
      const status = this.statuses.shift() ?? 200;
      if (status === 200) this.send(body);
      if (status === 0) request.socket.destroy();
      else response.writeHead(status).end();
    });
    server.on("upgrade", (request, socket, head) => {
      this.queries.push(new URL(request.url ?? "", "http://x").search);
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit("connection", client));
    });
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** To all subscribers, as a binary frame. */
  send(body: Buffer): void {
    for (const client of this.#sockets?.clients ?? []) client.send(body, { binary: true });
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const client of this.#sockets?.clients ?? []) client.terminate();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}
