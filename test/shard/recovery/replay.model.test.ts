import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EPOCH } from "../../../src/protocol/id.js";
import { Durability } from "../../../src/protocol/op.js";
import * as record from "../../../src/shard/log/record.js";
import { localIdSource } from "../../../src/shard/messages/id-allocator.js";
import { Shard } from "../../../src/shard/shard.js";
import { expectKeysKnown, knownKeys } from "../known-keys.js";
import { Driver, OPTIONS } from "../model/driver.js";
import { Recorder } from "../model/effects.js";
import { history, largeHistory } from "../model/histories.js";
import type { Move } from "../model/steps.js";
import { readInto, segmentsOf } from "../read-back.js";
import { expectRemembered, remembered } from "../remembered.js";
import { expectSurvived, snapshot } from "../snapshot.js";

const { RINGMQ_MODEL_RUNS = "300" } = process.env;
const RUNS = Number(RINGMQ_MODEL_RUNS);
const TIMEOUT = 60_000 + RUNS * 500;

const JOURNALLED = { level: Durability.fsync, segmentBytes: 4096 };

/** A shard that is read back from segments. */
const readBack = (segments: Map<number, Uint8Array[]>, now: number): Shard => {
  const shard = new Shard({ ...OPTIONS, ...JOURNALLED, effects: new Recorder(), ids: localIdSource(EPOCH), now });
  return readInto(shard, segments);
};

/** Timers that are due fire, so that what nobody wrote down shows as well. */
const rest = (shard: Shard, now: number): Shard => {
  while (shard.turn(now) <= now);
  return shard;
};

const play = (moves: readonly Move[]): Driver => {
  const driver = new Driver(JOURNALLED);
  driver.play(moves);
  driver.turn();
  return driver;
};

/**
 * Whether it was said but once what is remembered of producers. What was to be forgotten by an earlier configuration may be
 * known again by a later one, for as long as it has not been dropped.
 */
const isSteady = (moves: readonly Move[]): boolean =>
  moves.filter(({ step }) => step.do === "configure" && "dedupWindow" in step.config).length <= 1;

const isReadBackWhole = (moves: readonly Move[]): void => {
  const driver = play(moves);
  const segments = segmentsOf(driver.shard.store.log);
  // The present of the shard, which may be later than a clock that was set back.
  const { now } = driver.shard.store;
  const again = rest(readBack(segments, now), now);
  again.invariants();
  const before = snapshot(driver.shard);
  const after = snapshot(again);
  expectSurvived(before, after);
  expectKeysKnown(knownKeys(driver.shard), again);
  if (isSteady(moves)) expectRemembered(remembered(driver.shard), remembered(again), now);
};

describe("a log that is read back", () => {
  it(
    "makes the shard that wrote it, with nothing in flight",
    () => {
      fc.assert(fc.property(history, isReadBackWhole), { numRuns: RUNS });
    },
    TIMEOUT,
  );

  it(
    "does so with messages that fill pages and segments",
    () => {
      fc.assert(fc.property(largeHistory, isReadBackWhole), { numRuns: Math.ceil(RUNS / 3) });
    },
    TIMEOUT,
  );

  it(
    "knows from its last whole directory on what producers have published, and the keys that have a window",
    () => {
      let segmentsLeftOut = 0;
      const isKnown = (moves: readonly Move[]): void => {
        const { shard } = play(moves);
        const { all } = shard.store.log.segments;
        const whole = all.findLastIndex(({ hasDirectory }) => hasDirectory);
        const from = all[whole]?.sequence ?? 0;
        segmentsLeftOut += whole;
        const rest = [...segmentsOf(shard.store.log)].filter(([sequence]) => sequence >= from);
        const again = readBack(new Map(rest), shard.store.now);
        const known = knownKeys(again);
        for (const [key, { id, until, isVolatile }] of knownKeys(shard)) {
          if (until > 0 && !isVolatile) expect([key, known.get(key)?.id]).toEqual([key, id]);
        }
        if (isSteady(moves)) expectRemembered(remembered(shard), remembered(again), shard.store.now);
      };
      fc.assert(fc.property(largeHistory, isKnown), { numRuns: RUNS });
      expect(segmentsLeftOut).toBeGreaterThan(RUNS);
    },
    TIMEOUT,
  );

  it(
    "numbers messages only with milliseconds that nobody had",
    () => {
      fc.assert(
        fc.property(history, (moves) => {
          const { shard } = play(moves);
          const again = readBack(segmentsOf(shard.store.log), shard.store.now);
          expect(again.idCeiling).toBe(shard.idCeiling);
        }),
        { numRuns: Math.ceil(RUNS / 10) },
      );
    },
    TIMEOUT,
  );

  it(
    "has a head, whole records one behind the other, and a seal in each segment but the last",
    () => {
      fc.assert(
        fc.property(largeHistory, (moves) => {
          const segments = segmentsOf(play(moves).shard.store.log);
          const last = Math.max(...segments.keys());
          for (const [sequence, pages] of segments) {
            const bytes = Buffer.concat(pages);
            const types: number[] = [];
            for (let at = 0; at < bytes.length; at += record.align(bytes.readUInt32BE(at))) {
              types.push(bytes.readUInt8(at + record.TYPE));
            }
            expect(types[0]).toBe(record.RecordType.SEGMENT);
            expect(bytes.readUInt32BE(record.SEQUENCE)).toBe(sequence);
            expect(types.lastIndexOf(record.RecordType.SEAL)).toBe(sequence === last ? -1 : types.length - 1);
          }
        }),
        { numRuns: Math.ceil(RUNS / 10) },
      );
    },
    TIMEOUT,
  );
});
