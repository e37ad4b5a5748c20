/** What the thread of a shard publishes about it. */
import { describe, expect, it } from "vitest";
import {
  COLUMN,
  COMMIT_BOUNDS,
  COMMIT_SECONDS,
  FIRST_BUCKET,
  SHARD_METRICS_BYTES,
  type ShardMetric,
} from "../../src/metrics/shard-metrics.js";
import { SharedValuesReader } from "../../src/metrics/shared-values.js";
import { TOPIC_COLUMNS, type TopicRows } from "../../src/metrics/topic-metrics.js";
import type { Queue } from "../../src/shard/messages/queue.js";
import { QueueSurvey } from "../../src/workers/queue-survey.js";
import { ShardGauges } from "../../src/workers/shard-gauges.js";
import { LIMITS, NOW, ShardByHand } from "../shard/shard-by-hand.js";

const MEMORY = 1024 ** 3;

const watched = (hand: ShardByHand, memory = new SharedArrayBuffer(SHARD_METRICS_BYTES)) => {
  const gauges = new ShardGauges(memory, hand.shard, MEMORY);
  const reader = new SharedValuesReader(memory);
  /** The published values of these metrics, after a step that ends now. */
  const show = (...names: ShardMetric[]): (number | undefined)[] => {
    gauges.stepped(hand.now, hand.now);
    hand.now += 100;
    gauges.look(hand.now);
    const values = reader.read();
    return names.map((name) => values[COLUMN[name]]);
  };
  return { gauges, reader, show, memory };
};

describe("the metrics of a shard", () => {
  it("count what happens to messages, and show where they are", () => {
    const hand = new ShardByHand();
    const { show } = watched(hand);
    hand.configure("jobs", { retries: 0, ttr: 1_000 });
    hand.publish("jobs", { count: 5 });
    hand.publish("jobs", { count: 2, delay: 60_000 });
    hand.publish("other", { count: 1 });
    expect(show("published", "publishedBytes", "ready", "delayed", "waitingBytes", "topics", "queues")).toEqual([
      8, 64, 6, 2, 64, 2, 2,
    ]);
    expect(show("unattended", "consumers", "oldestReady", "delivered")).toEqual([2, 0, NOW, 0]);

    hand.consume("jobs", 1, "", 4);
    hand.rest();
    expect(show("unattended", "consumers", "delivered", "inFlight", "ready")).toEqual([1, 1, 4, 4, 2]);
    hand.wait(2_000);
    // One lease after the other has ended; without retries they are dead.
    expect(show("retried", "dead", "deadLetters")).toEqual([4, 4, 4]);
    hand.ask({ op: "purge", topic: "jobs", queue: "", state: "all" });
    hand.ask({ op: "deleteTopic", topic: "other" });
    const rest = show("delivered", "dropped", "deadLetters", "delayed", "ready", "topics", "dead");
    // Four dead letters, one ready and two delayed messages were purged, one was deleted.
    expect(rest).toEqual([4, 8, 0, 0, 0, 1, 4]);
    expect(show("memoryLimit", "segments", "stalled", "refusing")).toEqual([MEMORY, 1, 0, 0]);
    expect(show("journalled", "journalBytes").every((bytes) => Number(bytes) > 100)).toBe(true);
  });

  it("tell kept channels from topics", () => {
    const hand = new ShardByHand();
    const { show } = watched(hand);
    hand.ask({ op: "configureChannel", channel: "news", config: { keep: true } });
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 4);
    const news = { op: "publishChannel", channel: "news", key: "", bytes, view, start: 0, end: 8, count: 1 } as const;
    hand.ask(news);
    expect(show("kept", "channel", "publishedBytes", "published", "ready", "queues", "channels", "topics")).toEqual([
      1, 1, 8, 0, 0, 0, 1, 0,
    ]);
  });

  it("go on counting in the next life of the shard, and the gauges begin anew", () => {
    const hand = new ShardByHand();
    const { show, memory } = watched(hand);
    hand.publish("jobs", { count: 3 });
    expect(show("published", "ready")).toEqual([3, 3]);
    const next = new ShardByHand({ now: hand.now });
    const again = watched(next, memory);
    next.publish("jobs", { count: 2 });
    expect(again.show("published", "ready")).toEqual([5, 2]);
  });

  it("are published at most every 100 ms, and once more when the thread has come to rest", () => {
    const hand = new ShardByHand();
    const { gauges } = watched(hand);
    const { now } = hand;
    expect(gauges.look(now)).toBe(Number.POSITIVE_INFINITY);
    gauges.stepped(now, now + 1);
    expect(gauges.look(now + 1)).toBe(now + 100);
    expect(gauges.look(now + 99)).toBe(now + 100);
    expect(gauges.look(now + 100)).toBe(Number.POSITIVE_INFINITY);
    expect(gauges.look(now + 1_000)).toBe(Number.POSITIVE_INFINITY);
    gauges.stepped(now + 1_000, now + 1_001);
    // It has rested for so long that it is time at once.
    expect(gauges.look(now + 1_001)).toBe(Number.POSITIVE_INFINITY);
  });

  it("show how long the thread was busy, its longest step, and commits by how long they took", () => {
    const hand = new ShardByHand();
    const { gauges, show, reader } = watched(hand);
    gauges.stepped(hand.now, hand.now + 30);
    gauges.stepped(hand.now + 30, hand.now + 35);
    const [busy = 0, longest = 0] = show("busy", "longestStep");
    expect([busy.toFixed(3), longest]).toEqual(["0.035", 0.03]);
    hand.now += 10_000;
    expect(show("longestStep")).toEqual([0.03]);
    hand.now += 10_000;
    expect(show("longestStep")).toEqual([0]);

    for (const milliseconds of [0.05, 0.1, 3, 60_000]) gauges.committed(milliseconds);
    show();
    const values = [...reader.read()];
    const counts = values.slice(FIRST_BUCKET, COMMIT_SECONDS);
    expect(counts.length).toBe(COMMIT_BOUNDS.length + 1);
    // Bounds belong to their buckets.
    expect([counts[0], counts[COMMIT_BOUNDS.indexOf(0.005)], counts.at(-1)]).toEqual([2, 1, 1]);
    expect(values[COMMIT_SECONDS]).toBeCloseTo(60.003_15, 9);
  });
});

it("a survey of many queues takes several looks, and shows whole rounds alone", () => {
  const hand = new ShardByHand();
  for (let i = 0; i < 10; i++) hand.publish(`topic-${i}`);
  const survey = new QueueSurvey(hand.shard.store, hand.shard.directory.queues as readonly (Queue | undefined)[], 4);
  const ready = (): [boolean, number] => [survey.look(), survey.sums.ready];
  expect([ready(), ready(), ready()]).toEqual([
    [false, 0],
    [false, 0],
    [true, 10],
  ]);
  hand.publish("topic-0", { count: 5 });
  expect([ready(), ready(), ready()]).toEqual([
    [false, 10],
    [false, 10],
    [true, 15],
  ]);
});

it("single topics are told of once a second while something happens, the first by their names", () => {
  const hand = new ShardByHand();
  const told: (readonly [number, readonly string[], number[]])[] = [];
  const begin = hand.now;
  const tell = ({ names, values }: TopicRows): void => {
    const column = TOPIC_COLUMNS.indexOf("ready");
    const ready = names.map((_, i) => values[i * TOPIC_COLUMNS.length + column] ?? 0);
    told.push([hand.now - begin, names, ready]);
  };
  const gauges = new ShardGauges(new SharedArrayBuffer(SHARD_METRICS_BYTES), hand.shard, MEMORY, { max: 2, tell });
  hand.publish("b", { count: 2 });
  hand.publish("c");
  /** As the loop of the thread does: a step, then looks until there are none. */
  const rest = (): void => {
    gauges.stepped(hand.now, hand.now);
    for (let due = gauges.look(hand.now); due < Number.POSITIVE_INFINITY; due = gauges.look(hand.now)) hand.now = due;
  };
  rest();
  hand.publish("a", { count: 3 });
  rest();
  hand.publish("a", { delay: 1 });
  hand.now += 5_000;
  rest();
  expect(told).toEqual([
    [0, ["b", "c"], [2, 1]],
    [1_000, ["a", "b"], [3, 2]],
    [6_000, ["a", "b"], [3, 2]],
  ]);
});

it("no topic is left out for the queues of another, and each is told whole", () => {
  const queues = 3_000;
  const hand = new ShardByHand({ limits: { ...LIMITS, maxQueues: queues } });
  for (let i = 0; i < queues; i++) {
    hand.ask({ op: "declareQueue", topic: "a", queue: `key-${i}` });
    hand.publish("a", { routeKey: `key-${i}` });
  }
  hand.publish("b", { count: 2 });
  hand.publish("c", { count: 3 });
  let told: [string, number][] = [];
  const tell = ({ names, values }: TopicRows): void => {
    const column = TOPIC_COLUMNS.indexOf("ready");
    told = names.map((name, i) => [name, values[i * TOPIC_COLUMNS.length + column] ?? 0]);
  };
  const gauges = new ShardGauges(new SharedArrayBuffer(SHARD_METRICS_BYTES), hand.shard, MEMORY, { max: 2, tell });
  const look = (): number => {
    const due = gauges.look(hand.now);
    if (due < Number.POSITIVE_INFINITY) hand.now = due;
    return due;
  };
  gauges.stepped(hand.now, hand.now);
  look();
  expect(told).toEqual([]);
  // Into the round that is under way, in which its queue has been added up already.
  hand.publish("a", { routeKey: "key-0" });
  gauges.stepped(hand.now, hand.now);
  while (look() < Number.POSITIVE_INFINITY);
  expect(told).toEqual([
    ["a", queues + 1],
    ["b", 2],
  ]);
});
