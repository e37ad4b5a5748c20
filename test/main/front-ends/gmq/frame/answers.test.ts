/** The answers of a client in their order, and how many may wait for an earlier one. */
import { expect, it } from "vitest";
import { Answers, ERROR, MESSAGE } from "../../../../../src/main/front-ends/gmq/frame/answers.js";

/** What was written, and whether requests are carried out. */
const makeAnswers = (): { answers: Answers; written: Buffer[]; state: { pauses: number } } => {
  const written: Buffer[] = [];
  const state = { pauses: 0 };
  const pause = (): (() => void) => {
    state.pauses++;
    return () => {
      state.pauses--;
    };
  };
  const write = (bytes: string | Uint8Array): void => void written.push(Buffer.from(bytes));
  return { answers: new Answers({ pause, inOrder: (work) => work() }, { write }), written, state };
};

it("gives answers in the order of the requests", () => {
  const { answers, written } = makeAnswers();
  const places = [answers.next(), answers.next(), answers.next()] as const;
  answers.give(places[2], MESSAGE, "c");
  answers.give(places[0], MESSAGE, "a");
  expect(Buffer.concat(written).toString("latin1")).toBe("\0\x02\0\x01a");
  answers.refuse(places[1], "b");
  expect(Buffer.concat(written).toString("latin1")).toBe("\0\x02\0\x01a\0\x01\0\x01b\0\x02\0\x01c");
});

it("has nothing more carried out while too many answers wait for an earlier one", () => {
  const { answers, written, state } = makeAnswers();
  const slow = answers.next();
  let refused = 0;
  for (; state.pauses === 0; refused++) {
    expect(refused).toBeLessThan(10_000);
    answers.give(answers.next(), ERROR, "unkown cmd");
  }
  expect(written).toEqual([]);
  // A few that were on their way already.
  answers.give(answers.next(), ERROR, "unkown cmd");
  expect(state.pauses).toBe(1);
  answers.give(slow, MESSAGE, "1");
  expect(state.pauses).toBe(0);
  expect(written.length).toBe(refused + 2);
});
