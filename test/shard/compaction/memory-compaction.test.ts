/**
 * Old messages must not hold on to the memory of what came and went around them.
 */
import { expect, test } from "vitest";
import { PAGE_BYTES } from "../../../src/shard/log/log.js";
import { localIdSource } from "../../../src/shard/messages/id-allocator.js";
import { Shard } from "../../../src/shard/shard.js";
import { Recorder } from "../model/effects.js";

const BODY = 256 * 1024;

/** A shard with a topic whose queues `a` and `b` share what is published, and a way to publish one large message. */
const flowing = () => {
  const effects = new Recorder();
  const limits = { maxTopics: 10, maxQueues: 10, maxConsumers: 10 };
  const shard = new Shard({ effects, ids: localIdSource(0), node: 1, limits, memoryBytes: 512 * 1024 * 1024 });
  const bytes = new Uint8Array(4 + BODY);
  const view = new DataView(bytes.buffer);
  let now = 1000;
  let mark = 0;
  const slice = { bytes, view, start: 0, end: bytes.length };
  const at = { connection: 1, request: 1, topic: "t" };
  shard.apply({ op: "configure", ...at, config: { mode: "pattern" } }, now);
  shard.apply({ op: "declareQueue", ...at, queue: "a" }, now);
  shard.apply({ op: "declareQueue", ...at, queue: "b" }, now);
  const publish = (delay: number): void => {
    view.setUint32(0, BODY);
    view.setUint32(4, ++mark);
    shard.apply({ op: "publish", ...at, requests: 1, count: 1, routeKey: "a|b", delay, ttl: 0, ...slice }, now);
    shard.turn(++now);
  };
  const purge = (): void => {
    for (const queue of ["a", "b"]) shard.apply({ op: "purge", ...at, queue, state: "ready" }, now);
  };
  const marks = (queue: string): number[] => {
    effects.take();
    const browse = { op: "browse", ...at, queue, state: "delayed", offset: 0, max: 1000, maxBytes: 1e9 } as const;
    shard.apply(browse, now);
    // So much may be sent in one turn; what is asked for beyond that waits for the next.
    shard.turn(now);
    const answer = effects.take().find((effect) => effect.kind === "messages");
    if (answer?.kind !== "messages") throw new Error("no answer to BROWSE");
    return answer.messages.map(({ entry }) => Buffer.from(entry.slice(4, 8), "latin1").readUInt32BE());
  };
  return { shard, publish, purge, marks };
};

test("a delayed message in each page does not keep the pages", () => {
  const { shard, publish, purge, marks } = flowing();
  const perPage = Math.floor(PAGE_BYTES / BODY);
  const kept: number[] = [];
  for (let i = 0; i < 60 * perPage; i++) {
    const isKept = i % perPage === 3;
    publish(isKept ? 1_000_000 : 0);
    if (isKept) kept.push(i + 1);
    if (i % perPage === perPage - 1) purge();
  }
  // 60 pages of 4 MiB have been filled; one message of 256 KiB is left of each.
  expect(shard.store.log.pages.bytes).toBeLessThan(120 * 1024 * 1024);
  shard.invariants();
  expect(marks("a")).toEqual(kept);
  expect(marks("b")).toEqual(kept);
});
