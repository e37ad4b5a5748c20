/**
 * The headers of a message: a msgpack map that the broker carries and does not read.
 */
import { MAX_HEADERS_BYTES } from "./entry.js";
import { ProtocolError } from "./errors.js";
import { MsgpackError } from "./msgpack.js";
import { unpack } from "./msgpack-reader.js";
import { MsgpackWriter, TooLong } from "./msgpack-writer.js";

/**
 * Names and values. A value is null, a boolean, a number, a bigint of up to 64 bits (one within ±2^53 arrives as the
 * number that is equal to it), text, a Uint8Array, an array or a plain object of values, at most 8 deep with the
 * headers themselves. Names with the value undefined are left out.
 */
export type Headers = Readonly<Record<string, unknown>>;

export const NO_HEADERS: Headers = Object.freeze({});

/** Characters of a header's name that an error text shows. */
const SHOWN = 64;

const refuse = (key: string, error: MsgpackError): never => {
  throw new ProtocolError("BAD_PAYLOAD", `the header ${JSON.stringify(key.slice(0, SHOWN))}: ${error.message}`);
};

/** Undefined while in use: reading a value can run a getter that encodes other headers. */
let idle: MsgpackWriter | undefined;

/**
 * Encodes headers. The caller owns the result. Throws BAD_PAYLOAD when they take more than 65,535 bytes, or have a
 * value that would not arrive unchanged; the text names the header.
 */
export const packHeaders = (headers: Headers): Uint8Array => {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new ProtocolError("BAD_PAYLOAD", "the headers are not an object");
  }
  const writer = idle ?? new MsgpackWriter(true, MAX_HEADERS_BYTES);
  idle = undefined;
  try {
    writer.object(headers, 0, refuse);
  } catch (error) {
    if (!(error instanceof TooLong)) throw error;
    throw new ProtocolError("BAD_PAYLOAD", `the headers take more than ${MAX_HEADERS_BYTES} bytes`);
  }
  idle = writer;
  return writer.take();
};

/** Decodes the headers in [start, end). Throws BAD_PAYLOAD when the bytes are not headers. */
export const unpackHeaders = (bytes: Uint8Array, start: number, end: number): Headers => {
  let headers: unknown;
  try {
    headers = unpack(bytes, start, end);
  } catch (error) {
    if (!(error instanceof MsgpackError)) throw error;
    throw new ProtocolError("BAD_PAYLOAD", `the headers are not plain msgpack: ${error.message}`);
  }
  if (typeof headers !== "object" || headers === null || Array.isArray(headers) || headers instanceof Uint8Array) {
    throw new ProtocolError("BAD_PAYLOAD", "the headers are not a map");
  }
  return headers as Headers;
};
