/**
 * Hands on the part `data` of a `multipart/form-data` body (RFC 7578) that comes in pieces, in one pass over the bytes.
 * A delimiter begins with a carriage return and has no other, so that one which turns out to be none is never read again.
 */
import type { ByteSink } from "../byte-sink.js";
import { DATA, type FormReader } from "./form-reader.js";

/** RFC 2046 allows 70 characters; some programs write more. */
const MAX_BOUNDARY_BYTES = 256;

/** Of one part. What has more is not a form that a program makes. */
const MAX_HEADER_BYTES = 4 * 1024;

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;

/**
 * Where the next byte is: before the first delimiter or in a part; behind a delimiter, where two dashes end the form and
 * a line end begins a part; in the headers of a part; behind the part, or all of the form.
 */
const CONTENT = 0;
const DELIMITER = 1;
const HEADERS = 2;
const PAST = 3;

/** Fewer bytes of headers do not name a part. */
const MIN_HEADER_BYTES = "content-disposition:form-data;name=data\r\n\r\n".length;

export class MultipartReader implements FormReader {
  readonly #sink: ByteSink;
  readonly #delimiter: Uint8Array;
  readonly #headers = new Uint8Array(MAX_HEADER_BYTES);
  #headerLength = 0;
  #place: number = CONTENT;
  /** Bytes of the delimiter that the last bytes are: at first the line end that a first delimiter need not have. */
  #matched = 2;
  #isData = false;
  #isFound = false;
  #dashes = 0;

  /** @param type the content type of the body */
  constructor(sink: ByteSink, type: string) {
    this.#sink = sink;
    const boundary = boundaryOf(type);
    this.#delimiter = Buffer.from(`\r\n--${boundary ?? ""}`, "latin1");
    if (boundary === undefined) this.#place = PAST;
  }

  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#place !== PAST) {
      if (this.#place === CONTENT) at = this.#readContent(bytes, at);
      else if (this.#place === DELIMITER) at = this.#readDelimiterEnd(bytes, at);
      else at = this.#readHeaders(bytes, at);
    }
  }

  end(): boolean {
    return this.#isFound;
  }

  /** Up to a delimiter, or to the end of the bytes. */
  #readContent(bytes: Uint8Array, from: number): number {
    const delimiter = this.#delimiter;
    let matched = this.#matched;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      if (matched > 0 && byte !== delimiter[matched]) {
        // What looked like a delimiter before these bytes is content.
        if (this.#isData && matched > at - from) this.#sink.write(delimiter, 0, matched - (at - from));
        matched = 0;
      }
      if (matched === 0 && byte !== CR) continue;
      matched++;
      if (matched < delimiter.length) continue;
      this.#matched = 0;
      this.#endPart(bytes, from, at + 1 - matched);
      return at + 1;
    }
    const end = bytes.length - matched;
    if (this.#isData && end > from) this.#sink.write(bytes, from, end);
    this.#matched = matched;
    return bytes.length;
  }

  #endPart(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isData && end > start) this.#sink.write(bytes, start, end);
    this.#isFound = this.#isData;
    this.#place = this.#isData ? PAST : DELIMITER;
    this.#dashes = 0;
  }

  #readDelimiterEnd(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      this.#dashes = byte === DASH ? this.#dashes + 1 : 0;
      if (this.#dashes === 2) this.#place = PAST;
      if (byte === LF) {
        this.#place = HEADERS;
        this.#headerLength = 0;
      }
      if (this.#place !== DELIMITER) return at + 1;
    }
    return bytes.length;
  }

  #readHeaders(bytes: Uint8Array, from: number): number {
    const headers = this.#headers;
    for (let at = from; at < bytes.length; at++) {
      if (this.#headerLength === MAX_HEADER_BYTES) {
        this.#place = PAST;
        return at;
      }
      const byte = bytes[at] ?? 0;
      headers[this.#headerLength++] = byte;
      if (byte !== LF || !this.#headersEnd()) continue;
      const length = this.#headerLength;
      this.#isData = length >= MIN_HEADER_BYTES && isDataPart(Buffer.from(headers.buffer, 0, length).toString());
      this.#place = CONTENT;
      this.#matched = 0;
      return at + 1;
    }
    return bytes.length;
  }

  /** At an empty line, which may be the first. */
  #headersEnd(): boolean {
    const headers = this.#headers;
    const length = this.#headerLength;
    return headers[length - 2] === CR && (length === 2 || headers[length - 3] === LF);
  }
}

/** The parameter of a content type; undefined when there is none that can be used. */
const boundaryOf = (type: string): string | undefined => {
  const boundary = parameters(type).get("boundary");
  if (boundary === undefined || boundary === "" || boundary.length > MAX_BOUNDARY_BYTES) return undefined;
  return /^[\x20-\x7e]+$/.test(boundary) ? boundary : undefined;
};

/** A field, not a file. */
const isDataPart = (headers: string): boolean => {
  const line = headers.split("\r\n").find((each) => /^content-disposition:/i.test(each));
  if (line === undefined) return false;
  const found = parameters(line);
  return found.get("name") === DATA && !found.has("filename");
};

/** What stands behind semicolons, `name=value` or `name="value"`, with names in lower case; the first of each name. */
const parameters = (line: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  // Each alternative ends at a character that the next one cannot begin with, so that nothing is tried twice.
  for (const [, name = "", quoted, plain = ""] of line.matchAll(
    /;[ \t]*([^=;" \t]+)=(?:"((?:[^"\\]|\\.)*)"|([^;"]*))/g,
  )) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, quoted === undefined ? plain.trim() : quoted.replaceAll(/\\(.)/g, "$1"));
  }
  return found;
};
