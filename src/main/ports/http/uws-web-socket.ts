/** A WebSocket of uWebSockets.js. */
import type { HttpWebSocket } from "./engine.js";
import type { EntryRanges } from "./entry-ranges.js";
import type { UwsWebSocket } from "./uws-types.js";

export class UwsHttpWebSocket implements HttpWebSocket {
  /** uWebSockets.js cannot pause a WebSocket. */
  readonly canPause = false;
  readonly remoteAddress: string;
  readonly #socket: UwsWebSocket<unknown>;
  /** The socket must not be touched any more. */
  #isGone = false;

  constructor(socket: UwsWebSocket<unknown>) {
    this.#socket = socket;
    this.remoteAddress = Buffer.from(socket.getRemoteAddressAsText()).toString();
  }

  /** The socket has closed. */
  gone(): void {
    this.#isGone = true;
  }

  get bufferedBytes(): number {
    return this.#isGone ? 0 : this.#socket.getBufferedAmount();
  }

  send(bytes: Buffer, messageEnd: (bytes: Buffer, start: number) => number): boolean {
    if (this.#isGone) return true;
    this.#socket.cork(() => {
      let at = 0;
      while (at < bytes.length) {
        const next = messageEnd(bytes, at);
        this.#socket.send(at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next), true);
        at = next;
      }
    });
    // uWebSockets.js copies what it cannot send at once.
    return true;
  }

  sendEntries(entries: EntryRanges): void {
    const { bytes } = entries;
    if (this.#isGone || bytes === undefined) return;
    const { buffer, byteOffset } = bytes;
    this.#socket.cork(() => {
      entries.each((start, end) => {
        // Not `subarray`: that of a Buffer takes much longer.
        this.#socket.send(new Uint8Array(buffer, byteOffset + start, end - start), true);
      });
    });
  }

  sendTexts(texts: readonly string[]): void {
    if (this.#isGone) return;
    this.#socket.cork(() => {
      for (const text of texts) this.#socket.send(text, false);
    });
  }

  pause(): void {}

  resume(): void {}

  end(code: number, reason?: string): void {
    if (this.#isGone) return;
    if (reason === undefined) this.#socket.end(code);
    else this.#socket.end(code, reason);
  }

  close(): void {
    if (!this.#isGone) this.#socket.close();
  }
}
