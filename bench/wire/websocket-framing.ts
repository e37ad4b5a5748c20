/**
 * WebSocket framing (RFC 6455) for a load generator that sends the same bytes again and again.
 *
 * A client must mask what it sends. A mask of zeros leaves the payload unchanged, so a frame is encoded once and the
 * generator spends no time on masking. The broker unmasks it like any other.
 */
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "#protocol/limits.js";
import type { Receive } from "./wire.js";

const FIN_BINARY = 0x82;
const PONG = 0x8a;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;
const OPCODE = 0x0f;
const OP_CONTINUATION = 0;
const OP_BINARY = 2;
const OP_PING = 9;
/** The header of a server's frame: two bytes, and up to eight for the length. */
const MAX_HEADER_BYTES = 10;

/** A masked pong without payload. */
export const EMPTY_PONG = Uint8Array.of(PONG, MASKED, 0, 0, 0, 0);

/** Bytes of the header of a message. `length` is at most MAX_WEBSOCKET_MESSAGE_BYTES. */
const headerBytes = (length: number): number => (length < LENGTH_16 ? 2 : 4) + MASK_BYTES;

/** Bytes of WebSocket framing before the first byte of a frame of `length` bytes. */
export const prefixBytes = (length: number): number => headerBytes(Math.min(length, MAX_WEBSOCKET_MESSAGE_BYTES));

/** Writes the header of a binary message of `length` bytes, with a mask of zeros, at the start of `bytes`. */
const writeHeader = (bytes: Uint8Array, length: number): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint8(0, FIN_BINARY);
  const masked = headerBytes(length) - MASK_BYTES;
  if (masked === 2) view.setUint8(1, MASKED | length);
  else {
    view.setUint8(1, MASKED | LENGTH_16);
    view.setUint16(2, length);
  }
  view.setUint32(masked, 0);
};

/** A frame in WebSocket messages of at most the size that the broker accepts. */
export const frameMessages = (frame: Uint8Array): Uint8Array => {
  const full = Math.floor(frame.length / MAX_WEBSOCKET_MESSAGE_BYTES);
  const last = frame.length % MAX_WEBSOCKET_MESSAGE_BYTES;
  const headers = full * headerBytes(MAX_WEBSOCKET_MESSAGE_BYTES) + (last > 0 ? headerBytes(last) : 0);
  const bytes = new Uint8Array(headers + frame.length);
  let to = 0;
  for (let at = 0; at < frame.length; at += MAX_WEBSOCKET_MESSAGE_BYTES) {
    const part = frame.subarray(at, at + MAX_WEBSOCKET_MESSAGE_BYTES);
    writeHeader(bytes.subarray(to), part.length);
    to += headerBytes(part.length);
    bytes.set(part, to);
    to += part.length;
  }
  return bytes;
};

/** Removes the server's framing from a stream and passes on the payload in pieces, as it comes. */
export class Deframer {
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  readonly #view = new DataView(this.#header.buffer);
  #have = 0;
  #payload = 0;

  constructor(
    private readonly receive: Receive,
    private readonly ping: () => void,
  ) {}

  push(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#payload > 0) {
        const part = Math.min(this.#payload, end - at);
        this.receive(bytes, view, at, at + part);
        this.#payload -= part;
        at += part;
        continue;
      }
      this.#header[this.#have++] = view.getUint8(at++);
      if (this.#have >= 2 && this.#have === this.#headerBytes()) this.#open();
    }
  }

  #headerBytes(): number {
    const length = this.#view.getUint8(1);
    return length === LENGTH_64 ? 10 : length === LENGTH_16 ? 4 : 2;
  }

  #open(): void {
    const short = this.#view.getUint8(1);
    const length =
      short === LENGTH_16
        ? this.#view.getUint16(2)
        : short === LENGTH_64
          ? this.#view.getUint32(2) * 0x1_0000_0000 + this.#view.getUint32(6)
          : short;
    this.#have = 0;
    const op = this.#view.getUint8(0) & OPCODE;
    if (op === OP_PING && length === 0) this.ping();
    else if (op === OP_BINARY || op === OP_CONTINUATION) this.#payload = length;
    else throw new Error(`the broker sent a WebSocket frame of opcode ${op} and ${length} bytes`);
  }
}
