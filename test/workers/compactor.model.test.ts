/**
 * Whatever a shard does, compaction changes neither its state nor the state that is read back from its journal.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Durability } from "../../src/protocol/op.js";
import type { Shard } from "../../src/shard/shard.js";
import { expectKeysKnown, knownKeys } from "../shard/known-keys.js";
import { Driver } from "../shard/model/driver.js";
import { history, largeHistory } from "../shard/model/histories.js";
import type { Move, Step } from "../shard/model/steps.js";
import { expectSurvived, snapshot } from "../shard/snapshot.js";
import { CompactingShard } from "./compacting-shard.js";

const { RINGMQ_MODEL_RUNS = "300" } = process.env;
const RUNS = Number(RINGMQ_MODEL_RUNS);
const TIMEOUT = 60_000 + RUNS * 500;

const SEGMENT_BYTES = 2048;
/** Compacts as much as possible after each move. */
const play = (moves: readonly Move[]): { readonly world: CompactingShard; readonly shard: Shard } => {
  const driver = new Driver({ level: Durability.fsync, segmentBytes: SEGMENT_BYTES });
  const { shard } = driver;
  const world = new CompactingShard(shard, SEGMENT_BYTES);
  for (const [i, move] of moves.entries()) {
    driver.play([move]);
    world.commit();
    if (i % 3 === 0) world.finish();
    world.look();
    if (i % 5 === 0) shard.store.log.pages.evict(Number.POSITIVE_INFINITY);
  }
  driver.turn();
  world.finish();
  shard.invariants();
  world.commit();
  return { world, shard };
};

const isUnchanged = (moves: readonly Move[]): number => {
  const { world, shard } = play(moves);
  const before = snapshot(shard);
  const again = world.readBack(shard.store.now);
  again.invariants();
  const after = snapshot(again);
  expectSurvived(before, after);
  expectKeysKnown(knownKeys(shard), again);
  return world.compactions;
};

describe("compaction", () => {
  it.each([
    ["small", history],
    ["large", largeHistory],
  ])(
    "changes nothing of what a shard knows (%s messages)",
    (_, moves) => {
      let compactions = 0;
      fc.assert(
        fc.property(moves, (each) => {
          compactions += isUnchanged(each);
        }),
        { numRuns: RUNS },
      );
      expect(compactions).toBeGreaterThan(RUNS / 100);
    },
    TIMEOUT,
  );

  it("keeps the order of messages of one batch that were given back one by one", () => {
    const at = { topic: "t", queue: "a", connection: 1 };
    const publish = { do: "publish", connection: 1, topic: "t", delay: 0, merged: false } as const;
    const steps: readonly Step[] = [
      { do: "declareQueue", topic: "t", queue: "a" },
      { ...publish, key: "a", ttl: 0, count: 2, size: 0 },
      { ...at, do: "pop", max: 6, maxBytes: 1_048_576, wait: 1 },
      { ...publish, key: "default", ttl: 4096, count: 1, size: 10_000 },
      {
        ...at,
        do: "release",
        picks: [
          { from: "in-flight", at: 0, count: 1, quote: "none" },
          { from: "in-flight", at: 0, count: 41, quote: "right" },
        ],
        aim: undefined,
      },
      { do: "wait", time: 4096 },
    ];
    isUnchanged(steps.map((step) => ({ step, turn: step.do !== "pop" })));
  });
});
