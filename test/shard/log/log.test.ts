import { describe, expect, it } from "vitest";
import { Log } from "../../../src/shard/log/log.js";
import * as record from "../../../src/shard/log/record.js";

const PAGE = 1000;
const TOPIC = Buffer.from("topic");
const KEY = Buffer.from("key");

/** Appends a batch of `length` bytes of entries for one queue; where it lies. */
const append = (log: Log, length: number, fill = 1) => {
  const entries = new Uint8Array(length).fill(fill);
  const queues = [{ number: 7 }];
  const page = log.append({
    topic: TOPIC,
    routeKey: KEY,
    queues,
    count: 2,
    idHigh: 0xffff_ffff,
    kind: 0,
    keysStart: 0,
    keysEnd: 0,
    keyUntil: 0,
    producer: new Uint8Array(0),
    sequence: 0,
    idLow: 0x8000_0000,
    due: 12.5,
    expiry: 1e15,
    bytes: entries,
    start: 0,
    end: length,
    isJournalled: false,
  });
  log.pages.claim(log.page, 2);
  return { page, number: log.page, record: log.recordOffset, entries: log.entriesOffset };
};

describe("log", () => {
  it("lays a record out as its table says", () => {
    const { page, record: at, entries } = append(new Log({ pageBytes: PAGE }), 20, 0xab);
    const { view, bytes } = page;
    expect(view.getUint32(at + record.LENGTH)).toBe(record.NAMES + 5 + 3 + 20);
    expect(view.getUint8(at + record.TYPE)).toBe(record.RecordType.PUBLISH);
    expect(view.getUint8(at + record.TOPIC_LENGTH)).toBe(5);
    expect(view.getUint8(at + record.KEY_LENGTH)).toBe(3);
    expect(view.getUint16(at + record.COUNT)).toBe(2);
    expect(view.getUint32(at + record.FIRST_ID_HIGH)).toBe(0xffff_ffff);
    expect(view.getUint32(at + record.FIRST_ID_LOW)).toBe(0x8000_0000);
    expect(view.getFloat64(at + record.DUE)).toBe(12.5);
    expect(view.getFloat64(at + record.EXPIRY)).toBe(1e15);
    expect(Buffer.from(bytes.subarray(at + record.NAMES, entries)).toString()).toBe("topickey");
    expect(bytes.subarray(entries, entries + 20)).toEqual(new Uint8Array(20).fill(0xab));
  });

  it("says beforehand by how much a batch makes it grow", () => {
    const log = new Log({ pageBytes: PAGE });
    for (const length of [10, 500, 300, 900, 2000, 10]) {
      const growth = log.growth(TOPIC.length + KEY.length, 1, length, false);
      const before = log.pages.bytes;
      append(log, length);
      expect(log.pages.bytes - before).toBe(growth);
    }
    expect(log.pages.bytes).toBe(4 * PAGE + record.NAMES + 8 + 2000 - PAGE);
  });

  it("drops a page when it is full and nobody needs it, and not before", () => {
    const log = new Log({ pageBytes: PAGE });
    const first = append(log, 400);
    log.pages.release(first.number, 2);
    expect(log.pages.list[first.number]).toBe(first.page);
    const second = append(log, 400);
    expect(second.number).toBe(first.number);
    const third = append(log, 400);
    expect(third.number).not.toBe(first.number);
    log.pages.release(second.number, 1);
    expect(log.pages.bytes).toBe(2 * PAGE);
    log.pages.release(second.number, 1);
    expect(log.pages.list[second.number]).toBeUndefined();
    expect(log.pages.bytes).toBe(PAGE);
    expect(() => log.pages.at(second.number)).toThrow("gone");
  });

  it("uses numbers and memory of dropped pages again", () => {
    const log = new Log({ pageBytes: PAGE });
    const first = append(log, 800, 1);
    const memory = first.page.bytes.buffer;
    const second = append(log, 800, 2);
    log.pages.release(first.number, 2);
    const third = append(log, 800, 3);
    expect(third.number).toBe(first.number);
    expect(third.page.bytes.buffer).toBe(memory);
    expect([third.page.live, third.page.total]).toEqual([2, 2]);
    expect(third.page.bytes[third.entries]).toBe(3);
    expect(second.page.bytes[second.entries]).toBe(2);
  });

  it("stops when a message is released twice", () => {
    const log = new Log({ pageBytes: PAGE });
    const { number } = append(log, 10);
    log.pages.release(number, 2);
    expect(() => log.pages.release(number, 1)).toThrow("released too often");
  });

  it("counts in its position what was appended, and not what was moved", () => {
    const log = new Log({ pageBytes: PAGE });
    const batch = append(log, 100, 9);
    const { position } = log;
    log.evacuate(batch.page, batch.record, batch.entries + 10, batch.entries + 30);
    expect(log.position).toBe(position);
    const moved = log.pages.at(log.page);
    expect(log.page).not.toBe(batch.number);
    expect(moved.bytes.subarray(log.entriesOffset, log.entriesOffset + 20)).toEqual(new Uint8Array(20).fill(9));
    expect(moved.view.getFloat64(log.recordOffset + record.EXPIRY)).toBe(1e15);
  });
});
