/** Disk usage is bounded by the live messages, however long a shard has been running. */
import { describe, expect, it } from "vitest";
import { WORD_BYTES } from "../../src/protocol/entry.js";
import { FAILURE_TEXTS, LAST_FAILURES } from "../../src/protocol/failure.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import { SLACK_SEGMENTS } from "../../src/shard/compaction/compaction-window.js";
import * as record from "../../src/shard/log/record.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { OPTIONS } from "../shard/model/driver.js";
import { type Effect, Recorder } from "../shard/model/effects.js";
import { messagesIn, selecting } from "../shard/selecting.js";
import { CompactingShard } from "./compacting-shard.js";

const SEGMENT_BYTES = 16_384;
const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);

/**
 * Segments beyond twice the live bytes: garbage that is left alone, the open segment, one that is being made, the ballast,
 * two spares, which may be half as long again, and what does not pay off to compact yet.
 */
const CONSTANT_SEGMENTS = SLACK_SEGMENTS + 10;

const BODY_BYTES = 100;

/** The most that a live message takes: a record, a claim and a share of the directory. */
const MESSAGE_BYTES = record.NAMES + 16 + record.CLAIM_BYTES + WORD_BYTES + BODY_BYTES + 8;

/** A shard under a workload. What is published to `hot` is acked within the hour. */
class Churn {
  readonly recorder = new Recorder();
  readonly shard = new Shard({
    ...OPTIONS,
    limits: { maxTopics: 10, maxQueues: 10, maxConsumers: 10 },
    pageBytes: 4096,
    effects: this.recorder,
    ids: localIdSource(EPOCH),
    level: Durability.fsync,
    segmentBytes: SEGMENT_BYTES,
    now: START,
  });
  readonly world = new CompactingShard(this.shard, SEGMENT_BYTES);
  now = START;
  #request = 0;

  publish(topic: string, count: number, delay = 0, size = BODY_BYTES): void {
    const bytes = new Uint8Array(count * (WORD_BYTES + size));
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) view.setUint32(i * (WORD_BYTES + size), size);
    this.#request++;
    this.shard.apply(
      {
        op: "publish",
        connection: 1,
        request: this.#request,
        requests: 1,
        topic,
        routeKey: "",
        delay,
        ttl: 0,
        count,
        bytes,
        view,
        start: 0,
        end: bytes.length,
      },
      this.now,
    );
  }

  /** Pops up to `max` messages, rejects the first `rejected` of them and acks the others. Returns how many it popped. */
  consume(topic: string, max: number, rejected = 0): number {
    this.#request++;
    const about = { connection: 1, request: this.#request, topic, queue: "default" };
    this.shard.apply({ op: "pop", ...about, max, maxBytes: 1 << 20, wait: 0 }, this.now);
    const messages = this.recorder
      .take()
      .flatMap((effect: Effect) => (effect.kind === "messages" ? effect.messages : []));
    for (const [i, { id, delivery }] of messages.entries()) {
      const view = new DataView(new ArrayBuffer(20));
      view.setBigUint64(0, id);
      view.setUint32(8, 1);
      view.setUint32(12, delivery);
      this.#request++;
      const slice = { bytes: new Uint8Array(view.buffer), view, start: 0, end: 16 };
      const to = { ...about, request: this.#request, ...slice };
      this.shard.apply(i < rejected ? { op: "nack", delay: 0, reject: true, ...to } : { op: "ack", ...to }, this.now);
    }
    return messages.length;
  }

  /** Pops all of a topic, and nacks each message by itself. Returns how many. */
  retry(topic: string, max: number, reason: string): number {
    const about = { connection: 1, topic, queue: "default" };
    this.#request++;
    this.shard.apply({ op: "pop", ...about, request: this.#request, max, maxBytes: 1 << 20, wait: 0 }, this.now);
    const messages = messagesIn(this.recorder.take());
    for (const one of messages) {
      this.#request++;
      // Not all at the same time: they do not share what is recorded of them.
      this.now++;
      const nack = { op: "nack", ...about, request: this.#request, delay: undefined, reject: false, reason } as const;
      this.shard.apply({ ...nack, ...selecting([one]) }, this.now);
    }
    return messages.length;
  }

  /** An hour passes. */
  pass(): void {
    this.now += HOUR;
    while (this.shard.turn(this.now) <= this.now);
    this.recorder.take();
    this.world.commit();
    this.world.look();
    this.world.finish();
    this.world.commit();
  }

  get live(): number {
    return this.shard.store.log.segments.all.reduce((sum, { live }) => sum + live, 0);
  }

  expectBounded(): void {
    const most = 2 * this.live * MESSAGE_BYTES + CONSTANT_SEGMENTS * SEGMENT_BYTES;
    expect(this.world.diskBytes).toBeLessThanOrEqual(most);
  }
}

describe("disk usage", () => {
  it("is bounded by the live messages, in a year of work with delays of weeks and dead letters", () => {
    const churn = new Churn();
    let written = 0;
    let most = 0;
    for (let hour = 0; hour < 365 * 24; hour++) {
      churn.publish("hot", 20);
      // One message every few hours stays for weeks.
      if (hour % 5 === 0) churn.publish("later", 1, 24 * HOUR * (1 + (hour % 28)));
      if (hour % 50 === 0) churn.publish("broken", 1);
      expect(churn.consume("hot", 20)).toBe(20);
      churn.consume("later", 100);
      churn.consume("broken", 1, 1);
      churn.pass();
      churn.expectBounded();
      most = Math.max(most, churn.world.diskBytes);
    }
    written = churn.shard.store.log.position;
    expect(churn.world.compactions).toBeGreaterThan(10);
    expect(written).toBeGreaterThan(50 * most);
    churn.shard.invariants();
    // The journal still has everything that is live.
    const again = churn.world.readBack(churn.now);
    for (const [name, state] of [
      ["later", "delayedCount"],
      ["broken", "deadCount"],
    ] as const) {
      const count = (shard: Shard): number | undefined => shard.directory.find(name)?.queues.get("default")?.[state];
      expect(count(again)).toBe(count(churn.shard));
      expect(count(again)).toBeGreaterThan(0);
    }
    expect(again.directory.find("hot")?.queues.get("default")?.length).toBe(0);
  }, 120_000);

  it("is bounded when one message of each batch becomes a dead letter", () => {
    const churn = new Churn();
    for (let hour = 0; hour < 1000; hour++) {
      churn.publish("hot", 32);
      expect(churn.consume("hot", 32, 1)).toBe(32);
      churn.pass();
      churn.expectBounded();
    }
    expect(churn.live).toBe(1000);
    churn.shard.invariants();
    const again = churn.world.readBack(churn.now);
    again.invariants();
    expect(again.directory.find("hot")?.queues.get("default")?.deadCount).toBe(1000);
  }, 120_000);

  it("is bounded when small messages stay and large ones go", () => {
    const churn = new Churn();
    for (let hour = 0; hour < 1000; hour++) {
      churn.publish("later", 1, 24 * HOUR * 365);
      for (let i = 0; i < 3; i++) churn.publish("hot", 1, 0, 2000);
      expect(churn.consume("hot", 10)).toBe(3);
      churn.pass();
      churn.expectBounded();
    }
    expect(churn.world.readBack(churn.now).directory.find("later")?.queues.get("default")?.delayedCount).toBe(1000);
  }, 120_000);

  it("is bounded when messages are acked out of order, after a few that stay", () => {
    const churn = new Churn();
    for (let i = 0; i < 200; i++) churn.publish("later", 1, 24 * HOUR * 365);
    for (let hour = 0; hour < 2000; hour++) {
      for (let i = 0; i < 10; i++) churn.publish(i % 2 === 0 ? "even" : "odd", 1);
      // One of them is half a day behind.
      expect(churn.consume("even", 5)).toBe(5);
      if (hour % 12 === 11) expect(churn.consume("odd", 60)).toBe(60);
      churn.pass();
      churn.expectBounded();
    }
    expect(churn.world.readBack(churn.now).directory.find("later")?.queues.get("default")?.delayedCount).toBe(200);
  }, 120_000);

  it("is bounded when topics come and go beside one message that stays", () => {
    const churn = new Churn();
    churn.publish("later", 1, 24 * HOUR * 3650);
    for (let hour = 0; hour < 3000; hour++) {
      churn.publish(`topic-${hour % 4}`, 5);
      const topic = `topic-${(hour + 1) % 4}`;
      while (!churn.shard.apply({ op: "deleteTopic", connection: 1, request: 1, topic }, churn.now));
      churn.pass();
      churn.expectBounded();
    }
  }, 120_000);

  it("is bounded when an old backlog that nobody consumes precedes everything that comes and goes", () => {
    const churn = new Churn();
    // Several segments of live messages only.
    for (let i = 0; i < 50; i++) churn.publish("old", 20);
    churn.pass();
    for (let hour = 0; hour < 2000; hour++) {
      churn.publish("hot", 20);
      expect(churn.consume("hot", 20)).toBe(20);
      churn.pass();
      churn.expectBounded();
    }
    expect(churn.shard.store.log.position).toBeGreaterThan(10 * churn.world.diskBytes);
    expect(churn.world.readBack(churn.now).directory.find("old")?.queues.get("default")?.readyCount).toBe(1000);
  }, 120_000);

  it.each([
    ["a segment", 60],
    ["several segments", 120],
  ])(
    "is bounded when %s of live messages fail again and again",
    (_, count) => {
      const churn = new Churn();
      churn.shard.apply(
        { op: "configure", connection: 1, request: 1, topic: "failing", config: { retries: 60_000 } },
        churn.now,
      );
      for (let i = 0; i < count; i += 10) churn.publish("failing", 10);
      const history = (1 + LAST_FAILURES) * (FAILURE_TEXTS + 8) + 200;
      for (let round = 0; round < 400; round++) {
        expect(churn.retry("failing", 1_000, "no such")).toBe(count);
        churn.pass();
        const most = 2 * count * (MESSAGE_BYTES + history) + CONSTANT_SEGMENTS * SEGMENT_BYTES;
        expect(churn.world.diskBytes).toBeLessThanOrEqual(most);
      }
      expect(churn.shard.store.log.position).toBeGreaterThan(5 * churn.world.diskBytes);
      const again = churn.world.readBack(churn.now);
      again.invariants();
      expect(again.directory.find("failing")?.queues.get("default")?.readyCount).toBe(count);
    },
    120_000,
  );
});
