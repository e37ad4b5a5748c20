/** A WebSocket of the package ws. */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Log } from "../../log.js";
import type { HttpWebSocket, WebSocketPeer } from "./engine.js";
import type { EntryRanges } from "./entry-ranges.js";
import { framesOf } from "./websocket-frames.js";

/** Before a silent peer is taken for dead it has been pinged and had so long to answer, in milliseconds. */
const PING_BEFORE = 8_000;

const BINARY = { binary: true, compress: false };

export class NodeWebSocket implements HttpWebSocket {
  readonly canPause = true;
  readonly remoteAddress: string;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #idleTimeout: number;
  #isPaused = false;
  #isEnding = false;
  /** When bytes were last found to have come, and how many they were. */
  #heardAt: number;
  #heardBytes = 0;
  #isPinged = false;

  /** @param idleTimeout in milliseconds */
  constructor(webSocket: WebSocket, socket: Socket, peer: WebSocketPeer, idleTimeout: number, now: number, log: Log) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#idleTimeout = idleTimeout;
    this.#heardAt = now;
    this.remoteAddress = socket.remoteAddress ?? "";
    webSocket.on("message", (data: Buffer, isBinary: boolean) => {
      if (!this.#isEnding) peer.message(new Uint8Array(data.buffer, data.byteOffset, data.length), isBinary);
    });
    // It closes by itself.
    webSocket.on("error", (error) => log.debug({ error: error.message }, "a WebSocket failed"));
    socket.on("drain", () => peer.drained());
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  send(bytes: Buffer, messageEnd: (bytes: Buffer, start: number) => number): boolean {
    const webSocket = this.#webSocket;
    const socket = this.#socket;
    if (webSocket.readyState !== webSocket.OPEN) return true;
    // Behind a socket that is full a copy waits, unless the bytes fill most of their buffer anyway.
    const isCopied = socket.writableLength > 0 && bytes.length < bytes.buffer.byteLength / 2;
    const sent = isCopied ? Buffer.from(bytes) : bytes;
    socket.cork();
    for (let at = 0; at < sent.length; ) {
      const next = messageEnd(sent, at);
      webSocket.send(at === 0 && next === sent.length ? sent : sent.subarray(at, next), BINARY);
      at = next;
    }
    socket.uncork();
    // What the system has taken at once nobody looks at again.
    return isCopied || socket.writableLength === 0;
  }

  sendEntries(entries: EntryRanges): void {
    const { readyState, OPEN } = this.#webSocket;
    // All in one write, which ws does not offer. It keeps nothing back where nothing is compressed.
    if (readyState === OPEN) this.#socket.write(framesOf(entries));
  }

  sendTexts(texts: readonly string[]): void {
    const webSocket = this.#webSocket;
    if (webSocket.readyState !== webSocket.OPEN) return;
    this.#socket.cork();
    for (const text of texts) webSocket.send(text);
    this.#socket.uncork();
  }

  pause(): void {
    this.#isPaused = true;
    this.#webSocket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#webSocket.resume();
  }

  end(code: number, reason?: string): void {
    this.#isEnding = true;
    // The close frame of the other side has to be read.
    if (this.#isPaused) this.resume();
    this.#webSocket.close(code, reason);
  }

  close(): void {
    this.#webSocket.terminate();
  }

  /** To be called every few seconds: pings a peer from which nothing comes, and closes one that does not answer. */
  sweep(now: number): void {
    const { bytesRead } = this.#socket;
    // Nothing comes from a peer that is not read.
    if (this.#isPaused || bytesRead !== this.#heardBytes) {
      this.#heardBytes = bytesRead;
      this.#heardAt = now;
      this.#isPinged = false;
      return;
    }
    const silence = now - this.#heardAt;
    if (silence >= this.#idleTimeout) {
      this.close();
    } else if (!this.#isPinged && silence >= this.#idleTimeout - PING_BEFORE) {
      this.#isPinged = true;
      this.#webSocket.ping();
    }
  }
}
