/** What a journal still says of a message: its records, written by a real shard. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeDisk } from "../../../src/journal/node-disk.js";
import { MessageTrail, type TrailEvent } from "../../../src/workers/jobs/message-trail.js";
import { trail } from "../../../src/workers/jobs/trail.js";
import { bodies, damage, keeperOf, segmentsOf as sequencesOf, temporary } from "../../inspection/data.js";
import { checksum } from "../../journal/keeper.js";
import { segmentsOf } from "../../shard/read-back.js";
import { messagesIn, selecting } from "../../shard/selecting.js";
import { NOW, ShardByHand } from "../../shard/shard-by-hand.js";

/** What the log of a shard says of a message. */
const trailOf = (hand: ShardByHand, topic: string, id: bigint): MessageTrail => {
  const found = new MessageTrail(topic, Number(id >> 32n), Number(id & 0xffff_ffffn));
  for (const pages of segmentsOf(hand.shard.store.log).values()) {
    found.begin(NOW, false);
    for (const bytes of pages)
      found.page(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes.length);
  }
  return found;
};

const told = ({ events }: MessageTrail): string[] => events.map(({ what, queue }) => `${what} ${queue}`);

const published = (hand: ShardByHand, topic: string, options = {}): bigint => {
  const answer = hand.publish(topic, options).at(-1);
  if (answer?.kind !== "confirm") throw new Error("it is published");
  return answer.id;
};

/** Gives a message back that was popped. */
const nack = (hand: ShardByHand, topic: string, delay: number | undefined, reason = "", queue = ""): void => {
  const messages = messagesIn(hand.pop(topic, 0, 1, queue));
  hand.ask({ op: "nack", topic, queue, delay, reject: false, reason, ...selecting(messages) });
};

describe("the trail of a message", () => {
  it("has its moves in their order, and times between which those were that have none", () => {
    const hand = new ShardByHand();
    hand.ask({ op: "configure", topic: "t", config: { retries: 1 } });
    const id = published(hand, "t");
    hand.now += 1_000;
    nack(hand, "t", 500, "busy");
    hand.wait(1_000);
    nack(hand, "t", 0, "busy again");
    hand.now += 1_000;
    hand.ask({
      op: "redrive",
      topic: "t",
      queue: "",
      bytes: new Uint8Array(0),
      view: new DataView(new ArrayBuffer(0)),
      start: 0,
      end: 0,
    });
    hand.now += 1_000;
    published(hand, "other");
    hand.now += 1_000;
    hand.ask({ op: "ack", topic: "t", queue: "", ...selecting(messagesIn(hand.pop("t", 0))) });
    hand.now += 1_000;
    const last = hand.now;
    published(hand, "other");
    const { events } = trailOf(hand, "t", id);
    const none = { time: 0, after: 0, before: 0, retry: 0, reason: 0, due: 0, failure: null };
    const shape = (event: TrailEvent) => ({ ...event, time: Math.floor(event.time) });
    expect(events.map(shape)).toEqual([
      { ...none, what: "published", queue: "default", time: NOW, after: NOW },
      {
        ...none,
        what: "failed",
        queue: "default",
        time: NOW + 1_000,
        after: NOW,
        retry: 1,
        failure: { number: 1, how: 1, consumer: "", text: "busy" },
      },
      {
        ...none,
        what: "delayed",
        queue: "default",
        after: NOW + 1_000,
        before: NOW + 2_000,
        retry: 1,
        due: NOW + 1_500,
      },
      {
        ...none,
        what: "failed",
        queue: "default",
        time: NOW + 2_000,
        after: NOW + 1_000,
        retry: 2,
        failure: { number: 2, how: 1, consumer: "", text: "busy again" },
      },
      { ...none, what: "dead", queue: "default", time: NOW + 2_000, after: NOW + 2_000, retry: 2, reason: 1 },
      { ...none, what: "redriven", queue: "default", after: NOW + 2_000, before: NOW + 4_000 },
      { ...none, what: "gone", queue: "default", after: NOW + 4_000, before: last },
    ]);
  });

  it("knows its batch: the route key, the delay, the ttl, its number and its key", () => {
    const hand = new ShardByHand();
    hand.ask({ op: "declareQueue", topic: "t", queue: "eu" });
    const options = { routeKey: "eu", delay: 5_000, ttl: 9_000, producer: "p", sequence: 40 };
    const [answer] = hand.publishKeyed("t", ["a", "", "order 7"], options);
    if (answer?.kind !== "confirm") throw new Error("they are published");
    const origin = { routeKey: "eu", due: NOW + 5_000, expiry: NOW + 9_000, producer: "p" };
    expect(trailOf(hand, "t", answer.id + 2n).origin).toEqual({ ...origin, sequence: 42, key: "order 7" });
    expect(trailOf(hand, "t", answer.id + 1n).origin).toEqual({ ...origin, sequence: 41, key: "" });
    expect(trailOf(hand, "t", answer.id + 3n).origin).toBeUndefined();
    expect(trailOf(hand, "u", answer.id).events).toEqual([]);
  });

  it("is told queue by queue, and has nothing of its neighbours in a batch", () => {
    const hand = new ShardByHand();
    hand.ask({ op: "configure", topic: "t", config: { mode: "pattern" } });
    for (const queue of ["eu", "us"]) hand.ask({ op: "declareQueue", topic: "t", queue });
    const id = published(hand, "t", { routeKey: "eu|us", count: 3 });
    const [first] = messagesIn(hand.pop("t", 0, 1, "us"));
    hand.ask({ op: "ack", topic: "t", queue: "us", ...selecting(first === undefined ? [] : [first]) });
    expect(told(trailOf(hand, "t", id))).toEqual(["published eu", "published us", "gone us"]);
    expect(told(trailOf(hand, "t", id + 1n))).toEqual(["published eu", "published us"]);
    hand.ask({ op: "deleteTopic", topic: "t" });
    // The number of a queue that is gone may be another topic's.
    expect(told(trailOf(hand, "t", id + 1n)).slice(0, 2)).toEqual(["published eu", "published us"]);
  });

  it("leaves out what is in the middle of very many events", () => {
    const hand = new ShardByHand();
    hand.ask({ op: "configure", topic: "t", config: { retries: 1_000 } });
    const id = published(hand, "t");
    for (let i = 1; i <= 300; i++) {
      hand.now += 10;
      nack(hand, "t", 0, `failure ${i}`);
    }
    const { events, leftOut } = trailOf(hand, "t", id);
    expect(events).toHaveLength(200);
    expect(leftOut).toBe(101);
    expect(events[0]?.what).toBe("published");
    expect(events[99]?.failure?.number).toBe(99);
    expect(events.at(-1)?.failure).toMatchObject({ number: 300, text: "failure 300" });
  });
});

describe("the journal on disk", () => {
  it("is read where the message may be, within a bound, as far as it is whole, while files come and go", () => {
    const data = join(temporary(), "data");
    const keeper = keeperOf(data);
    const [answer] = keeper.publish(bodies(3, "first"));
    if (answer?.kind !== "confirm") throw new Error("they are published");
    for (let i = 0; i < 20; i++) {
      keeper.now += 30_000;
      keeper.publish(bodies(20, `more-${i}`));
      keeper.commit();
    }
    const sequences = sequencesOf(data);
    expect(sequences.length).toBeGreaterThan(2);
    const asked = {
      data,
      shard: 0,
      topic: "t",
      idHigh: Number(answer.id >> 32n),
      idLow: Number(answer.id & 0xffff_ffffn) + 2,
    };
    const whole = trail(nodeDisk, checksum, asked);
    expect(whole).toMatchObject({ isWhole: true, leftOut: 0, origin: { routeKey: "" } });
    expect(whole.events.map(({ what, queue }) => `${what} ${queue}`)).toEqual(["published default"]);
    expect(trail(nodeDisk, checksum, { ...asked, maxBytes: 1 })).toMatchObject({
      isWhole: false,
      origin: { routeKey: "" },
    });
    expect(trail(nodeDisk, checksum, { ...asked, topic: "other" })).toMatchObject({ events: [], origin: null });
    // A file that was removed between the list and the look.
    const vanishing = { ...nodeDisk, list: (path: string) => [...nodeDisk.list(path), "00000099.seg"] };
    expect(trail(vanishing, checksum, asked).events).toEqual(whole.events);
    // What is broken is not read, nor what comes behind it in its file.
    const [late] = keeper.publish(bodies(1, "late"));
    if (late?.kind !== "confirm") throw new Error("it is published");
    keeper.commit();
    const asksLate = { ...asked, idHigh: Number(late.id >> 32n), idLow: Number(late.id & 0xffff_ffffn) };
    damage(data, sequences[0] ?? 1, 0, 8);
    expect(trail(nodeDisk, checksum, asked)).toMatchObject({ events: [], origin: null });
    // One that was published later is found without it.
    expect(trail(nodeDisk, checksum, asksLate).events).toHaveLength(1);
  });
});
