/**
 * What of msgpack travels: nil, booleans, numbers, strings, binary, arrays and maps whose keys are strings. Extensions
 * are left out: there is none that every library reads alike, and those with references among them let a few bytes stand
 * for a value of any size.
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

/** Arrays and maps within one another: the deepest of the protocol itself, an answer to TOPICS, has six. */
export const MAX_DEPTH = 8;

/** A key that would be no key of an object but its prototype. */
export const PROTOTYPE_KEY = "__proto__";

/** Bytes that are not msgpack, or a value that msgpack does not carry. Whoever knows what they were to be says so. */
export class MsgpackError extends Error {
  override readonly name = "MsgpackError";
}
