/**
 * What a load has to know of a protocol of gmq: the bytes of its requests and where an id stands in a response. The
 * requests that repeat are encoded once; of an ack, the digits of the id are copied from the message.
 */
import type { Stamp } from "../../load/publish-pump.js";

/** A request that publishes one message of a topic, and what differs from one to the next. */
export interface PublishRequest {
  readonly bytes: Uint8Array;
  readonly stamp?: Stamp;
}

export interface AckRequest {
  /** No ack is longer. */
  readonly maxBytes: number;
  /** Writes the ack of the id [start, end) of `from` at `at`, and returns where it ends. */
  write(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number;
}

export interface GmqProtocol {
  /** Bytes of a response's length. */
  readonly lengthBytes: 2 | 4;
  /** The type of a response with a message. */
  readonly message: number;
  /** The type of every other response that is not an error. */
  readonly result: number;
  /** The type of a sign of life. */
  readonly ping?: number;
  publish(topic: string, bodyBytes: number): PublishRequest;
  pop(topic: string): Uint8Array;
  ack(topic: string): AckRequest;
  /** Where the id begins in a message's data. It ends before the next quote. */
  idStart(bytes: Uint8Array, start: number, end: number): number;
}

const QUOTE = 0x22;

/** Where the id that begins at `start` ends. */
export const idEnd = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start;
  while (at < end && bytes[at] !== QUOTE) at++;
  return at;
};

/** Copies [start, end) of `from` and returns where the copy ends: for few bytes, without a view of them. */
export const copyBytes = (to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number => {
  let next = at;
  for (let i = start; i < end; i++) to[next++] = from[i] ?? 0;
  return next;
};

/** The text of a response, for errors. */
export const dataText = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, 200)).toString();
