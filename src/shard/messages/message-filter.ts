/** Decides which messages a FIND means, by conditions that must all hold. */
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { unpackHeaders } from "../../protocol/headers.js";
import type { FindConditions } from "../command.js";
import { Needle } from "./needle.js";

const encoder = new TextEncoder();

const needleOf = (text: string | Uint8Array | undefined, ignoresCase = false): Needle | undefined => {
  if (text === undefined) return undefined;
  return new Needle(typeof text === "string" ? encoder.encode(text) : text, ignoresCase);
};

/** A value of a header as it is asked for; undefined: it has no such form. */
const spelled = (value: unknown): string | undefined => {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return undefined;
  }
};

export class MessageFilter {
  /** Bytes that were looked through. */
  looked = 0;
  readonly #routeKey: Uint8Array | undefined;
  readonly #header: string | undefined;
  readonly #value: string | undefined;
  /** Headers without these bytes have no header of that name, and need not be decoded. */
  readonly #name: Needle | undefined;
  readonly #text: Needle | undefined;
  /** Of a body that is partly looked through: how many bytes, and how much of the text stands at the end of these. */
  #done = 0;
  #found = 0;

  constructor({ header, value, text, ignoreCase, routeKey }: FindConditions) {
    this.#routeKey = routeKey === undefined ? undefined : encoder.encode(routeKey);
    this.#header = header;
    this.#value = value;
    this.#name = needleOf(header);
    this.#text = needleOf(text, ignoreCase);
  }

  /** Whether messages with this route key, [start, end) of the bytes, may be meant. */
  hasRouteKey(bytes: Uint8Array, start: number, end: number): boolean {
    const wanted = this.#routeKey;
    if (wanted === undefined) return true;
    if (wanted.length !== end - start) return false;
    return wanted.every((byte, i) => byte === bytes[start + i]);
  }

  /** What comes next is another message than that whose body is partly looked through. */
  forget(): void {
    this.#done = 0;
    this.#found = 0;
  }

  /**
   * Whether the message whose entry begins at `at` is meant, if its route key is. Undefined: `max` bytes of the body have been looked
   * through, and there are more of them; asked again about the same message, it goes on there.
   */
  matches(bytes: Uint8Array, view: DataView, at: number, max: number): boolean | undefined {
    if (this.#header === undefined && this.#text === undefined) return true;
    const word = view.getUint32(at);
    const end = at + WORD_BYTES + (word & SIZE_MASK);
    let body = at + WORD_BYTES;
    if (word >= HAS_HEADERS) body += HEADERS_LENGTH_BYTES + view.getUint16(body);
    if (this.#header !== undefined && !this.#hasHeader(bytes, at + WORD_BYTES + HEADERS_LENGTH_BYTES, body))
      return false;
    if (this.#text === undefined) return true;
    const from = body + this.#done;
    const to = Math.min(end, from + max);
    this.looked += to - from;
    this.#found = this.#text.search(bytes, from, to, this.#found);
    const isMeant = this.#found === this.#text.length;
    this.#done = to - body;
    if (!isMeant && to < end) return undefined;
    this.forget();
    return isMeant;
  }

  /** Whether the headers [start, end) have the one that is looked for; none: they end before they begin. */
  #hasHeader(bytes: Uint8Array, start: number, end: number): boolean {
    if (start >= end) return false;
    this.looked += end - start;
    if (this.#name?.isIn(bytes, start, end) !== true) return false;
    // Decoding costs a few times as much as looking.
    this.looked += 4 * (end - start);
    try {
      const headers = unpackHeaders(bytes, start, end);
      const header = this.#header as string;
      if (!Object.hasOwn(headers, header)) return false;
      return this.#value === undefined || spelled(headers[header]) === this.#value;
    } catch (error) {
      // A publisher may have sent anything.
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }
}
