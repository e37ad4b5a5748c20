/**
 * WebSocket framing (RFC 6455) for a load generator that sends the same bytes again and again.
 *
 * A client must mask what it sends. A mask of zeros leaves the payload as it is, so a frame is encoded once and the
 * generator does not spend its time on masking; the broker unmasks as it would any other.
 */
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
/** Of a server's frame: two bytes and at most eight of length. */
const MAX_HEADER_BYTES = 10;

/** A masked pong without payload. */
export const EMPTY_PONG = Uint8Array.of(PONG, MASKED, 0, 0, 0, 0);

/** The bytes that stand before a payload of `length` bytes. */
export const prefixBytes = (length: number): number =>
  (length < LENGTH_16 ? 2 : length < 0x1_0000 ? 4 : 10) + MASK_BYTES;

/** Writes the prefix of a binary message of `length` bytes, unmasked in effect, at the start of `bytes`. */
export const writePrefix = (bytes: Uint8Array, length: number): void => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint8(0, FIN_BINARY);
  const masked = prefixBytes(length) - MASK_BYTES;
  if (masked === 2) view.setUint8(1, MASKED | length);
  else if (masked === 4) {
    view.setUint8(1, MASKED | LENGTH_16);
    view.setUint16(2, length);
  } else {
    view.setUint8(1, MASKED | LENGTH_64);
    view.setUint32(2, 0);
    view.setUint32(6, length);
  }
  view.setUint32(masked, 0);
};

/** Takes the server's framing off a stream and passes on the payload, in the pieces in which it comes. */
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
