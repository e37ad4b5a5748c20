import { describe, expect, it } from "vitest";
import {
  allocateRing,
  HEAD,
  MAX_CAPACITY,
  mapRing,
  READER_BELL,
  RECORDS,
  TAIL,
  WRITER_BELL,
} from "../../src/channel/ring.js";
import { RingReader } from "../../src/channel/ring-reader.js";
import { RingWriter } from "../../src/channel/ring-writer.js";
import { payloadOf, readAll, ringPair, write } from "./ring-pair.js";

/** Where a record can begin in a ring of 1 KiB. */
const PLACES = Array.from({ length: 1024 / 8 }, (_, i) => i * 8);
/** Origins from which the counters soon pass the ends of an i32, and 0. */
const EDGES = [0x7fff_fff8, 0x7fff_ff00, -8, -256, -2_147_483_648].map((origin) => origin | 0);

describe("the memory of a ring", () => {
  it.each([0, 512, 1000, 1025, 3 * 1024, MAX_CAPACITY * 2, -1024, Number.NaN, 1024.5])(
    "is not of %d bytes",
    (bytes) => {
      expect(() => allocateRing(bytes)).toThrow(RangeError);
    },
  );

  it("is only what allocateRing made", () => {
    const { buffer } = allocateRing(1024);
    expect(() => mapRing({ buffer, capacity: 2048 })).toThrow(RangeError);
    expect(() => allocateRing(1024, 4)).toThrow(RangeError);
  });

  it("has the tail, the head and the two bells on cache lines of their own", () => {
    const lines = [TAIL, HEAD, READER_BELL, WRITER_BELL, RECORDS / 4].map((word) => word / 16);
    expect(new Set(lines.map(Math.floor)).size).toBe(5);
    expect(RECORDS % 8).toBe(0);
  });
});

describe("a ring", () => {
  it("hands nothing over when it is empty", () => {
    const pair = ringPair();
    expect(pair.reader.isEmpty).toBe(true);
    expect(readAll(pair)).toEqual([]);
  });

  it("hands over what was written, in order, and is empty again", () => {
    const pair = ringPair();
    expect(write(pair, [1, 7], payloadOf(10, 1))).toBe(true);
    expect(write(pair, [2, 70_000], payloadOf(0))).toBe(true);
    expect(write(pair, [6, 1, 2, 3], payloadOf(90, 2))).toBe(true);
    expect(pair.reader.isEmpty).toBe(false);
    expect(pair.writer.unreadBytes).toBeGreaterThan(100);
    expect(readAll(pair)).toEqual([
      { envelope: [1, 7], payload: payloadOf(10, 1) },
      { envelope: [2, 70_000], payload: payloadOf(0) },
      { envelope: [6, 1, 2, 3], payload: payloadOf(90, 2) },
    ]);
    expect(pair.reader.isEmpty).toBe(true);
    expect(pair.writer.unreadBytes).toBe(0);
  });

  it("takes a part of a payload", () => {
    const pair = ringPair();
    const payload = payloadOf(100);
    expect(pair.writer.tryWrite(Uint8Array.of(0x91, 5), payload, 30, 77)).toBe(true);
    expect(readAll(pair)).toEqual([{ envelope: [5], payload: payload.slice(30, 77) }]);
    expect(() => pair.writer.tryWrite(Uint8Array.of(0x91, 5), payload, 30, 101)).toThrow(RangeError);
    expect(() => pair.writer.tryWrite(Uint8Array.of(0x91, 5), payload, 31, 30)).toThrow(RangeError);
    expect(() => pair.writer.tryWrite(Uint8Array.of(0x91, 5), payload, -1, 30)).toThrow(RangeError);
    expect(() => pair.writer.tryWrite(new Uint8Array(0), payload, 0, 30)).toThrow(RangeError);
    expect(pair.reader.isEmpty).toBe(true);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])("keeps a payload at its phase: %d bytes past a multiple of 8", (phase) => {
    // In a record, copied out, and in fragments; by each of the ways to copy.
    const pair = ringPair(128 * 1024);
    const sizes = [1, 24, 25, 255, 256, 8192, 8193, 20_000];
    const seen: number[] = [];
    for (const size of sizes) {
      const payload = payloadOf(size, phase, phase);
      expect(write(pair, [1, 300], payload)).toBe(true);
      pair.reader.drain((_envelope, bytes, _view, start, end) => {
        expect((bytes.byteOffset + start) % 8).toBe(phase);
        expect(Buffer.isBuffer(bytes)).toBe(false);
        expect([...bytes.subarray(start, end)]).toEqual([...payload]);
        seen.push(end - start);
      }, 9);
    }
    expect(seen).toEqual(sizes);
  });

  it("refuses a message when it is full, and takes it when some was read", () => {
    const pair = ringPair();
    let written = 0;
    while (write(pair, [1, written], payloadOf(40, written))) written++;
    // 8 of header, 3 of envelope and 40 of payload are 56 bytes: 18 of them fill 1,008, and a 19th does not fit.
    expect(written).toBe(18);
    expect(write(pair, [1, 99], payloadOf(40, 99))).toBe(false);
    expect(readAll(pair, 2).map(({ envelope }) => envelope[1])).toEqual([0, 1]);
    expect(write(pair, [1, 99], payloadOf(40, 99))).toBe(true);
    expect(readAll(pair).map(({ envelope }) => envelope[1])).toEqual([...Array(18).keys(), 99].slice(2));
  });

  it("can be filled to the last byte", () => {
    const pair = ringPair();
    // 8 of header, 3 of envelope, 53 of payload: 64.
    for (let i = 0; i < 16; i++)
      expect(pair.writer.tryWrite(Uint8Array.of(0x92, 1, i), payloadOf(53, i, 3), 0, 53)).toBe(true);
    expect(pair.writer.tryWrite(Uint8Array.of(0x92, 1, 16), payloadOf(0), 0, 0)).toBe(false);
    expect(readAll(pair).map(({ payload }) => payload)).toEqual(Array.from({ length: 16 }, (_, i) => payloadOf(53, i)));
  });

  it("never takes more than it has room for, be it by 8 bytes", () => {
    // Records of 24 bytes, 21 of them up to the end of the ring; then 21 more, which leave 16 bytes.
    const pair = ringPair(1024, 520);
    let written = 0;
    while (write(pair, [1, written], payloadOf(8, written))) written++;
    expect(written).toBe(42);
    expect(readAll(pair)).toEqual(
      Array.from({ length: 42 }, (_, i) => ({ envelope: [1, i], payload: payloadOf(8, i) })),
    );
  });

  it.each([0, 1, 40, 96, 110])("wraps at every place, with payloads of %d bytes", (bytes) => {
    for (const place of PLACES) {
      const pair = ringPair(1024, place);
      for (let i = 0; i < 3; i++) {
        write(pair, [1, i], payloadOf(bytes, i, 1));
        write(pair, [2, i], payloadOf(bytes, i + 1, 6));
        expect(readAll(pair), `from byte ${place}, round ${i}`).toEqual([
          { envelope: [1, i], payload: payloadOf(bytes, i) },
          { envelope: [2, i], payload: payloadOf(bytes, i + 1) },
        ]);
      }
    }
  });

  it.each(EDGES)("goes on when its counters wrap: they begin at %d", (origin) => {
    const pair = ringPair(1024, origin);
    for (let round = 0; round < 20; round++) {
      let written = 0;
      while (write(pair, [round, written], payloadOf(70, written))) written++;
      expect(written).toBeGreaterThan(8);
      expect(readAll(pair)).toEqual(
        Array.from({ length: written }, (_, i) => ({ envelope: [round, i], payload: payloadOf(70, i) })),
      );
    }
  });

  it("hands a long payload over in memory of its own, at its phase, a short one where it lies", () => {
    const pair = ringPair(64 * 1024);
    for (const bytes of [255, 256, 5000, 256]) write(pair, [1, 1], payloadOf(bytes, bytes, 5));
    const seen: { shared: boolean; phase: number; payload: number[] }[] = [];
    pair.reader.drain((_envelope, bytes, view, start, end) => {
      expect(view.buffer).toBe(bytes.buffer);
      const payload = [...bytes.subarray(start, end)];
      seen.push({ shared: bytes.buffer instanceof SharedArrayBuffer, phase: (bytes.byteOffset + start) % 8, payload });
    }, 9);
    expect(seen).toEqual(
      [255, 256, 5000, 256].map((n) => ({ shared: n < 256, phase: 5, payload: [...payloadOf(n, n)] })),
    );
  });

  it("is emptied unread", async () => {
    const pair = ringPair();
    let written = 0;
    while (write(pair, [1, written], payloadOf(40, written))) written++;
    const writable = pair.writer.whenWritable();
    pair.reader.discard();
    await writable;
    expect(readAll(pair)).toEqual([]);
  });

  it("reads up to as many messages as it is asked for", () => {
    const pair = ringPair();
    for (let i = 0; i < 5; i++) write(pair, [1, i], payloadOf(1));
    expect(readAll(pair, 0)).toEqual([]);
    expect(readAll(pair, 2).map(({ envelope }) => envelope[1])).toEqual([0, 1]);
    expect(readAll(pair, 9).map(({ envelope }) => envelope[1])).toEqual([2, 3, 4]);
  });

  it("reads what is written while it is being read", () => {
    const pair = ringPair();
    write(pair, [1, 0], payloadOf(1));
    const seen: (number | undefined)[] = [];
    pair.reader.drain((envelope) => {
      seen.push(envelope[1]);
      if (seen.length < 4) write(pair, [1, seen.length], payloadOf(1));
    }, 9);
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it("gives memory back in the course of a drain, not only at its end", () => {
    const pair = ringPair();
    let written = 0;
    while (write(pair, [1, written], payloadOf(48))) written++;
    const room: boolean[] = [];
    pair.reader.drain(() => room.push(write(pair, [2, 2], payloadOf(48))), written);
    // An eighth of the ring is two of these records.
    expect(room).toEqual(room.map((_, i) => i >= 2));
    expect(room).toHaveLength(16);
  });

  it("hands the same envelope over without decoding it again, and tells like ones apart", () => {
    const pair = ringPair(64 * 1024);
    const seen: (readonly number[])[] = [];
    for (let round = 0; round < 2; round++) {
      // More connections than are cached, so that some replace others.
      for (let i = 0; i < 2000; i++) write(pair, [1, i * 37], payloadOf(0));
      pair.reader.drain((envelope) => seen.push(envelope), 2000);
    }
    expect(seen.map((envelope) => envelope[1])).toEqual(Array.from({ length: 4000 }, (_, i) => (i % 2000) * 37));
    write(pair, [1, 5], payloadOf(0));
    write(pair, [1, 5], payloadOf(0));
    pair.reader.drain((envelope) => seen.push(envelope), 2);
    expect(seen[4000]).toBe(seen[4001]);
  });

  it("is consistent after a handler that threw: its message counts as taken", () => {
    const pair = ringPair();
    for (let i = 0; i < 3; i++) write(pair, [1, i], payloadOf(100, i));
    const drain = () =>
      pair.reader.drain((envelope) => {
        throw new Error(`handler of ${envelope[1]}`);
      }, 9);
    expect(drain).toThrow("handler of 0");
    expect(drain).toThrow("handler of 1");
    expect(readAll(pair)).toEqual([{ envelope: [1, 2], payload: payloadOf(100, 2) }]);
    // Its memory came back as well: the ring can be filled again.
    let written = 0;
    while (write(pair, [1, written], payloadOf(40, written))) written++;
    expect(written).toBeGreaterThanOrEqual(16);
  });

  it("is not drained from within its handler", () => {
    const pair = ringPair();
    write(pair, [1, 1], payloadOf(1));
    write(pair, [1, 2], payloadOf(1));
    expect(() => pair.reader.drain(() => pair.reader.drain(() => undefined, 1), 9)).toThrow("within its handler");
    expect(readAll(pair)).toHaveLength(1);
  });

  it("is continued by ends that are made later", () => {
    const memory = allocateRing(1024, -64);
    for (let i = 0; i < 40; i++) {
      expect(new RingWriter(memory).tryWrite(Uint8Array.of(0x91, i), payloadOf(90, i), 0, 90)).toBe(true);
      const reader = new RingReader(memory, 0);
      expect(readAll({ reader, writer: new RingWriter(memory) })).toEqual([
        { envelope: [i], payload: payloadOf(90, i) },
      ]);
      expect(reader.isEmpty).toBe(true);
    }
  });

  it("stops the reader when a length cannot be right", () => {
    const memory = allocateRing(1024);
    const { headers, words } = mapRing(memory);
    const reader = new RingReader(memory, 1000);
    for (const length of [0, -8, 7, 24, 1032, 0x7fff_ffff]) {
      headers[0] = length;
      words[0] = 16;
      expect(() => reader.drain(() => undefined, 1)).toThrow(`a record of ${length} bytes at 0`);
    }
  });
});
