/**
 * Puts U+FFFD where bytes are not UTF-8, as decoding to a string does, in a text that comes in parts. What is behind it
 * can rely on UTF-8. Text without faults, nearly all there is, passes as it lies as long as no character is cut in two.
 */
import { isUtf8 } from "node:buffer";
import { StringDecoder } from "node:string_decoder";
import type { ByteSink } from "../byte-sink.js";

export class Utf8Repair implements ByteSink {
  readonly #sink: ByteSink;
  #decoder: StringDecoder | undefined;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Begins a new text. */
  reset(): void {
    this.#decoder = undefined;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#decoder === undefined) {
      if (isUtf8(bytes.subarray(start, end))) return this.#sink.write(bytes, start, end);
      this.#decoder = new StringDecoder("utf8");
    }
    this.#pass(this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)));
  }

  end(): void {
    if (this.#decoder !== undefined) this.#pass(this.#decoder.end());
  }

  #pass(text: string): void {
    if (text === "") return;
    const bytes = Buffer.from(text);
    this.#sink.write(bytes, 0, bytes.length);
  }
}
