/** Requests that were put off, however many, must not hold up others of the shard. */
import { expect, test } from "vitest";
import { EPOCH } from "../../src/protocol/id.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { Recorder } from "./model/effects.js";

const NOW = Date.UTC(2026, 0, 1);
const BODY = 100_000;

/** A shard with two topics, `heavy` of two megabytes and `light` of one message. */
const filled = () => {
  const effects = new Recorder();
  const limits = { maxTopics: 10, maxQueues: 10, maxConsumers: 10 };
  const shard = new Shard({ effects, ids: localIdSource(EPOCH), node: 1, limits, memoryBytes: 1e9, now: NOW });
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
  return { shard, effects, browse };
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
