/**
 * The subset of msgpack in use: nil, booleans, numbers, strings, binary, arrays, and maps with string keys. There are
 * no extensions: libraries do not agree on any, and those with references let a few bytes stand for a value of any
 * size.
 *
 * The format is https://github.com/msgpack/msgpack/blob/master/spec.md.
 */

/** First bytes of msgpack values. */
export const Pack = {
  FIXMAP: 0x80,
  FIXARRAY: 0x90,
  FIXSTR: 0xa0,
  NIL: 0xc0,
  FALSE: 0xc2,
  TRUE: 0xc3,
  BIN8: 0xc4,
  BIN16: 0xc5,
  BIN32: 0xc6,
  FLOAT32: 0xca,
  FLOAT64: 0xcb,
  UINT8: 0xcc,
  UINT16: 0xcd,
  UINT32: 0xce,
  UINT64: 0xcf,
  INT8: 0xd0,
  INT16: 0xd1,
  INT32: 0xd2,
  INT64: 0xd3,
  STR8: 0xd9,
  STR16: 0xda,
  STR32: 0xdb,
  ARRAY16: 0xdc,
  ARRAY32: 0xdd,
  MAP16: 0xde,
  MAP32: 0xdf,
  NEGATIVE: 0xe0,
} as const;

export const WORD = 0x1_0000_0000;

/**
 * Deepest nesting of arrays and maps. The deepest value of the protocol itself, an answer to TOPICS, has six levels.
 */
export const MAX_DEPTH = 8;

/** The key that would set an object's prototype. */
export const PROTOTYPE_KEY = "__proto__";

/** Bytes that are not msgpack, or a value that it does not carry. Callers add what the value was for. */
export class MsgpackError extends Error {
  override readonly name = "MsgpackError";
}
