import { expect, it } from "vitest";
import { RoomWatch } from "../../src/workers/room-watch.js";

it("reports once that there is no room, and once that there has been room for a second", () => {
  const told: [number, boolean][] = [];
  let now = 0;
  const watch = new RoomWatch((hasRoom) => told.push([now, hasRoom]));
  const look = (at: number, hasRoom: boolean | undefined): void => {
    now = at;
    watch.look(hasRoom, now);
  };
  look(0, true);
  expect(watch.due).toBe(Number.POSITIVE_INFINITY);
  look(10, false);
  look(20, false);
  // Only for a moment.
  look(30, true);
  expect(watch.due).toBe(1030);
  look(40, false);
  expect(watch.due).toBe(Number.POSITIVE_INFINITY);
  // The journal is stalled: there is nothing to wait for.
  look(1000, true);
  look(1500, undefined);
  look(2100, undefined);
  expect(watch.due).toBe(Number.POSITIVE_INFINITY);
  look(2200, true);
  look(3199, true);
  look(3200, true);
  look(9000, true);
  look(9001, false);
  expect(told).toEqual([
    [10, false],
    [3200, true],
    [9001, false],
  ]);
});
