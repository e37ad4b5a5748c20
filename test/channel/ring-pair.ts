/** Both ends of a ring on one thread, and copies of what the reader got. */
import type { MessageHandler } from "../../src/channel/ends.js";
import { packEnvelope } from "../../src/channel/envelope.js";
import { allocateRing } from "../../src/channel/ring.js";
import { RingReader } from "../../src/channel/ring-reader.js";
import { RingWriter } from "../../src/channel/ring-writer.js";

export interface Message {
  readonly envelope: readonly number[];
  readonly payload: Uint8Array;
}

export interface RingPair {
  readonly writer: RingWriter;
  readonly reader: RingReader;
}

export const ringPair = (capacity = 1024, origin = 0, maxMessageBytes = 1 << 20): RingPair => {
  const memory = allocateRing(capacity, origin);
  return { writer: new RingWriter(memory), reader: new RingReader(memory, maxMessageBytes) };
};

/** `bytes` bytes, each unlike its neighbours, different for each `seed`, `offset` bytes into their buffer. */
export const payloadOf = (bytes: number, seed = 0, offset = 0): Uint8Array => {
  const payload = new Uint8Array(new ArrayBuffer(offset + bytes), offset);
  for (let i = 0; i < bytes; i++) payload[i] = (i * 7 + (i >> 8) * 13 + seed * 31 + 1) & 0xff;
  return payload;
};

export const write = (pair: RingPair, envelope: readonly number[], payload: Uint8Array): boolean =>
  pair.writer.tryWrite(packEnvelope(envelope), payload, 0, payload.length);

/** Everything that can be read now, at most `max` messages. */
export const readAll = (pair: RingPair, max = Number.POSITIVE_INFINITY): Message[] => {
  const messages: Message[] = [];
  const keep: MessageHandler = (envelope, bytes, view, start, end) => {
    const payload = bytes.slice(start, end);
    const viewed = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
    if (Buffer.compare(viewed, payload) !== 0) throw new Error("view and bytes are not on the same memory");
    messages.push({ envelope: [...envelope], payload: new Uint8Array(payload) });
  };
  pair.reader.drain(keep, max);
  return messages;
};
