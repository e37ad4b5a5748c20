/**
 * Promises that are broken, each op that makes one in each way: it says that something is done that no record says, or
 * that the machine may take with it. What asserts in production that answers have a footing is off in them, so that it is
 * the simulation alone that must find them.
 */
import { Durability } from "../../src/protocol/op.js";
import type { Shard } from "../../src/shard/shard.js";
import type { Makers } from "./life.js";
import type { PlantedBug } from "./planted-bugs.js";
import { type Op, PROMISES } from "./promises.js";

const OPS = (Object.keys(PROMISES) as Op[]).filter((op) => PROMISES[op] !== "none");

/** Their records are those of messages, without which there is nothing to promise. */
const PUBLISHES: readonly Op[] = ["publish", "publishChannel"];

const BROKEN =
  /was never promised|is lost|is there again|come back|is seen with two bodies|retries and has|was promised/;

/** Does something else instead of carrying out an op. */
const around = (makers: Makers, op: Op, act: (shard: Shard, apply: () => boolean) => boolean): Makers => ({
  ...makers,
  hasFooting: false,
  shard: (options) => {
    const shard = makers.shard(options);
    const apply = shard.apply.bind(shard);
    shard.apply = (c, now) => (c.op === op ? act(shard, () => apply(c, now)) : apply(c, now));
    return shard;
  },
});

const unrecorded = (op: Op): PlantedBug => ({
  name: `${op} is answered and not written down`,
  symptom: BROKEN,
  plant: (makers) =>
    around(makers, op, ({ store: { recorder } }, apply) => {
      recorder.isReplaying = true;
      try {
        return apply();
      } finally {
        recorder.isReplaying = false;
      }
    }),
});

const unsynced = (op: Op): PlantedBug => ({
  name: `${op} is answered and asks for no sync`,
  symptom: BROKEN,
  plant: (makers) =>
    around(makers, op, ({ store: { log } }, apply) => {
      const { demand } = log;
      const isDone = apply();
      log.demand = Math.max(demand, Math.min(log.demand, Durability.write));
      return isDone;
    }),
});

export const PLANTED_PROMISES: readonly PlantedBug[] = OPS.flatMap((op) =>
  PUBLISHES.includes(op) ? [unsynced(op)] : [unrecorded(op), unsynced(op)],
);
