import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packEnvelope } from "../../src/channel/envelope.js";
import { allocateRing, ENVELOPE_TOTAL, MAX_ENVELOPE_BYTES, mapRing, PAYLOAD_TOTAL } from "../../src/channel/ring.js";
import { RingReader } from "../../src/channel/ring-reader.js";
import { RingWriter } from "../../src/channel/ring-writer.js";
import { MAX_MESSAGE_BYTES } from "../../src/protocol/limits.js";
import { type Message, payloadOf, type RingPair, readAll, ringPair, write } from "./ring-pair.js";

/** Writes one message, reading whenever the ring is full. Returns what was read. */
const pump = (pair: RingPair, envelope: readonly number[], payload: Uint8Array): Message[] => {
  const messages: Message[] = [];
  while (!write(pair, envelope, payload)) messages.push(...readAll(pair));
  return [...messages, ...readAll(pair)];
};

describe("a message longer than a record", () => {
  it("travels in fragments of a ring that has room for all of them", () => {
    const pair = ringPair(4096);
    expect(pair.writer.maxRecordBytes).toBe(512);
    for (const bytes of [500, 501, 502, 512, 513, 1000, 2000, 3000]) {
      expect(write(pair, [1, 9], payloadOf(bytes, 1, 5))).toBe(true);
      expect(readAll(pair)).toEqual([{ envelope: [1, 9], payload: payloadOf(bytes, 1) }]);
    }
  });

  it("is taken as room appears when it is longer than the ring, up to the longest the reader takes", () => {
    const longest = 20_000;
    for (const phase of [0, 3]) {
      const pair = ringPair(1024, -512, longest);
      for (const bytes of [1024, 4096, longest - 1, longest]) {
        expect(pump(pair, [1, 5], payloadOf(bytes, 2, phase))).toEqual([
          { envelope: [1, 5], payload: payloadOf(bytes, 2) },
        ]);
        expect(pair.reader.isEmpty).toBe(true);
      }
    }
  });

  it("may be as long as the longest message of the protocol", () => {
    const pair = ringPair(64 * 1024, 0, MAX_MESSAGE_BYTES);
    const payload = payloadOf(MAX_MESSAGE_BYTES, 5, 4);
    const [message, ...others] = pump(pair, [1, 5], payload);
    expect(Buffer.compare(message?.payload ?? new Uint8Array(0), payload)).toBe(0);
    expect(others).toEqual([]);
  });

  it("is refused by a reader that takes less, again and again", () => {
    const pair = ringPair(1024, 0, 999);
    write(pair, [1, 5], payloadOf(1000));
    expect(() => readAll(pair)).toThrow(RangeError);
    expect(() => readAll(pair)).toThrow(RangeError);
  });

  it("may have an envelope longer than a record and no payload", () => {
    const pair = ringPair();
    const envelope = Array.from({ length: 5000 }, (_, i) => i);
    expect(pump(pair, envelope, payloadOf(0))).toEqual([{ envelope, payload: payloadOf(0) }]);
    expect(pump(pair, envelope, payloadOf(3, 1))).toEqual([{ envelope, payload: payloadOf(3, 1) }]);
    expect(pump(pair, envelope, payloadOf(5000, 1))).toEqual([{ envelope, payload: payloadOf(5000, 1) }]);
    expect(
      () =>
        write(pair, [], payloadOf(0)) &&
        pair.writer.tryWrite(new Uint8Array(MAX_ENVELOPE_BYTES + 1), payloadOf(0), 0, 0),
    ).toThrow(RangeError);
  });

  it("is not written twice: what was taken stays taken", () => {
    const pair = ringPair();
    const payload = payloadOf(2000, 3);
    expect(write(pair, [1, 1], payload)).toBe(false);
    expect(write(pair, [1, 1], payload)).toBe(false);
    expect(readAll(pair)).toEqual([]);
    // From another address, at another phase: only the bytes must be the same.
    const elsewhere = payloadOf(2000, 3, 5);
    expect(write(pair, [1, 1], elsewhere)).toBe(false);
    expect(readAll(pair)).toEqual([]);
    expect(write(pair, [1, 1], elsewhere)).toBe(true);
    expect(readAll(pair)).toEqual([{ envelope: [1, 1], payload }]);
  });

  it("may fit into a record from where it lies by the time the rest is taken", () => {
    const pair = ringPair();
    // At phase 2 the record would be 8 + 3 + 7 + 112 = 130 bytes, at phase 3 it is 123.
    while (write(pair, [2, 2], payloadOf(40)));
    readAll(pair, 1);
    expect(write(pair, [1, 1], payloadOf(112, 4, 2))).toBe(false);
    readAll(pair);
    expect(write(pair, [1, 1], payloadOf(112, 4, 3))).toBe(true);
    expect(readAll(pair)).toEqual([{ envelope: [1, 1], payload: payloadOf(112, 4) }]);
  });

  it("keeps others out until all of it is taken", () => {
    const pair = ringPair();
    expect(write(pair, [1, 1], payloadOf(2000))).toBe(false);
    expect(() => write(pair, [1, 1], payloadOf(10))).toThrow("unfinished");
    expect(() => write(pair, [1, 1], payloadOf(1999))).toThrow("unfinished");
    expect(() => write(pair, [1, 2], payloadOf(2000))).toThrow("unfinished");
    expect(() => write(pair, [1, 300], payloadOf(2000))).toThrow("unfinished");
    expect(pump(pair, [1, 1], payloadOf(2000))).toEqual([{ envelope: [1, 1], payload: payloadOf(2000) }]);
    expect(write(pair, [1, 2], payloadOf(10))).toBe(true);
  });

  it("does not depend on what becomes of an envelope's memory between two calls", () => {
    const pair = ringPair();
    const envelope = Buffer.from([0x92, 1, 1]);
    const payload = payloadOf(2000);
    expect(pair.writer.tryWrite(envelope, payload, 0, 2000)).toBe(false);
    envelope.fill(0);
    expect(pump(pair, [1, 1], payload)).toEqual([{ envelope: [1, 1], payload }]);
  });

  it("lets others pass when nothing of it was taken", () => {
    const pair = ringPair();
    for (let i = 0; i < 8; i++) write(pair, [2, 2], payloadOf(112));
    expect(write(pair, [1, 1], payloadOf(2000))).toBe(false);
    readAll(pair);
    expect(write(pair, [3, 3], payloadOf(1))).toBe(true);
    expect(readAll(pair)).toEqual([{ envelope: [3, 3], payload: payloadOf(1) }]);
  });

  it("counts as taken when its handler throws", () => {
    const pair = ringPair(4096);
    write(pair, [1, 1], payloadOf(2000));
    write(pair, [1, 2], payloadOf(600, 1));
    expect(() =>
      pair.reader.drain(() => {
        throw new Error("no");
      }, 1),
    ).toThrow("no");
    expect(readAll(pair)).toEqual([{ envelope: [1, 2], payload: payloadOf(600, 1) }]);
  });

  it("lies in memory that is used again for the next", () => {
    const pair = ringPair(4096);
    const seen = new Set<ArrayBufferLike>();
    for (let i = 0; i < 3; i++) {
      write(pair, [1, 1], payloadOf(2000));
      pair.reader.drain((_envelope, bytes) => seen.add(bytes.buffer), 1);
    }
    expect(seen.size).toBe(1);
  });
});

describe("fragments that cannot be right stop the reader:", () => {
  const corrupt = (change: (headers: Int32Array) => void) => {
    const memory = allocateRing(4096);
    const pair = { writer: new RingWriter(memory), reader: new RingReader(memory, 100_000) };
    pair.writer.tryWrite(packEnvelope([1, 1]), payloadOf(1200), 0, 1200);
    change(mapRing(memory).headers);
    return () => readAll(pair);
  };
  // The BEGIN record takes 24 bytes, the fragments after it 512, 512 and 216.
  const FIRST = 0;
  const SECOND = 24 / 4;
  const WORD = 1;

  it.each<[string, (headers: Int32Array) => void]>([
    ["a payload below 0", (headers) => (headers[FIRST + PAYLOAD_TOTAL / 4] = -1)],
    ["an envelope below 0", (headers) => (headers[FIRST + ENVELOPE_TOTAL / 4] = -1)],
    ["an envelope without a bound", (headers) => (headers[FIRST + ENVELOPE_TOTAL / 4] = MAX_ENVELOPE_BYTES + 1)],
    ["a payload shorter than its pieces", (headers) => (headers[FIRST + PAYLOAD_TOTAL / 4] = 1100)],
    ["a payload longer than its pieces", (headers) => (headers[FIRST + PAYLOAD_TOTAL / 4] = 1201)],
    ["a piece before the beginning", (headers) => (headers[FIRST + WORD] = 0)],
    ["a beginning within a message", (headers) => (headers[SECOND + WORD] = headers[FIRST + WORD] ?? 0)],
    ["a whole message within another", (headers) => (headers[SECOND + WORD] = 3 << 28)],
    ["an end before the end", (headers) => (headers[SECOND + WORD] = 1 << 29)],
  ])("%s", (_name, change) => {
    const read = corrupt(change);
    expect(read).toThrow(/corrupt|bytes/);
    expect(read).toThrow(/corrupt|bytes/);
  });
});

describe("any messages in any order of writes and reads", () => {
  it("arrive as they were written, byte for byte", () => {
    const envelope = fc.oneof(
      fc.tuple(fc.nat(127), fc.nat(2 ** 31)),
      fc.array(fc.nat(70_000), { minLength: 1, maxLength: 100 }),
    );
    const bytes = fc.oneof(fc.nat(40), fc.nat(200), fc.nat(3000), fc.constantFrom(101, 104, 112, 117, 1024));
    const message = fc.tuple(envelope, bytes, fc.nat(7));
    const script = fc.array(fc.tuple(message, fc.nat(3)), { minLength: 1, maxLength: 40 });
    const origin = fc.integer({ min: -256, max: 255 }).map((place) => (place * 8 + 2 ** 31 * (place & 1)) | 0);
    fc.assert(
      fc.property(origin, script, (start, steps) => {
        const pair = ringPair(1024, start, 3000);
        const written: Message[] = [];
        const read: Message[] = [];
        for (const [[head, size, phase], reads] of steps) {
          const payload = payloadOf(size, written.length, phase);
          while (!write(pair, head, payload)) read.push(...readAll(pair, 1));
          written.push({ envelope: [...head], payload: payloadOf(size, written.length) });
          read.push(...readAll(pair, reads));
        }
        read.push(...readAll(pair));
        expect(read).toEqual(written);
        expect(pair.reader.isEmpty).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
