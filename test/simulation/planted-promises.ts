/**
 * Promises that are broken, each op that makes one in each way: it says that something is done that no record says, or
 * that the machine may take with it. What asserts in production that answers have a footing is off in them, so that it is
 * the simulation alone that must find them.
 */
import { Durability } from "../../src/protocol/op.js";
import type { Shard } from "../../src/shard/shard.js";
import { promising } from "./directed-histories.js";
import type { Makers } from "./life.js";
import { type PlantedBug, UNFOUNDED } from "./planted-bugs.js";
import { type Op, PROMISING } from "./promises.js";

/** Their records are those of messages, without which there is nothing to promise. */
const PUBLISHES: readonly Op[] = ["publish", "publishChannel"];

export const BROKEN =
  /does not exist|was never promised|is lost|is there again|come back|is seen with two bodies|retries and has|was promised|backup/;

/** What the witness says of an answer that names a level that is not its own. */
export const WRONG_LEVEL = /at another level than it must be/;

/** Does something around carrying out an op. What asserts that answers have a footing is off. */
export const around = (makers: Makers, op: Op, act: (shard: Shard, apply: () => boolean) => boolean): Makers => ({
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

const withoutSync = (makers: Makers, op: Op): Makers =>
  around(makers, op, ({ store: { log } }, apply) => {
    const { demand } = log;
    const isDone = apply();
    log.demand = Math.max(demand, Math.min(log.demand, Durability.write));
    return isDone;
  });

const unsynced = (op: Op): PlantedBug => ({
  name: `${op} is answered and asks for no sync`,
  symptom: BROKEN,
  plant: (makers) => withoutSync(makers, op),
});

/** The same, as production would notice it. */
const unfounded = (op: Op): PlantedBug => ({
  name: `${op} asks for no sync, and its answer has no footing`,
  symptom: UNFOUNDED,
  plant: (makers) => ({ ...withoutSync(makers, op), hasFooting: true }),
});

/** It says that it is as durable as can be, whatever its topic, its channel or its broker asks for. */
const overstated = (op: Op): PlantedBug => ({
  name: `${op} is answered with a level that it has not`,
  symptom: new RegExp(`${WRONG_LEVEL.source}|${BROKEN.source}`),
  plant: (makers) => ({
    ...makers,
    hasFooting: false,
    shard: (options) => {
      let isMeant = false;
      const { effects } = options;
      const { confirm, settled, result } = effects;
      const of = (level: number): number => (isMeant ? Durability.fsync : level);
      effects.confirm = (connection, request, requests, idHigh, idLow, messages, level, ...rest) =>
        confirm.call(effects, connection, request, requests, idHigh, idLow, messages, of(level), ...rest);
      effects.settled = (connection, request, count, faults, level) =>
        settled.call(effects, connection, request, count, faults, of(level));
      effects.result = (connection, request, value, level, channel) =>
        result.call(effects, connection, request, value, level === undefined ? level : of(level), channel);
      const shard = makers.shard(options);
      const apply = shard.apply.bind(shard);
      shard.apply = (c, now) => {
        isMeant = c.op === op;
        try {
          return apply(c, now);
        } finally {
          isMeant = false;
        }
      };
      return shard;
    },
  }),
});

export const PLANTED_PROMISES: readonly PlantedBug[] = PROMISING.flatMap((op) => {
  const historyOf = promising(op);
  const bugs = [...(PUBLISHES.includes(op) ? [] : [unrecorded(op)]), unsynced(op), unfounded(op), overstated(op)];
  return bugs.map((bug) => ({ ...bug, historyOf }));
});
