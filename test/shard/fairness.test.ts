/** Requests that were put off, however many, must not hold up others of the shard. */
import { describe, expect, it, test } from "vitest";
import { EPOCH } from "../../src/protocol/id.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { Recorder } from "./model/effects.js";

const NOW = Date.UTC(2026, 0, 1);
const BODY = 100_000;

/** A shard with two topics, `heavy` of two megabytes and `light` of one message. */
const filled = (isCrowded = () => false) => {
  const effects = new Recorder();
  const limits = { maxTopics: 100, maxQueues: 10, maxConsumers: 100 };
  const shard = new Shard({
    effects,
    ids: localIdSource(EPOCH),
    node: 1,
    limits,
    memoryBytes: 1e9,
    now: NOW,
    isCrowded,
  });
  const publish = (topic: string, size: number): void => {
    const bytes = new Uint8Array(4 + size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, size);
    const slice = { bytes, view, start: 0, end: bytes.length };
    const rest = { requests: 1, count: 1, routeKey: "", delay: 0, ttl: 0 };
    shard.apply({ op: "publish", connection: 9, request: 1, topic, ...rest, ...slice }, NOW);
  };
  for (let i = 0; i < 20; i++) publish("heavy", BODY);
  publish("light", 10);
  const browse = (connection: number, request: number): void => {
    const all = { queue: "default", state: "ready", offset: 0, max: 100, maxBytes: 1e9 } as const;
    shard.apply({ op: "browse", connection, request, topic: "heavy", ...all }, NOW);
  };
  return { shard, effects, browse, publish };
};

test("a consumer is served although a connection has hundreds of long answers to come", () => {
  const { shard, effects, browse } = filled();
  for (let request = 1; request <= 300; request++) browse(1, request);
  const to = { connection: 2, request: 1, topic: "light", queue: "default", credit: 10, renew: false };
  shard.apply({ op: "consume", ...to }, NOW);
  effects.take();
  for (let turn = 0; turn < 3; turn++) shard.turn(NOW);
  expect(effects.take().some((effect) => effect.kind === "messages" && effect.connection === 2)).toBe(true);
});

test("a pop is answered although a consumer has credit for more than a turn can send", () => {
  const { shard, effects } = filled();
  const to = { topic: "heavy", queue: "default" };
  shard.apply({ op: "consume", connection: 1, request: 1, ...to, credit: 1_000_000, renew: false }, NOW);
  shard.apply({ op: "pop", connection: 2, request: 1, ...to, max: 1, maxBytes: 1e6, wait: 0 }, NOW);
  effects.take();
  shard.turn(NOW);
  const answers = effects.take().filter((effect) => effect.kind === "messages" && effect.connection === 2);
  expect(answers).toMatchObject([{ messages: [{ retry: 0 }] }]);
});

test("connections with long answers to come take turns", () => {
  const { shard, effects, browse } = filled();
  for (let request = 1; request <= 50; request++) for (const connection of [1, 2, 3]) browse(connection, request);
  effects.take();
  const served: number[] = [];
  for (let turn = 0; turn < 9; turn++) {
    shard.turn(NOW);
    for (const effect of effects.take()) if (effect.kind === "messages") served.push(effect.connection);
  }
  for (const connection of [1, 2, 3]) expect(served.filter((each) => each === connection).length).toBe(3);
});

describe("queues take turns", () => {
  const to = (topic: string) => ({ topic, queue: "default", credit: 1_000_000, renew: false });

  it("one message is not held up by a backlog that is being consumed", () => {
    const { shard, effects, publish } = filled();
    shard.apply({ op: "consume", connection: 1, request: 1, ...to("heavy") }, NOW);
    shard.apply({ op: "consume", connection: 2, request: 1, ...to("light") }, NOW);
    for (let turn = 0; turn < 3; turn++) {
      // The backlog is never at its end, and comes before the one message in each turn.
      for (let i = 0; i < 20; i++) publish("heavy", BODY);
      publish("light", 10);
      effects.take();
      shard.turn(NOW);
      expect(effects.take().filter((effect) => effect.kind === "messages" && effect.connection === 2)).toHaveLength(1);
    }
  });

  it("whoever was not served in a turn comes first in the next one", () => {
    const { shard, effects, publish } = filled();
    const topics = Array.from({ length: 40 }, (_, i) => `topic ${i}`);
    for (const [i, topic] of topics.entries()) {
      for (let n = 0; n < 3; n++) publish(topic, BODY);
      shard.apply({ op: "consume", connection: i + 1, request: 1, ...to(topic) }, NOW);
    }
    effects.take();
    const served: number[] = [];
    for (let turn = 0; turn < 12; turn++) {
      shard.turn(NOW);
      for (const effect of effects.take()) if (effect.kind === "messages") served.push(effect.connection);
    }
    for (let round = 0; round < 3; round++) {
      expect(new Set(served.slice(round * topics.length, (round + 1) * topics.length)).size).toBe(topics.length);
    }
  });

  it("a backlog waits while the way to the clients is crowded, and answers do not", () => {
    let isCrowded = true;
    const { shard, effects } = filled(() => isCrowded);
    shard.apply({ op: "consume", connection: 1, request: 1, ...to("heavy") }, NOW);
    const pop = { op: "pop", connection: 2, request: 1, topic: "light", queue: "default" } as const;
    shard.apply({ ...pop, max: 1, maxBytes: 1e6, wait: 0 }, NOW);
    expect(effects.take().at(-1)?.kind).toBe("messages");
    expect(shard.turn(NOW)).toBe(NOW + 1);
    expect(effects.take()).toHaveLength(0);
    isCrowded = false;
    expect(shard.turn(NOW + 1)).toBe(NOW + 1);
    expect(new Set(effects.take().map(({ kind }) => kind))).toEqual(new Set(["messages"]));
  });

  it("a single queue has the whole turn", () => {
    const { shard, effects } = filled();
    shard.apply({ op: "consume", connection: 1, request: 1, ...to("heavy") }, NOW);
    effects.take();
    shard.turn(NOW);
    const sent = effects.take().flatMap((effect) => (effect.kind === "messages" ? effect.messages : []));
    expect(sent.length * BODY).toBeGreaterThan(1_000_000);
  });
});
