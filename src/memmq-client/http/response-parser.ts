/**
 * Reads the answers of an HTTP/1.1 connection whose requests are pipelined. It keeps a bounded part of each body, the part
 * that tells why something was refused.
 *
 * ```
 *   HEAD ──▶ SIZED ──▶ HEAD          Content-Length
 *    ├─────▶ CHUNK_SIZE ⇄ CHUNK      chunked; the last chunk has size 0
 *    │          └──▶ TRAILER ──▶ HEAD
 *    └─────▶ UNTIL_END               neither: the body ends with the connection
 * ```
 */

/** A head, a chunk's size line or a trailer may be so long. Bytes. */
const MAX_HEAD = 16 * 1024;

/** What is kept of a body, and what is read of one before the connection is given up. Bytes. */
const KEPT_BODY = 4 * 1024;
const MAX_BODY = 1024 * 1024;

export interface HttpAnswer {
  readonly status: number;
  /** The begin of the body. */
  readonly body: string;
  /** No further request is answered on this connection. */
  readonly isLast: boolean;
}

type State = "HEAD" | "SIZED" | "CHUNK_SIZE" | "CHUNK" | "TRAILER" | "UNTIL_END";

/** What a server sends is not HTTP/1.1, or more than a bound allows. */
export class BadAnswer extends Error {
  override readonly name = "BadAnswer";
}

const EMPTY = Buffer.alloc(0);

export class ResponseParser {
  readonly #answered: (answer: HttpAnswer) => void;
  #state: State = "HEAD";
  /** What of a line or a head has come so far. */
  #rest: Buffer = EMPTY;
  #status = 0;
  #isLast = false;
  /** Bytes that are still to come of a body or a chunk, its line end included. */
  #left = 0;
  #bodyBytes = 0;
  #body = "";

  constructor(answered: (answer: HttpAnswer) => void) {
    this.#answered = answered;
  }

  /** @throws BadAnswer */
  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = EMPTY;
    while (bytes.length > 0) {
      const used = this.#step(bytes);
      if (used === 0) {
        if (bytes.length > MAX_HEAD) throw new BadAnswer("the head of an answer is too long");
        this.#rest = bytes;
        return;
      }
      bytes = bytes.subarray(used);
    }
  }

  /** The connection has ended. */
  end(): void {
    if (this.#state === "UNTIL_END") this.#finish();
  }

  /** How many bytes it has used; 0: it needs more. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case "HEAD": {
        const end = bytes.indexOf("\r\n\r\n");
        if (end < 0) return 0;
        if (end > MAX_HEAD) throw new BadAnswer("the head of an answer is too long");
        this.#readHead(bytes.toString("latin1", 0, end));
        return end + 4;
      }
      case "SIZED":
        return this.#take(bytes, () => this.#finish());
      case "CHUNK":
        return this.#take(bytes, () => {
          this.#state = "CHUNK_SIZE";
        });
      case "CHUNK_SIZE":
        return this.#line(bytes, (line) => this.#readChunkSize(line));
      case "TRAILER":
        return this.#line(bytes, (line) => {
          if (line === "") this.#finish();
        });
      case "UNTIL_END":
        this.#keep(bytes);
        return bytes.length;
    }
  }

  #line(bytes: Buffer, read: (line: string) => void): number {
    const end = bytes.indexOf("\r\n");
    if (end < 0) return 0;
    read(bytes.toString("latin1", 0, end));
    return end + 2;
  }

  #take(bytes: Buffer, done: () => void): number {
    const used = Math.min(this.#left, bytes.length);
    this.#keep(bytes.subarray(0, used));
    this.#left -= used;
    if (this.#left === 0) done();
    return used;
  }

  #keep(bytes: Buffer): void {
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes > MAX_BODY) throw new BadAnswer("an answer is too long");
    if (this.#body.length < KEPT_BODY && this.#status >= 300) this.#body += bytes.toString("utf8", 0, KEPT_BODY);
  }

  #readHead(head: string): void {
    const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: |\r|$)/.exec(head) ?? [];
    if (status === undefined) throw new BadAnswer("it does not answer in HTTP/1.1");
    this.#status = Number(status);
    // An interim answer: another one follows.
    if (this.#status < 200) return;
    const of = (name: string): string =>
      new RegExp(`\\r\\n${name}:[ \\t]*([^\\r]*)`, "i").exec(head)?.[1]?.trim() ?? "";
    const connection = of("connection").toLowerCase();
    this.#isLast = connection.includes("close") || (minor === "0" && !connection.includes("keep-alive"));
    this.#bodyBytes = 0;
    this.#body = "";
    const size = of("content-length");
    if (of("transfer-encoding").toLowerCase().includes("chunked")) this.#state = "CHUNK_SIZE";
    else if (this.#status === 204 || this.#status === 304 || size === "0") this.#finish();
    else if (/^\d{1,7}$/.test(size)) this.#expect("SIZED", Number(size));
    else if (size !== "") throw new BadAnswer("the length of an answer is none, or too long");
    else this.#state = "UNTIL_END";
  }

  #expect(state: "SIZED" | "CHUNK", left: number): void {
    this.#state = state;
    this.#left = left;
  }

  #readChunkSize(line: string): void {
    const [size] = /^[\da-f]{1,6}(?=\s*(?:;|$))/i.exec(line) ?? [];
    if (size === undefined) throw new BadAnswer("the size of a chunk is none, or too long");
    const bytes = Number.parseInt(size, 16);
    if (bytes === 0) this.#state = "TRAILER";
    // The line end behind the chunk is taken with it.
    else this.#expect("CHUNK", bytes + 2);
  }

  #finish(): void {
    const isLast = this.#isLast || this.#state === "UNTIL_END";
    this.#state = "HEAD";
    this.#answered({ status: this.#status, body: this.#body, isLast });
  }
}
