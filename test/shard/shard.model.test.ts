import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Driver } from "./model/driver.js";
import type { Effect } from "./model/effects.js";
import { channelHistory, history, largeHistory } from "./model/histories.js";
import type { Move } from "./model/steps.js";

/** Histories of each sort. The time allowed grows with them; a busy machine takes a quarter of a second for one. */
const { RINGMQ_MODEL_RUNS = "300" } = process.env;
const RUNS = Number(RINGMQ_MODEL_RUNS);
const TIMEOUT = 60_000 + RUNS * 500;

describe("shard against its model", () => {
  it(
    "does what docs/protocol.md says, whatever it is told",
    () => {
      fc.assert(
        fc.property(history, (moves) => new Driver().play(moves)),
        { numRuns: RUNS },
      );
    },
    TIMEOUT,
  );

  it(
    "does so with messages that fill pages and frames",
    () => {
      fc.assert(
        fc.property(largeHistory, (moves) => new Driver().play(moves)),
        { numRuns: Math.ceil(RUNS / 3) },
      );
    },
    TIMEOUT,
  );

  it(
    "sends each subscriber what is published, or tells how much it missed",
    () => {
      fc.assert(
        fc.property(channelHistory, (moves) => new Driver().play(moves)),
        { numRuns: Math.ceil(RUNS / 8) },
      );
    },
    TIMEOUT,
  );

  it(
    "does the same again when it is told the same at the same times",
    () => {
      const effectsOf = (moves: readonly Move[]): readonly (readonly Effect[])[] => {
        const driver = new Driver();
        const all: Effect[][] = [];
        const take = driver.recorder.take.bind(driver.recorder);
        driver.recorder.take = () => {
          const effects = take();
          all.push(effects);
          return effects;
        };
        driver.play(moves);
        return all;
      };
      fc.assert(
        fc.property(history, (moves) => {
          expect(effectsOf(moves)).toEqual(effectsOf(moves));
        }),
        { numRuns: Math.ceil(RUNS / 30) },
      );
    },
    TIMEOUT,
  );
});
