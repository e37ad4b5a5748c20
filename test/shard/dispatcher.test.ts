import { describe, it } from "vitest";
import { Driver } from "./model-driver.js";
import type { Step } from "./model-steps.js";

const asking = { connection: 1, topic: "t", queue: "default" };
const publish = (count: number, size: number): Step => ({
  do: "publish",
  connection: 1,
  topic: "t",
  key: "",
  delay: 0,
  ttl: 0,
  count,
  size,
  merged: false,
});
const consume = (connection: number, credit: number): Step => ({
  do: "consume",
  ...asking,
  connection,
  credit,
  renew: false,
});
const pop = (max: number, wait = 0): Step => ({ do: "pop", ...asking, max, maxBytes: 1024 * 1024, wait });

/** The model holds the shard to who is served, with what and in which order. */
const playWithoutTurns = (steps: readonly Step[]): Driver => {
  const driver = new Driver();
  driver.play(
    steps.map((step) => ({ step, turn: false })),
    false,
  );
  return driver;
};

describe("dispatcher", () => {
  it("lets no pop pass consumers who wait, although enough has been sent for one turn", () => {
    const driver = playWithoutTurns([publish(60, 30_000), consume(1, 100), pop(1)]);
    driver.turn();
  });
});
