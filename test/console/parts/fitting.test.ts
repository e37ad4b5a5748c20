import { expect, it } from "vitest";
import { fitting } from "../../../src/console/parts/fitting.js";

it("leaves out the columns that matter least, as far as there is no room for them", () => {
  const columns: readonly { key: string; width?: string; priority?: 2 | 3 }[] = [
    { key: "name" },
    { key: "ready", width: "7rem" },
    { key: "delayed", width: "7rem", priority: 2 },
    { key: "consumers", width: "6rem", priority: 3 },
    { key: "rate", width: "6rem", priority: 2 },
  ];
  const at = (room: number) => fitting(columns, room).map(({ key }) => key);
  expect(at(Number.POSITIVE_INFINITY)).toEqual(["name", "ready", "delayed", "consumers", "rate"]);
  expect(at(36)).toEqual(["name", "ready", "delayed", "rate"]);
  expect(at(30)).toEqual(["name", "ready", "delayed"]);
  // Some are always there.
  expect(at(5)).toEqual(["name", "ready"]);
});
