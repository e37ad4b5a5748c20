import { expect, it } from "vitest";
import { Fates } from "../../../src/client/publish/fates.js";

it("tells each message its fate, in their order", () => {
  const fates = new Fates(
    [
      [2, 7, 100, 3],
      [1, 17, "the queue is full"],
      [1, 7, 102, 3],
    ],
    4,
  );
  const told = Array.from({ length: 4 }, () => fates.next());
  expect(told.map((fate) => (fate instanceof Error ? fate.code : fate.id))).toEqual([
    String(7n * 2n ** 32n + 100n),
    String(7n * 2n ** 32n + 101n),
    "QUEUE_FULL",
    String(7n * 2n ** 32n + 102n),
  ]);
});

it.each([
  [undefined],
  [[[1, 7, 100, 3]]],
  [[[2, 17]]],
  [[[2, "x", "y"]]],
  [
    [
      [1, 7, 100],
      [1, 17, "full"],
    ],
  ],
])("refuses an answer that is none to two messages: %j", (value) => {
  expect(() => new Fates(value, 2)).toThrow("the answer to 2 messages cannot be understood");
});
