/** The directory that each segment has: it holds up nobody however long it is, and no segment needs another for it. */
import { expect, it } from "vitest";
import { unpackHead } from "../../../src/protocol/head.js";
import * as record from "../../../src/shard/log/record.js";
import { RecordType } from "../../../src/shard/log/record.js";
import { IDLE, ShardByHand } from "../shard-by-hand.js";

const TOPICS = 500;
const HEAD = 1_024;

/** A shard with many topics that last, whose next segment is about to begin. */
const wide = () => {
  const hand = new ShardByHand({ segmentBytes: 64 * 1024, headBytes: HEAD });
  for (let i = 0; i < TOPICS; i++) hand.publish(`topic ${i}`);
  const { log } = hand.shard.store;
  const fill = (): number => {
    const { length } = log.segments.all;
    let longest = 0;
    for (let i = 0; log.segments.all.length === length; i++) {
      const before = hand.position;
      hand.publish(`topic ${i % TOPICS}`);
      longest = Math.max(longest, hand.position - before);
      hand.shard.turn(hand.now);
    }
    return longest;
  };
  while (log.isDirectoryPending) hand.shard.turn(hand.now);
  return { hand, log, fill };
};

it("no publish and no turn writes more than a little of it", () => {
  const { hand, log, fill } = wide();
  const longest = fill();
  expect(longest).toBeLessThan(2 * HEAD);
  expect(log.isDirectoryPending).toBe(true);
  expect(log.segments.last?.hasDirectory).toBe(false);
  let turns = 0;
  for (; log.isDirectoryPending; turns++) {
    const before = hand.position;
    const isOver = hand.shard.turn(hand.now) > hand.now;
    expect(isOver).toBe(!log.isDirectoryPending);
    expect(hand.position - before).toBeLessThan(3 * HEAD);
  }
  expect(turns).toBeGreaterThan(20);
  expect(log.segments.last?.hasDirectory).toBe(true);
  // As much again may follow before another segment needs all of it.
  expect(hand.shard.turn(hand.now)).toBeGreaterThan(hand.now);
});

it("a segment goes on until it has all of it, and no segment before it goes", () => {
  const { hand, log, fill } = wide();
  fill();
  const { length } = log.segments.all;
  const behind = log.segments.superseded.length;
  for (let i = 0; i < 5_000; i++) hand.publish(`topic ${i % 10}`);
  expect(log.isDirectoryPending).toBe(true);
  expect(log.segments.all).toHaveLength(length);
  expect(log.segments.superseded).toHaveLength(behind);
  while (log.isDirectoryPending) hand.shard.turn(hand.now);
  expect(log.segments.superseded.length).toBeGreaterThan(behind);
});

it("names a queue before the first batch for it, in each segment", () => {
  const { hand, log, fill } = wide();
  fill();
  // From the end of the directory's order, where steps come last.
  for (let i = TOPICS - 1; i > TOPICS - 50; i--) hand.publish(`topic ${i}`);
  const { last } = log.segments;
  const named = new Set<number>();
  let batches = 0;
  for (const page of log.unwritten) {
    if (page.segment !== last) continue;
    const { view, bytes } = page;
    for (let at = 0; at < page.used; at += record.align(view.getUint32(at + record.LENGTH))) {
      const type = view.getUint8(at + record.TYPE);
      if (type === RecordType.DIRECTORY) {
        const end = at + view.getUint32(at + record.LENGTH);
        const [kind, number] = unpackHead(bytes, at + record.DIRECTORY_BODY, end);
        if (kind === "queue") named.add(number as number);
      }
      if (type !== RecordType.PUBLISH) continue;
      batches++;
      const names = at + record.NAMES + view.getUint8(at + record.TOPIC_LENGTH) + view.getUint8(at + record.KEY_LENGTH);
      expect(named.has(view.getUint32(names))).toBe(true);
    }
  }
  expect(batches).toBeGreaterThan(40);
});

it("writes none of it while publishes are refused, until as much else has come: a segment must end some time", () => {
  const { hand, log, fill } = wide();
  fill();
  hand.shard.refusal = { kind: "DISK_FULL", text: "full" };
  const { position } = hand;
  hand.wait(IDLE / 10);
  expect(hand.position).toBe(position);
  expect(log.isDirectoryPending).toBe(true);
  // Acks and the like alone.
  for (let i = 0; log.isDirectoryPending && i < 100_000; i++) {
    hand.ask({ op: i % 2 === 0 ? "pause" : "resume", topic: `topic ${i % TOPICS}`, queue: "" });
    hand.shard.turn(hand.now);
  }
  expect(log.isDirectoryPending).toBe(false);
  expect(log.segments.last?.hasDirectory).toBe(true);
});
