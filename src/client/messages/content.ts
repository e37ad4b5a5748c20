/**
 * The body and headers of a received message, decoded only when a program asks for them.
 */
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { type Headers, NO_HEADERS, unpackHeaders } from "../../protocol/headers.js";
import { readText } from "../../protocol/text.js";
import { localError } from "../base/error.js";

/** The bytes of entries that came together. Messages are views of them. */
export interface Arrival {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Where the entry after the one at `at` begins. */
export const nextEntry = (view: DataView, at: number): number => at + WORD_BYTES + (view.getUint32(at) & SIZE_MASK);

export abstract class MessageContent {
  protected abstract readonly arrival: Arrival;
  #body: Uint8Array | undefined;

  constructor(
    /** Where its entry begins in the bytes. */
    private readonly at: number,
  ) {}

  /**
   * The bytes of the body. They are the program's own, and nothing else will write to them; but the messages that came
   * together share one piece of memory, which stays as long as any of their bodies is held. Copy what is to be kept
   * for long.
   */
  get body(): Uint8Array {
    if (this.#body !== undefined) return this.#body;
    const { bytes, view } = this.arrival;
    const word = view.getUint32(this.at);
    const start = this.at + WORD_BYTES;
    const headers = word >= HAS_HEADERS ? HEADERS_LENGTH_BYTES + view.getUint16(start) : 0;
    this.#body = bytes.subarray(start + headers, start + (word & SIZE_MASK));
    return this.#body;
  }

  /** The body as UTF-8 text, a byte order mark at its front included; U+FFFD stands for what is not UTF-8. */
  text(): string {
    return readText(this.body);
  }

  /**
   * The value that the body is as JSON, parsed each time. Throws INVALID_MESSAGE when it is none. `T` is what the program
   * takes it for; nothing checks that: see `client.topic()`.
   */
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.text()) as T;
    } catch (error) {
      throw localError("INVALID_MESSAGE", "the body is not JSON", error);
    }
  }

  /** What the publisher sent along, decoded each time. Throws BAD_PAYLOAD when that is no map. */
  get headers(): Headers {
    const { bytes, view } = this.arrival;
    if (view.getUint32(this.at) < HAS_HEADERS) return NO_HEADERS;
    const start = this.at + WORD_BYTES + HEADERS_LENGTH_BYTES;
    try {
      return unpackHeaders(bytes, start, start + view.getUint16(start - HEADERS_LENGTH_BYTES));
    } catch (error) {
      throw error instanceof ProtocolError ? localError(error.kind, error.message, error) : error;
    }
  }
}
