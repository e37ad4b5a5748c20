import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Losses, type LossTotals } from "../../src/collections/losses.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("tells every loss, added up for each channel, once a second", () => {
  const told: LossTotals[] = [];
  const losses = new Losses((totals) => told.push(totals));
  losses.add("a", "1.1.1.1", 1);
  losses.add("b", "1.1.1.1", 5);
  losses.add("a", "2.2.2.2", 2);
  losses.add("c", "1.1.1.1", 0);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(told).toEqual([
    { channel: "a", lost: 3, client: "2.2.2.2" },
    { channel: "b", lost: 5, client: "1.1.1.1" },
  ]);
  // What is lost last is told as well, though nothing is lost after it.
  losses.add("a", "1.1.1.1", 7);
  vi.advanceTimersByTime(1000);
  expect(told.slice(2)).toEqual([{ channel: "a", lost: 7, client: "1.1.1.1" }]);
});

it("names a hundred channels, and adds up the others", () => {
  const told: LossTotals[] = [];
  const losses = new Losses((totals) => told.push(totals));
  for (let i = 0; i < 110; i++) losses.add(`c${i}`, "1.1.1.1", 1);
  losses.flush();
  expect(told).toHaveLength(101);
  expect(told.at(-1)).toMatchObject({ channel: "(others)", lost: 10 });
});
