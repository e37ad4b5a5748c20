/** A disk that fails while a compacted segment takes the place of those it replaces. */
import { expect, it } from "vitest";
import { WORD_BYTES } from "../../src/protocol/entry.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import type { Command } from "../../src/shard/command.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { OPTIONS } from "../shard/model/driver.js";
import { Recorder } from "../shard/model/effects.js";
import { CompactingShard } from "./compacting-shard.js";

const SEGMENT_BYTES = 16_384;
const LARGE = 1000;
const SMALL = 50;

it("a name that cannot be made durable is there all the same: messages are read where they are", () => {
  const recorder = new Recorder();
  const shard = new Shard({
    ...OPTIONS,
    limits: { maxTopics: 10, maxQueues: 10, maxConsumers: 10 },
    // The least: what is not being written is read back from the disk.
    memoryBytes: 260 * 1024,
    pageCacheBytes: 4096,
    pageBytes: 4096,
    effects: recorder,
    ids: localIdSource(EPOCH),
    level: Durability.fsync,
    segmentBytes: SEGMENT_BYTES,
  });
  const world = new CompactingShard(shard, SEGMENT_BYTES);
  const now = OPTIONS.now + 1;
  const tell = (command: object): void => {
    while (!shard.apply({ connection: 1, request: 1, queue: "default", ...command } as Command, now));
  };
  const publish = (topic: string, count: number, size: number): void => {
    const bytes = new Uint8Array(count * (WORD_BYTES + size)).fill(topic.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) view.setUint32(i * (WORD_BYTES + size), size);
    const slice = { bytes, view, start: 0, end: bytes.length };
    tell({ op: "publish", requests: 1, topic, routeKey: "", delay: 0, ttl: 0, count, ...slice });
  };
  const pop = (topic: string): readonly string[] => {
    recorder.take();
    tell({ op: "pop", topic, max: 1000, maxBytes: 1 << 20, wait: 0 });
    return recorder
      .take()
      .flatMap((effect) => (effect.kind === "messages" ? effect.messages : []))
      .map(({ entry }) => entry.slice(WORD_BYTES));
  };
  tell({ op: "configure", topic: "garbage", config: { autoAck: true } });
  for (let i = 0; i < 10; i++) {
    publish("kept", 10, SMALL);
    publish("garbage", 10, LARGE);
    expect(pop("garbage")).toHaveLength(10);
    // The next segment gets its directory.
    while (shard.turn(now) <= now);
    world.commit();
  }
  world.look();
  expect(world.compactions).toBe(1);
  world.disk.inject({ kind: "sync", after: 0, times: 1 });
  world.finish();
  expect(world.disk.hits.sync).toBe(1);
  expect(pop("kept")).toEqual(new Array(100).fill("k".repeat(SMALL)));
});
