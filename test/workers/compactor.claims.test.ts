/** A compaction keeps a batch that very many fragments claim, and that one queue claims whole. */
import { expect, test } from "vitest";
import { WORD_BYTES } from "../../src/protocol/entry.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import type { Command } from "../../src/shard/command.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { OPTIONS } from "../shard/model/driver.js";
import { Recorder } from "../shard/model/effects.js";
import { CompactingShard } from "./compacting-shard.js";

const SEGMENT_BYTES = 4 * 1024 * 1024;
const MESSAGES = 4096;
/** With each message in flight by itself, these make more than 65,536 claims. */
const QUEUES = 17;

test("more claims to a batch than a record can count", () => {
  const effects = new Recorder();
  const shard = new Shard({
    ...OPTIONS,
    limits: { maxTopics: 10, maxQueues: 100, maxConsumers: 10 },
    pageBytes: 65_536,
    effects,
    ids: localIdSource(EPOCH),
    level: Durability.fsync,
    segmentBytes: SEGMENT_BYTES,
  });
  const world = new CompactingShard(shard, SEGMENT_BYTES);
  const now = OPTIONS.now + 1;
  const tell = (command: object): void => {
    while (!shard.apply({ connection: 1, request: 1, topic: "t", ...command } as Command, now));
    effects.take();
  };
  const publish = (topic: string, count: number, size: number, routeKey: string): void => {
    const bytes = new Uint8Array(count * (WORD_BYTES + size));
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) view.setUint32(i * (WORD_BYTES + size), size);
    const slice = { bytes, view, start: 0, end: bytes.length };
    tell({ op: "publish", requests: 1, topic, routeKey, delay: 0, ttl: 0, count, ...slice });
  };
  tell({ op: "configure", config: { mode: "pattern", ttr: 1e9 } });
  for (let i = 0; i <= QUEUES; i++) tell({ op: "declareQueue", queue: `q${i}` });
  publish("t", MESSAGES, 4, "q.*");
  for (let i = 0; i < QUEUES; i++) {
    for (let j = 0; j < MESSAGES; j++) tell({ op: "pop", queue: `q${i}`, max: 1, maxBytes: 100, wait: 0 });
    shard.turn(now);
    effects.take();
  }
  expect(shard.store.extents.live).toBeGreaterThan(65_536);
  // Its segment ends.
  for (let i = 0; i < 8; i++) publish("garbage", 1000, 1000, "");
  // The next one has the whole directory.
  while (shard.turn(now) <= now);
  world.commit();
  world.force();
  world.commit();
  shard.invariants();
  const again = world.readBack(now);
  again.invariants();
  const counts = [...(again.directory.find("t")?.queues.values() ?? [])].map(({ readyCount }) => readyCount);
  expect(counts).toEqual(new Array(QUEUES + 1).fill(MESSAGES));
}, 60_000);
