/** A native connection over WebSocket: the broker sends one frame in each binary message. */
import { LENGTH_BYTES } from "../../../protocol/frame.js";
import type { Transport } from "../../native/transport.js";
import type { HttpWebSocket } from "./engine.js";

/** RFC 6455: a normal end. */
const NORMAL_CLOSURE = 1000;

export class WebSocketTransport implements Transport {
  readonly framed = true;
  readonly canPause: boolean;
  readonly protocol = "websocket";
  readonly address: string;
  readonly #socket: HttpWebSocket;

  constructor(socket: HttpWebSocket) {
    this.#socket = socket;
    this.canPause = socket.canPause;
    this.address = socket.remoteAddress;
  }

  write(bytes: Buffer): boolean {
    return this.#socket.send(bytes, frameEnd);
  }

  bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end(NORMAL_CLOSURE);
  }

  destroy(): void {
    this.#socket.close();
  }
}

const frameEnd = (bytes: Buffer, start: number): number => start + LENGTH_BYTES + bytes.readUInt32BE(start);
