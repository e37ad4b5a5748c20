import { expect, it } from "vitest";
import { type LookedUp, messageHistory } from "../../../src/main/native/message-history.js";
import { Failed, writeFailure } from "../../../src/protocol/failure.js";
import { idTime } from "../../../src/protocol/id.js";
import type { TrailResult } from "../../../src/workers/jobs/job.js";

const HIGH = 60_000_000;
const PUBLISHED = idTime(HIGH, 7);

const NOTHING: TrailResult = { events: [], origin: null, leftOut: 0, from: PUBLISHED - 1, isWhole: true };

const failures = (...numbers: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(200);
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  let end = 0;
  for (const number of numbers) {
    const time = PUBLISHED + number * 10;
    const [consumer, reason] = [encode("worker"), encode(`${number}`)];
    end = writeFailure(bytes, new DataView(bytes.buffer), end, number, time, Failed.TIMED_OUT, consumer, reason);
  }
  return bytes.subarray(0, end);
};

const copy = (retry: number, bytes: Uint8Array): LookedUp => ["default", "ready", retry, 0, 0, 0, bytes, "", 0];

const failed = (number: number, queue = "default"): TrailResult["events"][number] => ({
  what: "failed",
  queue,
  time: PUBLISHED + number * 10 + 0.7,
  after: PUBLISHED,
  before: 0,
  retry: number,
  reason: 0,
  due: 0,
  failure: { number, how: Failed.TIMED_OUT, consumer: "worker", text: `${number}` },
});

const codes = (found: readonly LookedUp[], trail: TrailResult | undefined): string[] =>
  messageHistory("t", HIGH, 7, found, trail).unknown.map(({ code }) => code);

it("has each failure once, whether the journal or the shard tells it, in the order of their times", () => {
  const trail = { ...NOTHING, events: [failed(1), failed(3), failed(2, "other")] };
  const { events } = messageHistory("t", HIGH, 7, [copy(4, failures(1, 2, 3, 4))], trail);
  expect(events.map(({ number, queue }) => `${number} ${queue}`)).toEqual([
    "1 default",
    "2 other",
    "2 default",
    "3 default",
    "4 default",
  ]);
  expect(events[3]).toMatchObject({ time: PUBLISHED + 30, how: "timed out", client: "worker", text: "3" });
});

it("says what cannot be told", () => {
  const origin = { routeKey: "", due: 0, expiry: 0, producer: "p", sequence: 1, key: "" };
  const there = [copy(0, failures())];
  expect(codes(there, { ...NOTHING, origin })).toEqual(["DELIVERIES"]);
  expect(codes(there, { ...NOTHING, origin: { ...origin, producer: "" } })).toEqual(["DELIVERIES", "PUBLISHER"]);
  expect(codes([], { ...NOTHING, origin, events: [failed(1)] })).toEqual(["ENDED", "DELIVERIES"]);
  expect(codes([], NOTHING)).toEqual(["NOT_FOUND", "NOT_IN_JOURNAL", "DELIVERIES", "PUBLISHER"]);
  expect(codes(there, undefined)).toEqual(["NO_JOURNAL", "DELIVERIES", "PUBLISHER"]);
  expect(codes(there, { ...NOTHING, origin, from: PUBLISHED + 1 })).toEqual(["RECLAIMED", "DELIVERIES"]);
  const published = { ...failed(0), what: "published", time: PUBLISHED, failure: null } as const;
  expect(codes(there, { ...NOTHING, origin, events: [published], from: PUBLISHED + 1 })).toEqual(["DELIVERIES"]);
  expect(codes(there, { ...NOTHING, origin, isWhole: false })).toEqual(["CUT_SHORT", "DELIVERIES"]);
  expect(codes(there, { ...NOTHING, origin, leftOut: 3 })).toEqual(["LEFT_OUT", "DELIVERIES"]);
  expect(codes([copy(12, failures(1, 2))], { ...NOTHING, origin })).toEqual(["FAILURES", "DELIVERIES"]);
  expect(codes([copy(2, failures(1, 2))], { ...NOTHING, origin })).toEqual(["DELIVERIES"]);
});
