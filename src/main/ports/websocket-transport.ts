/** A native connection over WebSocket: the broker sends one frame in each binary message. */
import type { WebSocket } from "uWebSockets.js";
import { LENGTH_BYTES } from "../../protocol/frame.js";
import type { NativeConnection } from "../native/connection.js";
import type { Transport } from "../native/transport.js";

/** What a WebSocket carries through its life. */
export interface SocketData {
  transport: WebSocketTransport | undefined;
  connection: NativeConnection | undefined;
  /** Of whose connections it is one, and whether it is counted as such. */
  readonly share: string;
  isAdmitted: boolean;
}

/** RFC 6455: the endpoint is going away, and a normal end. */
const NORMAL_CLOSURE = 1000;

export class WebSocketTransport implements Transport {
  readonly framed = true;
  /** uWebSockets.js reads a WebSocket whether one likes it or not. */
  readonly canPause = false;
  readonly peer: string;
  readonly #socket: WebSocket<SocketData>;
  /** The socket must not be touched any more. */
  #isGone = false;

  constructor(socket: WebSocket<SocketData>) {
    this.#socket = socket;
    this.peer = `websocket ${Buffer.from(socket.getRemoteAddressAsText()).toString()}`;
  }

  /** The socket has closed. */
  gone(): void {
    this.#isGone = true;
  }

  write(bytes: Buffer): boolean {
    if (this.#isGone) return true;
    this.#socket.cork(() => {
      let at = 0;
      while (at < bytes.length) {
        const next = at + LENGTH_BYTES + bytes.readUInt32BE(at);
        this.#socket.send(at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next), true);
        at = next;
      }
    });
    // What cannot leave at once uWebSockets.js has copied.
    return true;
  }

  bufferedBytes(): number {
    return this.#isGone ? 0 : this.#socket.getBufferedAmount();
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    if (!this.#isGone) this.#socket.end(NORMAL_CLOSURE);
  }

  destroy(): void {
    if (!this.#isGone) this.#socket.close();
  }
}
