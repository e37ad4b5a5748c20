/** Keys of messages outlive the segments that they came in: through compactions, one after another. */
import { expect, it } from "vitest";
import { Durability } from "../../src/protocol/op.js";
import { fatesOf } from "../shard/fates.js";
import { expectKeysKnown, knownKeys } from "../shard/known-keys.js";
import { ShardByHand } from "../shard/shard-by-hand.js";
import { CompactingShard } from "./compacting-shard.js";

const SEGMENT_BYTES = 2048;

const OPTIONS = { level: Durability.fsync, segmentBytes: SEGMENT_BYTES, pageBytes: 512, now: 1_000_000 };

it("keys are those of the messages that are kept, and of those that are gone and have a window", () => {
  const hand = new ShardByHand(OPTIONS);
  const world = new CompactingShard(hand.shard, SEGMENT_BYTES);
  const { store } = hand.shard;
  hand.configure("p", { mode: "pattern" });
  for (const queue of ["a", "b"]) hand.ask({ op: "declareQueue", topic: "p", queue });

  /** Messages that nobody needs for long fill a few segments, which are then compacted. */
  const compact = (): void => {
    for (let i = 0; i < 40; i++) {
      hand.publish("filler", { count: 10 });
      hand.pop("filler", 0);
      hand.endAll("filler");
      world.commit();
    }
    const before = store.log.segments.superseded.length;
    expect(before).toBeGreaterThan(2);
    world.force();
    expect(store.log.segments.superseded.length).toBeLessThan(before);
    world.commit();
    hand.shard.invariants();
    const again = world.readBack(hand.now);
    again.invariants();
    expectKeysKnown(knownKeys(hand.shard), again);
  };

  const keys = Array.from({ length: 50 }, (_, i) => (i % 7 === 0 ? "" : `key ${i}`));
  hand.publishKeyed("t", keys);
  hand.publishKeyed("t", ["numbered"], { producer: "p", sequence: 7 });
  hand.publishKeyed("t", ["windowed"], { window: 3_600_000 });
  hand.publishKeyed("t", ["late", "", "later"], { delay: 7_200_000 });
  hand.publishKeyed("p", ["both"], { routeKey: "a|b" });
  world.commit();
  compact();

  // Of a batch the first, the last and some between are gone.
  for (let i = 0; i < 3; i++) hand.pop("t", 0);
  hand.endAll("t");
  hand.ask({ op: "purge", topic: "p", queue: "a", state: "ready" });
  expect(knownKeys(hand.shard).has("t key 29")).toBe(false);
  compact();
  const [last] = fatesOf(hand.publishKeyed("t", ["key 30"]));
  expect(last?.startsWith("=")).toBe(true);
  expect(knownKeys(hand.shard).has("p both")).toBe(true);

  // The same key again, of another message than that which is in an old segment.
  for (let i = 0; i < 4; i++) hand.pop("t", 0);
  hand.endAll("t");
  const [next] = fatesOf(hand.publishKeyed("t", ["windowed", "key 30"]));
  expect(next?.startsWith("=")).toBe(true);
  compact();
  compact();
  hand.wait(3_600_000);
  expect(knownKeys(hand.shard).has("t windowed")).toBe(false);
  expect(fatesOf(hand.publishKeyed("t", ["windowed"]))).not.toEqual([next]);
  compact();
  expect([...knownKeys(hand.shard).keys()].sort()).toEqual(["p both", "t key 30", "t late", "t later", "t windowed"]);
});
