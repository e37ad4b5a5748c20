/**
 * The headers of a message: a msgpack map that the broker carries and does not read.
 */
import { Packr } from "msgpackr/pack";
import { MAX_HEADERS_BYTES } from "./entry.js";
import { ProtocolError } from "./errors.js";

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: "number", variableMapSize: true });

/** Names and values; a value is anything that msgpack has. */
export type Headers = Readonly<Record<string, unknown>>;

export const NO_HEADERS: Headers = Object.freeze({});

/** Encodes headers. The answer is the caller's to keep. Throws BAD_PAYLOAD when they take more than 65,535 bytes. */
export const packHeaders = (headers: Headers): Uint8Array => {
  const packed = packr.pack(headers);
  if (packed.length > MAX_HEADERS_BYTES)
    throw new ProtocolError("BAD_PAYLOAD", "the headers take more than 65,535 bytes");
  return new Uint8Array(packed);
};

/** Decodes the headers in [start, end). Throws BAD_PAYLOAD when the publisher wrote something else. */
export const unpackHeaders = (bytes: Uint8Array, start: number, end: number): Headers => {
  let headers: unknown;
  try {
    headers = packr.unpack(bytes.slice(start, end));
  } catch {
    throw new ProtocolError("BAD_PAYLOAD", "the headers are not msgpack");
  }
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new ProtocolError("BAD_PAYLOAD", "the headers are not a map");
  }
  return headers as Headers;
};
