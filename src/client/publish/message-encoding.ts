/**
 * Encodes what a message carries, and refuses what it cannot carry.
 */
import { HEADERS_LENGTH_BYTES } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { NO_HEAD } from "../../protocol/head.js";
import { type Headers, packHeaders } from "../../protocol/headers.js";
import { checkObject, reasonOf } from "../arguments/argument-checks.js";
import type { Body } from "../arguments/options.js";
import { localError } from "../base/error.js";
import { readBody } from "./body.js";

/** What a message counts for beside its bytes: its promise, and its receipt later. */
export const MESSAGE_COST = 128;

const encoder = new TextEncoder();

/** Headers as msgpack; no bytes when there are none. Throws BAD_ARGUMENT. */
export const encodeHeaders = (headers: unknown): Uint8Array => {
  if (headers === undefined) return NO_HEAD;
  checkObject("headers", headers, "an object of names and values");
  try {
    return packHeaders(headers as Headers);
  } catch (error) {
    // Too long, of a type that msgpack lacks, or a getter of the program has thrown.
    const why = error instanceof ProtocolError ? error.message : reasonOf(error);
    throw localError("BAD_ARGUMENT", `headers must be an object of at most 65,535 bytes as msgpack: ${why}`, error);
  }
};

/** Bytes that headers take in an entry. */
export const headersSize = (headers: Uint8Array): number =>
  headers.length > 0 ? HEADERS_LENGTH_BYTES + headers.length : 0;

/**
 * Reads a body, which errors call `what`. Text stays text if it is surely within `maxBytes` whatever its characters, and
 * is encoded otherwise. Throws BAD_ARGUMENT, and MESSAGE_TOO_LARGE above `maxBytes` together with the headers.
 */
export const readContent = (what: () => string, given: unknown, headers: Uint8Array, maxBytes: number): Body => {
  const body = readBody(what, given);
  const limit = maxBytes - HEADERS_LENGTH_BYTES - headers.length;
  if ((typeof body === "string" ? body.length * 3 : body.length) <= limit) return body;
  const bytes = encodeText(body);
  const size = bytes.length + headersSize(headers);
  if (size > maxBytes) throw localError("MESSAGE_TOO_LARGE", `the message has ${size} bytes`);
  return bytes;
};

/** A body as bytes. */
export const encodeText = (body: Body): Uint8Array => (typeof body === "string" ? encoder.encode(body) : body);
