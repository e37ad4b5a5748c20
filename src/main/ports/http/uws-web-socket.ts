/** A WebSocket of uWebSockets.js. */
import type { HttpWebSocket, WebSocketPeer } from "./engine.js";
import type { EntryRanges } from "./entry-ranges.js";
import type { UwsWebSocket } from "./uws-types.js";

export class UwsHttpWebSocket implements HttpWebSocket {
  /** uWebSockets.js cannot pause a WebSocket. */
  readonly canPause = false;
  remoteAddress = "";
  /** Undefined: it is not open yet, or has closed and must not be touched any more. */
  #socket: UwsWebSocket<unknown> | undefined;

  constructor(readonly peer: WebSocketPeer) {}

  opened(socket: UwsWebSocket<unknown>): void {
    this.#socket = socket;
    this.remoteAddress = Buffer.from(socket.getRemoteAddressAsText()).toString();
    this.peer.opened(this);
  }

  closed(): void {
    this.#socket = undefined;
    this.peer.closed();
  }

  get bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  send(bytes: Buffer, messageEnd: (bytes: Buffer, start: number) => number): boolean {
    const socket = this.#socket;
    socket?.cork(() => {
      let at = 0;
      while (at < bytes.length) {
        const next = messageEnd(bytes, at);
        socket.send(at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next), true);
        at = next;
      }
    });
    // uWebSockets.js copies what it cannot send at once.
    return true;
  }

  sendEntries(entries: EntryRanges): void {
    const socket = this.#socket;
    const { bytes } = entries;
    if (socket === undefined || bytes === undefined) return;
    const { buffer, byteOffset } = bytes;
    socket.cork(() => {
      entries.each((start, end) => {
        // Not `subarray`: that of a Buffer takes much longer.
        socket.send(new Uint8Array(buffer, byteOffset + start, end - start), true);
      });
    });
  }

  sendTexts(texts: readonly string[]): void {
    const socket = this.#socket;
    socket?.cork(() => {
      for (const text of texts) socket.send(text, false);
    });
  }

  pause(): void {}

  resume(): void {}

  end(code: number, reason?: string): void {
    if (reason === undefined) this.#socket?.end(code);
    else this.#socket?.end(code, reason);
  }

  close(): void {
    this.#socket?.close();
  }
}
