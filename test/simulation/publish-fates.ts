/** What became of the messages of a publish, as an answer tells it: a CONFIRM of all, or a RESULT of each. */
import { DUPLICATE } from "../../src/protocol/op.js";
import type { PublishFate } from "../../src/shard/topics/publish-fate.js";
import { keyOf } from "./photograph.js";
import type { Answer } from "./staged-answers.js";

/** What an answer says of some messages of a publish, the first of them counted from the request's own. */
export interface Fate {
  readonly first: number;
  readonly count: number;
  readonly key: number;
  readonly level: number;
  readonly isDuplicate: boolean;
}

/** What an answer says of messages that were taken. */
export const fatesIn = (answer: Answer): readonly Fate[] => {
  if (answer.kind === "confirm") {
    const { firstKey: key, messages: count, level, isDuplicate } = answer;
    return [{ first: 0, count, key, level, isDuplicate }];
  }
  if (answer.kind !== "result" || !isFates(answer.value)) return [];
  const fates: Fate[] = [];
  let first = 0;
  for (const [count, high, low, flags = 0] of answer.value) {
    const isDuplicate = (flags & DUPLICATE) !== 0;
    if (typeof low === "number") {
      fates.push({ first, count, key: keyOf(high, low), level: flags & ~DUPLICATE, isDuplicate });
    }
    first += count;
  }
  return fates;
};

const isFates = (value: unknown): value is readonly PublishFate[] =>
  Array.isArray(value) && value.every((each) => Array.isArray(each) && typeof each[0] === "number");
