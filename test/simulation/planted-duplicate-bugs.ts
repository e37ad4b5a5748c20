/** Bugs that numbered messages and messages with keys have in common: see planted-bugs.ts. */
import type { HeldEffects } from "../../src/workers/held-effects.js";
import type { Makers } from "./life.js";
import type { StagedAnswers } from "./staged-answers.js";

/** Directories have no entries of a kind. */
export const withoutParts = (makers: Makers, kind: "keys" | "producer"): Makers => ({
  ...makers,
  shard: (options) => {
    const shard = makers.shard(options);
    const { recorder } = shard.store;
    const directory = recorder.directory.bind(recorder);
    recorder.directory = (entry, level) => {
      if (entry[0] !== kind) directory(entry, level);
    };
    return shard;
  },
});

/** A duplicate is answered before the first of it is on disk. */
export const answeringDuplicatesAtOnce = (makers: Makers): Makers => ({
  ...makers,
  hasFooting: false,
  shard: (options) => {
    const effects = options.effects as HeldEffects<StagedAnswers>;
    const confirm = effects.confirm.bind(effects);
    effects.confirm = (...args) => (args.at(8) === true ? effects.free.confirm(...args) : confirm(...args));
    return makers.shard(options);
  },
});
