/** What those ask for who look through queues. */
import type { FindConditions, MessageState } from "../../src/shard/command.js";
import { ALL_STATES } from "../../src/shard/messages/purge.js";
import { BEGIN, DAY } from "./names.js";
import type { Random } from "./random.js";
import type { LookStep } from "./steps.js";

/** Texts that bodies and route keys may have. */
const CONDITIONS: readonly FindConditions[] = [
  { text: "1" },
  { text: "M2", ignoreCase: true },
  { text: "m3." },
  { routeKey: "" },
  { routeKey: "a", text: "..." },
];

export const lookOf = (random: Random, topics: readonly string[]): LookStep => {
  const at = { topic: random.one(topics), queue: random.often<string>([2, "default"], [1, "a"]) };
  const kind = random.often<LookStep["do"]>([6, "find"], [1, "delayed"], [1, "deadGroups"]);
  switch (kind) {
    case "find": {
      const state = random.often<MessageState | "all">([3, "all"], [3, random.one(ALL_STATES)]);
      const conditions = random.often<FindConditions>([2, {}], [1, random.one(CONDITIONS)]);
      return { do: kind, ...at, which: random.below(3), state, max: random.often([1, 3], [3, 1000]), conditions };
    }
    case "delayed": {
      const buckets = random.between(1, 10);
      const from = BEGIN + random.below(DAY);
      const to = from + random.between(1, 100) * buckets;
      return { do: kind, ...at, buckets, ...random.often([2, {}], [1, { from }], [1, { from, to }]) };
    }
    case "deadGroups":
      return { do: kind, ...at, max: random.often([1, 2], [1, 1000]) };
  }
};
