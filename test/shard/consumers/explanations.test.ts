import { beforeEach, describe, expect, it } from "vitest";
import type { Finding } from "../../../src/shard/consumers/finding.js";
import { messagesIn, selecting } from "../selecting.js";
import { NOW, ShardByHand } from "../shard-by-hand.js";

let hand: ShardByHand;

beforeEach(() => {
  hand = new ShardByHand();
});

const explain = (topic = "t", queue: string | null = "default", routeKey: string | null = null): readonly Finding[] => {
  const answer = hand.ask({ op: "explain", topic, queue, routeKey }, 9).at(-1);
  if (answer?.kind !== "result") throw new Error("EXPLAIN is answered with a RESULT");
  return answer.value as readonly Finding[];
};

const codes = (...of: Parameters<typeof explain>): string[] => explain(...of).map(({ code }) => code);

const only = (code: string): Finding => {
  const [found, other] = explain().filter((finding) => finding.code === code);
  if (found === undefined || other !== undefined)
    throw new Error(`${code} is not there once, but ${codes().join(", ")}`);
  return found;
};

describe("why nothing arrives", () => {
  it("is that there is no such topic, or queue, and asking makes none", () => {
    expect(codes()).toEqual(["NO_TOPIC"]);
    expect(hand.names).toEqual([]);
    hand.ask({ op: "declareQueue", topic: "t", queue: "eu" });
    expect(explain("t", "us")).toMatchObject([{ code: "NO_QUEUE", queue: "us", details: { known: ["eu"] } }]);
    expect(codes("t", "default")).toEqual(["NO_QUEUE"]);
  });

  it("is that the queue is paused", () => {
    hand.publish("t", { count: 3 });
    hand.consume("t");
    hand.ask({ op: "pause", topic: "t", queue: "" });
    hand.rest();
    expect(explain()[0]).toEqual({
      code: "PAUSED",
      queue: "default",
      text: "the queue is paused until it is resumed; 3 messages are ready",
      details: { ready: 3 },
    });
    hand.ask({ op: "resume", topic: "t", queue: "" });
    hand.rest();
    expect(codes()).toEqual(["IN_FLIGHT"]);
  });

  it("is that nobody consumes", () => {
    hand.publish("t");
    expect(explain()).toMatchObject([{ code: "NO_CONSUMER", details: { ready: 1 } }]);
    hand.ask({ op: "configure", topic: "t", config: { autoAck: true } });
    hand.consume("t");
    hand.rest();
    expect(codes()).toEqual(["EMPTY"]);
    hand.shard.apply({ op: "disconnect", connection: 1 }, hand.now);
    expect(codes()).toEqual(["NO_CONSUMER", "EMPTY"]);
    // Who waits in a POP is somebody.
    hand.pop("t", 1_000);
    expect(codes()).toEqual(["EMPTY"]);
  });

  it("is that consumers have no credit left: who holds what, and until when", () => {
    hand.shard.name(1, "billing");
    hand.consume("t", 1, "", 2);
    hand.publish("t", { count: 5 });
    hand.rest();
    hand.now += 15_500;
    expect(explain()).toMatchObject([
      { code: "NO_CREDIT", details: { ready: 3, consumers: 1, withoutCredit: 1, inFlight: 2 } },
      {
        code: "IN_FLIGHT",
        text: "2 messages are in flight: handed out and not settled; the first lease ends in 44.5 s",
        details: {
          ready: 3,
          inFlight: 2,
          firstEnds: NOW + 60_000,
          isExact: true,
          holders: [{ connection: 1, client: "billing", inFlight: 2 }],
        },
      },
    ]);
    // One that could be handed something is not in want of credit.
    hand.consume("t", 2, "", 100);
    hand.rest();
    expect(codes()).toEqual(["IN_FLIGHT"]);
    expect(only("IN_FLIGHT").text).toMatch(/^nothing is ready: 5 messages are in flight/);
  });

  it("is that a connection takes too little of what it is sent", () => {
    hand.consume("t", 1, "", 10);
    hand.consume("t", 2, "", 10);
    hand.shard.apply({ op: "hold", connection: 2 }, hand.now);
    hand.publish("t");
    expect(only("CONSUMERS_HELD").details).toEqual({ ready: 1, consumers: 2, held: 1, connections: [2] });
    hand.shard.apply({ op: "unhold", connection: 2 }, hand.now);
    expect(codes()).toEqual(["FLOWING"]);
  });

  it("is that everything is in flight, popped or held, until the first lease ends", () => {
    hand.publish("t", { count: 2 });
    hand.pop("t", 0);
    expect(only("IN_FLIGHT").details).toMatchObject({ inFlight: 2, firstEnds: NOW + 60_000, holders: [] });
    hand.wait(60_000);
    expect(codes()).toEqual(["NO_CONSUMER"]);
  });

  it("is that messages are delayed, by their publisher or because they have failed", () => {
    hand.ask({ op: "configure", topic: "t", config: { retryDelay: 5_000 } });
    hand.consume("t");
    hand.publish("t", { delay: 90_000, count: 3 });
    expect(explain()).toEqual([
      {
        code: "DELAYED",
        queue: "default",
        text: "3 messages are delayed, the first is due in 90 s",
        details: { delayed: 3, next: NOW + 90_000, isExact: true },
      },
    ]);
    hand.publish("t");
    const nacked = { topic: "t", queue: "", delay: undefined, reject: false, ...selecting(messagesIn(hand.rest())) };
    expect(hand.ask({ op: "nack", ...nacked })).toMatchObject([{ kind: "confirm" }]);
    expect(codes()).toEqual(["RETRY_DELAYED", "DELAYED"]);
    expect(only("RETRY_DELAYED").details).toMatchObject({ delayed: 1, next: NOW + 5_000 });
    expect(only("DELAYED").details).toMatchObject({ delayed: 3 });
  });

  it("is that messages have expired, or are dead letters, or were dropped", () => {
    hand.consume("t", 1, "", 0);
    hand.publish("t", { ttl: 1_000, count: 2 });
    hand.wait(1_000);
    expect(codes()).toEqual(["EXPIRED", "EMPTY"]);
    expect(only("EXPIRED").text).toBe("expired because nobody took them in time: 2 messages, which are gone");
    hand.ask({ op: "configure", topic: "t", config: { expired: "dead-letter" } });
    hand.publish("t", { ttl: 1_000 });
    hand.wait(1_000);
    hand.now += 3_000;
    expect(only("DEAD_LETTERS")).toMatchObject({
      text: "1 message is dead, the last died 3 s ago (expired)",
      details: { deadLetters: 1, last: NOW + 2_000, reason: "expired" },
    });
    hand.ask({ op: "purge", topic: "t", queue: "", state: "dead" });
    expect(codes()).toEqual(["EXPIRED", "DROPPED", "EMPTY"]);
  });

  it("is that the queue has slowed itself down", () => {
    hand.ask({ op: "configure", topic: "t", config: { brake: 0.5, retries: 100 } });
    hand.consume("t", 1, "", 1_000);
    hand.publish("t", { count: 30 });
    hand.rest();
    hand.wait(60_000);
    hand.rest();
    const { text, details } = only("BRAKED");
    expect(details).toMatchObject({ ready: expect.any(Number), rate: expect.any(Number), next: expect.any(Number) });
    expect(text).toMatch(/ the next in \d+ ms$/);
  });

  it("is that the queue is full", () => {
    hand.ask({ op: "configure", topic: "t", config: { maxLength: 2 } });
    hand.publish("t", { count: 2 });
    expect(explain()).toMatchObject([
      { code: "QUEUE_FULL", text: "the queue is full: publishes to it are refused" },
      { code: "NO_CONSUMER" },
    ]);
    hand.ask({ op: "configure", topic: "t", config: { overflow: "drop-oldest" } });
    expect(only("QUEUE_FULL").text).toBe("the queue is full: what is published displaces the oldest");
    hand.ask({ op: "configure", topic: "t", config: { maxLength: 3 } });
    expect(codes()).toEqual(["NO_CONSUMER"]);
  });

  it("is that publishes are refused, and that the journal stands still, but not for what is in memory", () => {
    hand.ask({ op: "configure", topic: "t", config: { autoAck: true } });
    hand.ask({ op: "configure", topic: "m", config: { durability: "memory" } });
    hand.publish("t");
    hand.consume("t");
    hand.shard.refusal = { kind: "DISK_FULL", text: "the disk is full" };
    hand.shard.standstill = { kind: "DISK_FULL", text: "the disk is full" };
    hand.rest();
    expect(codes()).toEqual(["JOURNAL_STANDS_STILL", "PUBLISHES_REFUSED"]);
    expect(only("PUBLISHES_REFUSED")).toMatchObject({ queue: null, details: { error: "DISK_FULL" } });
    expect(codes("m", null)).toEqual(["EMPTY"]);
    // The first publish would make it.
    expect(codes("new", null)).toEqual(["NO_TOPIC", "PUBLISHES_REFUSED"]);
  });

  it("is that others are in line as well, or that clients have enough on its way", () => {
    let isCrowded = false;
    hand = new ShardByHand({ isCrowded: () => isCrowded });
    for (const topic of ["t", "u"]) hand.consume(topic);
    for (const topic of ["t", "u"]) hand.publish(topic, { count: 5 });
    expect(explain()).toMatchObject([{ code: "BEHIND_OTHERS", details: { ready: 5, queues: 2 } }]);
    isCrowded = true;
    expect(codes()).toEqual(["OUTBOX_CROWDED"]);
    isCrowded = false;
    hand.rest();
    expect(codes()).toEqual(["IN_FLIGHT"]);
  });

  it("is nothing: the queue is empty, and when something was published last", () => {
    hand.consume("t");
    expect(explain()).toMatchObject([{ code: "EMPTY", details: { published: 0, lastPublished: 0 } }]);
    hand.ask({ op: "configure", topic: "t", config: { autoAck: true } });
    hand.publish("t", { count: 4 });
    hand.rest();
    hand.now += 3 * 3_600_000;
    expect(explain()).toEqual([
      {
        code: "EMPTY",
        queue: "default",
        text: "nothing is wrong: the queue is empty; the last message of the topic was published 3 h ago",
        details: { published: 4, lastPublished: NOW, since: NOW },
      },
    ]);
  });
});

describe("a route key", () => {
  it("reaches the queue that it names, or none", () => {
    hand.ask({ op: "declareQueue", topic: "t", queue: "eu" });
    expect(codes("t", "eu", "eu")).toEqual(["NO_CONSUMER", "REACHES", "EMPTY"]);
    expect(explain("t", "eu", "us")[0]).toMatchObject({
      code: "NO_ROUTE",
      text: "the route key names none of the queues; there are eu",
      details: { routeKey: "us", mode: "exact", count: 0, queues: [], known: ["eu"] },
    });
    // What is made with its first message.
    expect(explain("t", "eu", "").find(({ code }) => code === "REACHES")?.details).toMatchObject({ queues: [] });
  });

  it("is a pattern over the bind keys, which is matched in steps", () => {
    hand = new ShardByHand({ stepExtents: 1 });
    hand.ask({ op: "configure", topic: "t", config: { mode: "pattern" } });
    for (const queue of ["eu.1", "eu.2", "us.1"]) hand.ask({ op: "declareQueue", topic: "t", queue });
    expect(explain("t", null, "^eu").find(({ code }) => code === "REACHES")).toMatchObject({
      text: "the route key reaches 2 queues: eu.1, eu.2",
      details: { count: 2, queues: ["eu.1", "eu.2"] },
    });
    expect(codes("t", "eu.1", "asia")[0]).toBe("NO_ROUTE");
    expect(hand.ask({ op: "explain", topic: "t", queue: null, routeKey: "(" })).toMatchObject([
      { kind: "fail", error: "BAD_PATTERN" },
    ]);
  });
});

it("all queues of a topic are told of, the weightiest findings first, up to a bound", () => {
  hand = new ShardByHand({ limits: { maxTopics: 10, maxQueues: 100, maxConsumers: 100 } });
  for (let i = 0; i < 40; i++) hand.ask({ op: "declareQueue", topic: "t", queue: `q${i}` });
  hand.publish("t", { routeKey: "q1" });
  hand.ask({ op: "pause", topic: "t", queue: "q7" });
  const found = explain("t", null);
  expect(found.slice(0, 3).map(({ code, queue }) => [code, queue])).toEqual([
    ["PAUSED", "q7"],
    ["NO_CONSUMER", "q0"],
    ["NO_CONSUMER", "q1"],
  ]);
  expect(found.at(-1)).toMatchObject({ code: "MORE_QUEUES", queue: null, details: { queues: 40, told: 32 } });
});
