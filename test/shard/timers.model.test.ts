import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EPOCH } from "../../src/protocol/id.js";
import type { Command } from "../../src/shard/command.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { type Effect, Recorder } from "./model/effects.js";

const START = Date.UTC(2026, 0, 1);
const DAY = 24 * 3600 * 1000;
const YEAR = 365 * DAY;
const TIMERS = 100_000;
const { RINGMQ_MODEL_RUNS = "300" } = process.env;
const RUNS = Math.max(1, Math.round(Number(RINGMQ_MODEL_RUNS) / 300));

/** Numbers in [0, 1) from a seed, the same on every run (mulberry32). */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
};

/** From a millisecond to a year, as many short ones as long ones. */
const randomDelay = (random: () => number): number => Math.ceil(YEAR ** random());

/** A shard and its clock, which says what it likes. */
class Clock {
  readonly recorder = new Recorder();
  readonly shard = new Shard({
    effects: this.recorder,
    ids: localIdSource(EPOCH),
    node: 1,
    limits: { maxTopics: 10, maxQueues: 10, maxConsumers: 10 },
    memoryBytes: 1024 ** 3,
    now: START,
  });
  /** The latest time that the shard has been told. */
  now = START;

  apply(command: Command): Effect[] {
    this.shard.apply(command, this.now);
    return this.recorder.take();
  }

  /** One message whose body is a number. */
  publish(value: number, { delay = 0, ttl = 0, key = "" }): void {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(4, 0);
    bytes.writeUInt32BE(value, 4);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const slice = { bytes, view, start: 0, end: 8 };
    const to = { connection: 1, request: value + 1, requests: 1, topic: "t", routeKey: key };
    const [effect] = this.apply({ op: "publish", ...to, delay, ttl, count: 1, ...slice });
    assert.equal(effect?.kind, "confirm");
  }

  /** Turns until the shard rests; the bodies that were handed out, in order. */
  turn(now: number): number[] {
    this.now = Math.max(this.now, now);
    while (this.shard.turn(now) <= this.now);
    return valuesOf(this.recorder.take());
  }

  /** The bodies of all dead letters of a queue, in order. */
  dead(queue: string): number[] {
    const all: number[] = [];
    for (let page = [0]; page.length > 0; ) {
      const where = { connection: 2, request: 1, topic: "t", queue, state: "dead" } as const;
      page = valuesOf(this.apply({ op: "browse", ...where, offset: all.length, max: 1000, maxBytes: 1e6 }));
      all.push(...page);
      this.turn(this.now);
    }
    return all;
  }
}

const valuesOf = (effects: readonly Effect[]): number[] =>
  effects.flatMap((effect) => {
    assert.ok(effect.kind === "messages");
    return effect.messages.map(({ entry }) => Buffer.from(entry, "latin1").readUInt32BE(4));
  });

const consume: Command = {
  op: "consume",
  connection: 1,
  request: 0xffff_fff0,
  topic: "t",
  queue: "",
  credit: 0xffff_ffff,
  renew: false,
};

/** Steps of the clock, most of them forward and by any length, some of them back; at the end everything is due. */
function* stepsOf(random: () => number, steps: number, end: number): Generator<number> {
  let now = START;
  for (let i = 0; i < steps; i++) {
    if (i % 7 === 3) yield now - randomDelay(random);
    now = Math.min(end, now + Math.ceil((randomDelay(random) * 4) / steps));
    yield now;
  }
  yield end;
}

describe("timers", () => {
  it(`hand out ${TIMERS} delayed messages in the order in which they are due, each in its turn`, () => {
    const play = (seed: number): void => {
      const random = randomFrom(seed);
      const clock = new Clock();
      clock.apply({ op: "configure", connection: 1, request: 1, topic: "t", config: { autoAck: true } });
      clock.apply(consume);
      const due: number[] = [];
      for (let i = 0; i < TIMERS; i++) {
        due.push(clock.now + randomDelay(random));
        clock.publish(i, { delay: (due[i] ?? 0) - clock.now });
        if (i % 100 === 0) clock.now++;
      }
      const order = due.map((_, i) => i).sort((a, b) => (due[a] ?? 0) - (due[b] ?? 0));
      let at = 0;
      for (const now of stepsOf(random, 1000, START + 2 * YEAR)) {
        const out = clock.turn(now);
        const dues = out.map((i) => due[i] ?? 0);
        const expected: number[] = [];
        for (; (due[order[at] ?? -1] ?? Number.POSITIVE_INFINITY) <= clock.now; at++) {
          expected.push(due[order[at] ?? -1] ?? 0);
        }
        // Equal where several are due in one millisecond: the times say who may be first.
        assert.deepEqual(dues, expected);
      }
      assert.equal(at, TIMERS);
      clock.shard.invariants();
      assert.equal(clock.shard.store.wheel.size, 0);
    };
    fc.assert(fc.property(fc.integer(), play), { numRuns: RUNS });
  }, 120_000);

  it("end leases and times to live in the order of their ends, each in its turn", () => {
    const play = (seed: number): void => {
      const random = randomFrom(seed);
      const clock = new Clock();
      const ask = { connection: 1, request: 1, topic: "t" };
      clock.apply({ op: "configure", ...ask, config: { retries: 0, expired: "dead-letter" } });
      clock.apply({ op: "declareQueue", ...ask, queue: "popped" });
      const ends: number[] = [];
      for (let i = 0; i < TIMERS / 10; i++) {
        const time = randomDelay(random);
        ends.push(clock.now + time);
        if (i % 2 === 0) {
          clock.publish(i, { ttl: time });
        } else {
          clock.publish(i, { key: "popped" });
          clock.apply({ op: "configure", ...ask, config: { ttr: time } });
          clock.apply({ op: "pop", ...ask, queue: "popped", max: 1, maxBytes: 1, wait: 0 });
        }
        if (i % 100 === 0) clock.now++;
      }
      const sorted = [...ends].sort((a, b) => a - b);
      let dead = 0;
      for (const now of stepsOf(random, 300, START + 2 * YEAR)) {
        expect(clock.turn(now)).toEqual([]);
        while ((sorted[dead] ?? Number.POSITIVE_INFINITY) <= clock.now) dead++;
        const queues = [...(clock.shard.directory.find("t")?.queues.values() ?? [])];
        expect(queues.reduce((sum, queue) => sum + queue.deadCount, 0)).toBe(dead);
      }
      for (const queue of ["default", "popped"]) {
        const inOrder = clock.dead(queue).map((i) => ends[i] ?? Number.NaN);
        expect(inOrder).toHaveLength(TIMERS / 20);
        expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
      }
      clock.shard.invariants();
    };
    fc.assert(fc.property(fc.integer(), play), { numRuns: RUNS });
  }, 120_000);
});
