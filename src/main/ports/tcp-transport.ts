/** A native connection over TCP. */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Transport } from "../native/transport.js";

/** How long a connection that was ended may take to send what is left and to be closed by its other side. */
export const LINGER = 2_000;

export class TcpTransport implements Transport {
  readonly framed = false;
  readonly canPause = true;
  readonly protocol: string;
  readonly address: string;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.protocol = socket instanceof TLSSocket ? "tls" : "tcp";
    this.address = `${socket.remoteAddress}:${socket.remotePort}`;
  }

  write(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    // Behind a socket that is full a copy waits, unless the bytes fill most of their buffer anyway.
    if (socket.writableLength > 0 && bytes.length < bytes.buffer.byteLength / 2) {
      socket.write(Buffer.from(bytes));
      return true;
    }
    socket.write(bytes);
    // What the system has taken at once, which is nearly everything, nobody looks at again.
    return socket.writableLength === 0;
  }

  bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    lingeringEnd(this.#socket);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/**
 * Ends a socket. What still comes is read and dropped: to close over unread bytes would reset the connection, and the
 * last words would be lost.
 */
export const lingeringEnd = (socket: Socket, bytes?: Buffer): void => {
  if (bytes === undefined) socket.end();
  else socket.end(bytes);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER);
  timer.unref();
  socket.once("close", () => clearTimeout(timer));
};
