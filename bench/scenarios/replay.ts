/**
 * Publishes to a kept channel, then reads it from the start: much of it comes back from disk.
 */
import { JOURNALLED } from "../processes/durability.js";
import { WINDOW_BYTES, warmUpMessages } from "./publish.js";
import { type Bench, charge, fittingBatch, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "replay";

const run = async (bench: Bench): Promise<readonly Result[]> => {
  const { messages, bytes: bodyBytes, batch, seconds } = bench.parameters;
  const { durability } = bench;
  const warmUp = warmUpMessages(messages);
  await using broker = await bench.startBroker({ messages: messages + warmUp });
  using load = bench.startLoad();
  const address = broker.listening.tcp;
  const results: Result[] = [];
  for (const [channel, count] of [
    ["warm-up", warmUp],
    ["bench", messages],
  ] as const) {
    const whole = Math.ceil(count / batch) * batch;
    const common = { address, channel, messages: whole, batch, seconds };
    const publish = await load.prepare("rawKeptPublisher", {
      ...common,
      bodyBytes,
      windowBytes: WINDOW_BYTES,
      durability,
    });
    const published = await charge(broker.pid, () => publish.go());
    const replay = await load.prepare("rawReplay", common);
    const replayed = await charge(broker.pid, () => replay.go());
    if (replayed.outcome.messages < whole) {
      const got = replayed.outcome.messages;
      throw new Error(`${got} of ${whole} messages in ${seconds} s: --seconds gives more time`);
    }
    if (channel === "warm-up") continue;
    results.push(
      { scenario: SCENARIO, variant: "raw", case: "publish", ...measured(published.outcome, published.cpu) },
      { scenario: SCENARIO, variant: "raw", case: "replay", ...measured(replayed.outcome, replayed.cpu) },
    );
  }
  return results;
};

export const replay: Scenario = {
  name: SCENARIO,
  summary: "publish to a kept channel, then read it from the start; every message is checked",
  defaults: (bytes) => ({ messages: 10_000_000, batch: fittingBatch(200, bytes), runs: 3, seconds: 120 }),
  levels: JOURNALLED,
  variants: [{ name: "raw", run }],
};
