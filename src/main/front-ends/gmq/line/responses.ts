/**
 * Responses of the line protocol.
 *
 * ```
 *  0           2         6
 *  +-----------+---------+----------+
 *  | type: u16 | D: u32  | data: D  |
 *  +-----------+---------+----------+
 * ```
 */
import type { Client } from "../../../ports/front-end.js";
import { DecimalId } from "./decimal-id.js";
import { JsonBody } from "./json-body.js";

/** The `type` of a response. */
export const ResponseType = { MESSAGE: 101, ERROR: 102, RESULT: 103, CHANNEL: 104, PING: 105 } as const;

const LENGTH = 2;
const HEADER_BYTES = 6;

/** What a message has beside its id and its body, and room for these numbers. */
const MESSAGE_BYTES = HEADER_BYTES + 64;

const ZERO = 0x30;

/** Of all clients: what one has written is sent before another writes. */
const shared = Buffer.alloc(16 * 1024);
const body = new JsonBody();

/** `ok` by itself. */
export const OK = Buffer.from([0, ResponseType.RESULT, 0, 0, 0, 2, ...Buffer.from("ok")]);
const ID_HEAD = Buffer.from('{"id":"');
const BODY_HEAD = Buffer.from('","body":"');
const RETRY_HEAD = Buffer.from('","retry_count":');

/** An error by itself: bytes of its own. */
export const errorResponse = (text: string): Buffer => {
  const data = Buffer.from(text);
  const bytes = Buffer.alloc(HEADER_BYTES + data.length);
  bytes.writeUInt16BE(ResponseType.ERROR, 0);
  bytes.writeUInt32BE(data.length, LENGTH);
  bytes.set(data, HEADER_BYTES);
  return bytes;
};

/** Gathers responses until `flush`, which is called before anything else is done. */
export class Responses {
  readonly #client: Client;
  readonly #id = new DecimalId();
  /** Another than the shared one for what does not fit into it. */
  #bytes = shared;
  #end = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Sends what has been written. */
  flush(): void {
    if (this.#end === 0) return;
    this.#client.write(this.#bytes, 0, this.#end);
    this.#bytes = shared;
    this.#end = 0;
  }

  text(type: number, text: string): void {
    this.#reserve(HEADER_BYTES + text.length * 3);
    const length = this.#bytes.write(text, this.#end + HEADER_BYTES);
    this.#close(this.#end, type, this.#end + HEADER_BYTES + length);
  }

  data(type: number, data: Uint8Array, start: number, end: number): void {
    this.#reserve(HEADER_BYTES + end - start);
    this.#bytes.set(data.subarray(start, end), this.#end + HEADER_BYTES);
    this.#close(this.#end, type, this.#end + HEADER_BYTES + end - start);
  }

  ok(): void {
    this.#reserve(OK.length);
    const bytes = this.#bytes;
    const at = this.#end;
    for (let i = 0; i < OK.length; i++) bytes[at + i] = OK[i] ?? 0;
    this.#end = at + OK.length;
  }

  /** Results that are ids: `count` of one millisecond, from this one on. */
  ids(high: number, low: number, count: number): void {
    const id = this.#id;
    id.set(high, low);
    this.#reserve(count * (HEADER_BYTES + id.length + 1));
    for (let i = 0; i < count; i++) {
      const start = this.#end;
      this.#close(start, ResponseType.RESULT, id.write(this.#bytes, start + HEADER_BYTES));
      id.increment();
    }
  }

  /** One message as JSON; its body is [start, end) of `bytes`. */
  message(high: number, low: number, retry: number, bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(MESSAGE_BYTES + body.measure(bytes, start, end));
    const at = this.#jsonHead(this.#end + HEADER_BYTES, high, low);
    this.#close(this.#end, ResponseType.MESSAGE, this.#jsonTail(body.write(this.#bytes, at), retry));
    body.clear();
  }

  /** Begins a list of messages; answers where. */
  openList(): number {
    this.#reserve(HEADER_BYTES + 1);
    const at = this.#end;
    this.#bytes[at + HEADER_BYTES] = "[".charCodeAt(0);
    this.#end = at + HEADER_BYTES + 1;
    return at;
  }

  /** Adds one to the list that began at `list`. */
  listed(list: number, high: number, low: number, retry: number, bytes: Uint8Array, start: number, end: number): void {
    this.#grow(1 + MESSAGE_BYTES + body.measure(bytes, start, end));
    if (this.#end > list + HEADER_BYTES + 1) this.#bytes[this.#end++] = ",".charCodeAt(0);
    const at = this.#jsonHead(this.#end, high, low);
    this.#end = this.#jsonTail(body.write(this.#bytes, at), retry);
    body.clear();
  }

  closeList(list: number): void {
    this.#grow(1);
    this.#bytes[this.#end] = "]".charCodeAt(0);
    this.#close(list, ResponseType.MESSAGE, this.#end + 1);
  }

  /** What comes before a body; answers where it ends. */
  #jsonHead(at: number, high: number, low: number): number {
    this.#id.set(high, low);
    return put(this.#bytes, this.#id.write(this.#bytes, put(this.#bytes, at, ID_HEAD)), BODY_HEAD);
  }

  /** What comes behind it. */
  #jsonTail(from: number, retry: number): number {
    const bytes = this.#bytes;
    let at = put(bytes, from, RETRY_HEAD);
    if (retry < 10) bytes[at++] = ZERO + retry;
    else at += bytes.write(String(retry), at, "latin1");
    bytes[at] = "}".charCodeAt(0);
    return at + 1;
  }

  #close(start: number, type: number, end: number): void {
    const bytes = this.#bytes;
    const length = end - start - HEADER_BYTES;
    bytes[start] = 0;
    bytes[start + 1] = type;
    bytes[start + LENGTH] = length >>> 24;
    bytes[start + LENGTH + 1] = length >>> 16;
    bytes[start + LENGTH + 2] = length >>> 8;
    bytes[start + LENGTH + 3] = length;
    this.#end = end;
  }

  /** Makes room for a response of so many bytes, for which what is there may be sent. */
  #reserve(need: number): void {
    if (this.#end + need <= this.#bytes.length) return;
    this.flush();
    this.#grow(need);
  }

  /** Makes room for so many bytes behind what is there. */
  #grow(need: number): void {
    const size = this.#end + need;
    if (size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(size, this.#end * 2));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

/** Copies the few bytes of `text` to `at`; answers where they end. */
const put = (bytes: Uint8Array, at: number, text: Uint8Array): number => {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text[i] ?? 0;
  return at + text.length;
};
