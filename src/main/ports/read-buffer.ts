/**
 * Sockets that were accepted read into one buffer, for all of them. By itself node makes each read a buffer of its own, up
 * to 64 KiB that are garbage a moment later: to collect them takes a third of a busy main thread. `onread` of node:net is
 * for sockets that a program opens; so what was accepted gives its handle to such a socket.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

/** As much as node reads at once. */
const READ_BYTES = 64 * 1024;

/** Who is given what a socket brings. */
export interface Reading {
  /** [0, length) of `bytes`, which are the socket's again when it returns. */
  onRead(bytes: Buffer, view: DataView, length: number): void;
}

/** What node has a socket talk to the system through. It is not in the documentation of node:net. */
interface WithHandle {
  _handle?: object | null;
}

interface AdoptingOptions extends SocketConstructorOpts {
  readonly handle: object;
  readonly onread: OnReadOpts;
}

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

export class ReadBuffer {
  readonly #bytes = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #view = viewOf(this.#bytes);

  /** The socket to go on with in place of one that was accepted and is paused (`pauseOnConnect`). It reads at once. */
  adopt(accepted: Socket, reading: Reading): Socket {
    const { _handle: handle } = accepted as WithHandle;
    if (handle === undefined || handle === null) {
      // The documented way, in case there is no handle.
      forward(accepted, reading);
      return accepted;
    }
    (accepted as WithHandle)._handle = null;
    // Its server forgets it.
    accepted.destroy();
    const options: AdoptingOptions = {
      handle,
      onread: {
        buffer: this.#bytes,
        callback: (length: number) => {
          reading.onRead(this.#bytes, this.#view, length);
          return true;
        },
      },
    };
    return new Socket(options);
  }
}

/** For sockets that cannot read into a buffer of ours: those of TLS, which decrypt into their own. They read at once. */
export const forward = (socket: Socket, reading: Reading): void => {
  socket.on("data", (bytes: Buffer) => reading.onRead(bytes, viewOf(bytes), bytes.length));
  socket.resume();
};
