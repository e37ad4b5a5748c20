/** What the pages of topics and messages reckon: rates, settings that were changed, bodies that were typed. */
import type { QueueStatistics, TopicConfig, TopicStatistics } from "ringmq/client";
import { describe, expect, it } from "vitest";
import { lookAt } from "../../../src/console/broker/topic-look.js";
import { parseHeaders, parseHex, typedBody } from "../../../src/console/pages/messages/body-input.js";
import { historyOf, RateHistory, SPAN } from "../../../src/console/pages/topic/rate-history.js";
import {
  changesIn,
  configOf,
  type Draft,
  GROUPS,
  isComplete,
  KINDS,
} from "../../../src/console/pages/topic/settings.js";
import { publishedAt } from "../../../src/console/parts/message-id.js";
import { EPOCH, formatId, parseId } from "../../../src/protocol/id.js";
import { DEFAULT_CONFIG } from "../../../src/shard/topics/topic.js";

const queue = (fields: Partial<QueueStatistics> = {}): QueueStatistics => ({
  bindKey: "default",
  ready: 0,
  delayed: 0,
  inFlight: 0,
  deadLetters: 0,
  bytes: 0,
  consumers: 0,
  paused: false,
  braked: false,
  rate: 0,
  ...fields,
});

const stats = (fields: Partial<TopicStatistics> = {}): TopicStatistics => ({
  name: "orders",
  config: {} as TopicConfig,
  startTime: 1,
  published: 0,
  delivered: 0,
  acked: 0,
  retried: 0,
  dead: 0,
  expired: 0,
  dropped: 0,
  queues: [],
  ...fields,
});

describe("a look at a topic", () => {
  it("has its queues together, and what has happened a second since the look before", () => {
    const queues = [queue({ ready: 3, paused: true }), queue({ ready: 4, inFlight: 2, deadLetters: 1, braked: true })];
    const first = lookAt(stats({ published: 100, queues }), 1_000);
    expect(first).toMatchObject({ ready: 7, inFlight: 2, dead: 1, paused: 1, braked: 1, incoming: undefined });
    const second = lookAt(stats({ published: 150, delivered: 10, acked: 5 }), 3_000, first);
    expect(second).toMatchObject({ ready: 0, incoming: 25, outgoing: 5, done: 2.5 });
  });

  it("that comes too soon leaves the rates as they were, and the time to the next", () => {
    const first = lookAt(stats(), 0);
    const second = lookAt(stats({ published: 10 }), 1_000, first);
    const soon = lookAt(stats({ published: 10_000, queues: [queue({ ready: 9 })] }), 1_001, second);
    expect(soon).toMatchObject({ ready: 9, incoming: 10 });
    expect(lookAt(stats({ published: 2_010 }), 3_000, soon).incoming).toBe(1_000);
  });

  it("knows no rate when the broker counts from 0 again", () => {
    const first = lookAt(stats({ published: 1_000 }), 0);
    expect(lookAt(stats({ published: 10 }), 1_000, first).incoming).toBeUndefined();
    expect(lookAt(stats({ published: 2_000, startTime: 2 }), 1_000, first).incoming).toBeUndefined();
  });
});

it("keeps the rates of five minutes", () => {
  const history = new RateHistory();
  for (let second = 0; second <= 2 * SPAN; second++) {
    history.add(stats({ published: second * 7 }), second * 1_000, second * 1_000);
  }
  expect([history.times[0], history.times.length, history.incoming.length]).toEqual([SPAN, SPAN + 1, SPAN + 1]);
  expect(new Set(history.incoming)).toEqual(new Set([7]));
});

it("has the rates of a topic that the reader comes back to, with a gap, and not those of many others", () => {
  const client = {};
  const history = historyOf(client, "a");
  for (const second of [0, 1, 100, 101]) history.add(stats({ published: second }), second * 1_000, second * 1_000);
  expect(historyOf(client, "a").incoming).toEqual([null, 1, null, 1]);
  expect(historyOf({}, "a")).not.toBe(history);
  for (let i = 0; i < 15; i++) historyOf(client, `of ${i}`);
  expect(historyOf(client, "a")).toBe(history);
  for (let i = 0; i < 16; i++) historyOf(client, `more ${i}`);
  expect(historyOf(client, "a")).not.toBe(history);
});

describe("settings", () => {
  const config = { autoAck: false, ttr: 60_000, retries: 5 } as TopicConfig;

  it("are all those of a topic, each in one group", () => {
    const grouped = GROUPS.flatMap(({ names }) => names);
    expect([...grouped].sort()).toEqual(Object.keys(KINDS).sort());
    // The broker's own durability is no setting of the topic.
    expect([...grouped].sort()).toEqual([...Object.keys(DEFAULT_CONFIG), "durability"].sort());
  });

  it("that were changed are sent, and no others", () => {
    const draft: Draft = { autoAck: true, ttr: 60_000, durability: "memory" };
    const changes = changesIn(draft, config);
    expect(changes).toEqual(["autoAck", "durability"]);
    expect(isComplete(draft, changes)).toBe(true);
    expect(configOf(draft, changes)).toEqual({ autoAck: true, durability: "memory" });
  });

  it("cannot be sent while one is no value", () => {
    const draft: Draft = { autoAck: true, ttr: undefined };
    expect(isComplete(draft, changesIn(draft, config))).toBe(false);
    expect(isComplete({}, changesIn({}, config))).toBe(false);
  });
});

describe("what is typed", () => {
  it("is bytes in hexadecimal, however they are set apart", () => {
    expect(parseHex("00 ff\nA0")).toEqual(Uint8Array.of(0, 255, 160));
    expect(parseHex("")).toEqual(new Uint8Array());
    expect([parseHex("0"), parseHex("0g"), parseHex("0x00")]).toEqual([undefined, undefined, undefined]);
  });

  it("is JSON or not, and stays as it was typed", () => {
    expect(typedBody("json", '{"n": 18446744073709551615}')).toBe('{"n": 18446744073709551615}');
    expect(typedBody("json", "{")).toBeUndefined();
    expect(typedBody("text", "{")).toBe("{");
  });

  it("is headers when it is an object", () => {
    expect(parseHeaders(' {"a": 1} ')).toEqual({ a: 1 });
    expect(parseHeaders(" ")).toEqual({});
    expect(["[1]", "null", "7", "{"].map(parseHeaders)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

it("tells from an id when its message was published", () => {
  const time = Date.UTC(2026, 10, 30, 1, 2, 3, 456);
  const id = (BigInt(time - EPOCH) << 22n) | 4_194_303n;
  const { high = 0, low = 0 } = parseId(String(id)) ?? {};
  expect(publishedAt(formatId(high, low))).toBe(time);
});
