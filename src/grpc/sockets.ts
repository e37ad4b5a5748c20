/** The sockets of clients, by the name that grpc-js gives them: it has no other way to close one. */
import type { Socket } from "node:net";

export class Sockets {
  readonly #byPeer = new Map<string, Socket>();

  connected(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#byPeer.set(peer, socket);
    socket.once("close", () => this.#byPeer.delete(peer));
  }

  /** Closes the connection of a peer at once. */
  destroy(peer: string): void {
    this.#byPeer.get(peer)?.destroy();
  }
}
