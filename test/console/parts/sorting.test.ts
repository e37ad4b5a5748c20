import { expect, it } from "vitest";
import { sorted } from "../../../src/console/parts/sorting.js";

it("sorts numbers as numbers, texts as people do, and leaves equal rows in their order", () => {
  const rows = [
    { name: "node10", size: 5 },
    { name: "node9", size: 40 },
    { name: "Node1", size: 5 },
  ];
  expect(sorted(rows, ({ name }) => name, false).map(({ name }) => name)).toEqual(["Node1", "node9", "node10"]);
  expect(sorted(rows, ({ size }) => size, true).map(({ name }) => name)).toEqual(["node9", "node10", "Node1"]);
});
