import { describe, it } from "vitest";
import { Driver } from "./driver.js";
import type { Step } from "./steps.js";

const asking = { connection: 1, topic: "t", queue: "default" };
const publish = (count: number, delay: number): Step => {
  const rest = { key: "", ttl: 0, size: 0, merged: false };
  return { do: "publish", connection: 1, topic: "t", delay, count, ...rest };
};
const browse = (offset: number, max: number): Step => {
  return { do: "browse", ...asking, state: "ready", offset, max, maxBytes: 1024 * 1024 };
};

describe("the model's line", () => {
  it("keeps what it has seen of messages that came at once, although those before them go", () => {
    const steps: Step[] = [
      publish(3, 0),
      publish(6, 5),
      { do: "hold", connection: 1 },
      browse(0, 5),
      { do: "pop", ...asking, max: 3, maxBytes: 1024 * 1024, wait: 0 },
      browse(2, 1),
    ];
    const driver = new Driver();
    driver.play(steps.map((step) => ({ step, turn: true })));
    // All in one turn: six messages come at once, two of them are seen, those before them go, and one more is seen.
    driver.play([{ step: { do: "unhold", connection: 1 }, turn: false }], false);
    driver.play([{ step: { do: "wait", time: 5 }, turn: true }]);
  });
});
