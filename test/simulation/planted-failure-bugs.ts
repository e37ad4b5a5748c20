/** Bugs of what is known of the failures of messages: see planted-bugs.ts. */
import { RecordWriter } from "../../src/journal/record-writer.js";
import { FailureHistories } from "../../src/shard/messages/failure-histories.js";
import { moving } from "./directed-histories.js";
import { busy, historyOf } from "./histories.js";
import { type PlantedBug, target, withRecorder } from "./planted-bugs.js";
import type { History } from "./steps.js";

/** Histories of messages that fail, with crashes. */
const failing = (seed: number): History =>
  historyOf(seed, 150, {
    crash: 0.03,
    weights: [
      [8, "publish"],
      [10, "pop"],
      [2, "consume"],
      [8, "nack"],
      [2, "ack"],
      [2, "redrive"],
      [1, "disconnect"],
      [4, "wait"],
    ],
  });

const UNKNOWN = /was never promised/;

/** As a class, all of whose objects do something otherwise. */
const otherwise = <T extends object, R>(prototype: T, changes: Partial<T>, act: () => R): R => {
  const real = Object.fromEntries(Object.keys(changes).map((key) => [key, prototype[key as keyof T]]));
  Object.assign(prototype, changes);
  try {
    return act();
  } finally {
    Object.assign(prototype, real);
  }
};

export const PLANTED_FAILURE_BUGS: readonly PlantedBug[] = [
  {
    name: "failures are not written down",
    symptom: UNKNOWN,
    historyOf: failing,
    plant: (makers) => ({
      ...makers,
      shard: (options) =>
        withRecorder(makers.shard(options), (recorder) => {
          const { state } = recorder;
          recorder.state = (queue, change, ...rest) =>
            state.call(recorder, queue, { ...change, failures: undefined }, ...rest);
        }),
    }),
  },
  {
    name: "the failures of one message are taken for those of the next",
    symptom: UNKNOWN,
    historyOf: failing,
    plant: (makers) => ({
      ...makers,
      shard: (options) =>
        withRecorder(makers.shard(options), (recorder) => {
          const { state } = recorder;
          let last: Uint8Array | undefined;
          recorder.state = (queue, change, ...rest) => {
            const failures = last ?? change.failures;
            if (change.failures !== undefined) last = change.failures;
            state.call(recorder, queue, change.failures === undefined ? change : { ...change, failures }, ...rest);
          };
        }),
    }),
  },
  {
    name: "a compaction forgets the failures of what it keeps",
    symptom: UNKNOWN,
    historyOf: busy,
    plant: (makers) => ({
      ...makers,
      compact: (view, checksum, input) => makers.compact(view, checksum, { ...input, failures: [] }),
    }),
  },
  {
    name: "failures that a compaction has kept are counted again when they are read back",
    symptom: /do not ascend|too long|was never promised/,
    historyOf: busy,
    plant: (makers) => ({
      ...makers,
      target: (shard) => {
        const real = makers.target(shard);
        // It takes all failures for new ones.
        const count = () => 0;
        return target(real, {
          page: (...args) => otherwise(FailureHistories.prototype, { count }, () => real.page(...args)),
        });
      },
    }),
  },
  {
    name: "a move forgets the failures of messages",
    symptom: UNKNOWN,
    historyOf: moving,
    plant: (makers) => ({
      ...makers,
      reshard: (view, checksum, input) =>
        otherwise(RecordWriter.prototype, { state: () => undefined }, () => makers.reshard(view, checksum, input)),
    }),
  },
];
