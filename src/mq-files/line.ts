/**
 * The lines of a topic's file: JSON, one for each message.
 *
 * ```
 * {"timestamp":1795910400123000007,"topic":"example","payload":"aGVsbG8="}
 * ```
 *
 * `timestamp` is when it was published: nanoseconds since 1970, of which the last six digits number the messages of one
 * millisecond. They come from the message's id, so that within a file they ascend and none is there twice: the last line
 * tells up to which message a file is written.
 */
import { idTime, parseId } from "../protocol/id.js";

/** Of an id: which message of its millisecond. */
const SEQUENCE_MASK = 0xfff;
const DIGITS = 6;

/** Of a message, by its id. */
export const timestampOf = (id: string): string => {
  const parsed = parseId(id);
  if (parsed === undefined) throw new Error(`a message of a kept channel has the id ${id}`);
  const { high, low } = parsed;
  return `${idTime(high, low)}${String(low & SEQUENCE_MASK).padStart(DIGITS, "0")}`;
};

/** Milliseconds since 1970. */
export const timeOf = (timestamp: bigint): number => Number(timestamp / 1_000_000n);

/** Makes the lines of a topic. */
export const lineMaker = (topic: string): ((timestamp: string, payload: Uint8Array) => string) => {
  const middle = `,"topic":${JSON.stringify(topic)},"payload":"`;
  return (timestamp, payload) => {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return `{"timestamp":${timestamp}${middle}${bytes.toString("base64")}"}\n`;
  };
};

const BEGIN = /^\{"timestamp":(\d{1,19}),"/;

/** Bytes that are enough to read a line's timestamp. */
export const BEGIN_BYTES = 40;

/** Of the line that begins like this; undefined: it is no such line. */
export const timestampIn = (begin: string): bigint | undefined => {
  const digits = BEGIN.exec(begin)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
};
