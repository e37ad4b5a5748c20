/** How late the loop of a thread is, as another sees it. */
import { expect, it } from "vitest";
import { LAG_WINDOW, LOOK_EVERY, LoopLag, LoopLagReader } from "../../src/metrics/loop-lag.js";

it("the longest delay of a thread is shown for 10 to 20 seconds, and one that lasts as it grows", () => {
  const reader = new LoopLagReader();
  const lag = new LoopLag(reader.memory);
  expect(reader.seconds(5)).toBe(0);
  let now = 1_000;
  const pass = (milliseconds: number): void => {
    for (const end = now + milliseconds; now < end; lag.look(now)) now += LOOK_EVERY;
  };
  lag.look(now);
  pass(2_000);
  expect(reader.seconds(now)).toBe(0);
  // It does not get to look.
  expect(reader.seconds(now + LOOK_EVERY + 700)).toBe(0.7);
  now += LOOK_EVERY + 1_500;
  lag.look(now);
  expect(reader.seconds(now)).toBe(1.5);
  pass(LAG_WINDOW - 5_000);
  expect(reader.seconds(now)).toBe(1.5);
  pass(2 * LAG_WINDOW);
  expect(reader.seconds(now)).toBe(0);
  // The next life of the thread has memory of its own, and a clock that is behind does no harm.
  expect(reader.seconds(now - 10_000)).toBe(0);
});
