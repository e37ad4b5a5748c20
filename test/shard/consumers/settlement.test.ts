import { describe, expect, it } from "vitest";
import { Driver } from "../model/driver.js";
import type { Pick, Step } from "../model/steps.js";

const asking = { connection: 1, topic: "t", queue: "default" };
const play = (driver: Driver, steps: readonly Step[], looks = true): void =>
  driver.play(
    steps.map((step) => ({ step, turn: true })),
    looks,
  );
const publish = (count: number, delay = 0): Step => ({
  do: "publish",
  connection: 1,
  topic: "t",
  key: "",
  delay,
  ttl: 0,
  count,
  size: 0,
  merged: false,
});
const pop = (max: number): Step => ({ do: "pop", ...asking, max, maxBytes: 1024 * 1024, wait: 0 });
const nack = (picks: readonly Pick[]): Step => ({
  do: "nack",
  ...asking,
  aim: undefined,
  picks,
  delay: 0,
  reject: false,
});

describe("settlement", () => {
  it.each(["ack", "nack", "touch"] as const)(
    "finds every message that %s selects although the index grows on the way",
    (op) => {
      const driver = new Driver({ stepExtents: 4096 });
      // 1,024 fragments of two messages: the next one more doubles the index.
      play(driver, [publish(2048), ...Array.from({ length: 1024 }, () => pop(2))], false);
      expect(driver.shard.store.index.size).toBe(1024);
      // Half of a fragment at either end, so that both are split.
      const picks: Pick[] = [{ from: "in-flight", at: 1, count: 6, quote: "none" }];
      const rest = { ...asking, aim: undefined, picks };
      if (op === "nack") play(driver, [nack(picks)]);
      else if (op === "touch") play(driver, [{ do: "touch", ...rest, ttr: 5 }]);
      else play(driver, [{ do: "ack", ...rest }]);
    },
  );
});
