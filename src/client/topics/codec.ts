/**
 * What a typed topic writes values as, and reads them from.
 */
import { unpack } from "../../protocol/msgpack-reader.js";
import { MsgpackWriter } from "../../protocol/msgpack-writer.js";
import { readStrictText } from "../../protocol/text.js";
import type { Body } from "../arguments/options.js";

/** A way to write values. A `Packr` of msgpackr is one as it is. Both methods throw for what they cannot write or read. */
export interface Codec<T> {
  encode(value: T): Body;
  /** The bytes are the program's own, and part of a larger piece of memory: copy what is to be kept for long. */
  decode(body: Uint8Array): T;
}

/** Arrays and maps within one another, in the codec `msgpack`. */
const MAX_DEPTH = 64;

const strictText = (body: Uint8Array): string => {
  const text = readStrictText(body, 0, body.length);
  if (text === undefined) throw new TypeError("the bytes are not UTF-8");
  return text;
};

/** `JSON.stringify` returns undefined for what JSON has no word for: a function, a symbol, undefined. */
const stringify = (value: unknown): string => {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON has no word for a value of type ${typeof value}`);
  return text;
};

/** Writes and reads whatever type a program says that its values have. */
interface OpenCodec {
  encode(value: unknown): Body;
  decode<T = unknown>(body: Uint8Array): T;
}

const json: OpenCodec = {
  encode: stringify,
  decode: <T>(body: Uint8Array) => JSON.parse(strictText(body)) as T,
};

const text: Codec<string> = {
  encode: (value) => value,
  decode: strictText,
};

const bytes: Codec<Uint8Array> = {
  encode: (value) => value,
  decode: (body) => body,
};

const msgpack: OpenCodec = {
  encode(value) {
    const writer = new MsgpackWriter(true, undefined, MAX_DEPTH);
    writer.value(value, 0);
    return writer.take();
  },
  decode: <T>(body: Uint8Array) => unpack(body, 0, body.length, undefined, MAX_DEPTH) as T,
};

interface Codecs {
  readonly json: OpenCodec;
  readonly text: Codec<string>;
  readonly bytes: Codec<Uint8Array>;
  readonly msgpack: OpenCodec;
}

/**
 * The codecs that come with the client.
 *
 * - `json`: UTF-8 JSON. The default.
 * - `text`: UTF-8 text. Other bytes are refused.
 * - `bytes`: as they are.
 * - `msgpack`: what JSON has, and `Uint8Array` and 64-bit integers; maps have text as keys, there are no extensions. At most
 *   64 arrays and maps within one another.
 */
export const codecs: Codecs = Object.freeze({ json, text, bytes, msgpack });
