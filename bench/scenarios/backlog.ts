/**
 * Resident memory of the broker for each waiting message, beyond the bytes of its body.
 */
import { settledRssBytes } from "../measure/rss.js";
import { rawPublish, TOPIC, WARM_TOPIC } from "./publish.js";
import { charge, fitting, fittingBatch, measured, type Result, type Scenario } from "./scenario.js";

/** Enough to compile the code and grow the buffers before the baseline is taken, but little memory by itself. */
const WARM_UP = 20_000;

export const backlog: Scenario = {
  name: "backlog",
  summary: "resident memory per queued message beyond its body, at the given number of messages and at five times it",
  defaults: (bytes) => ({ messages: fitting(1_000_000, bytes * 5), batch: fittingBatch(200, bytes), runs: 1 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const { messages, bytes } = bench.parameters;
        await using broker = await bench.startBroker({ messages: messages * 5 });
        using load = bench.startLoad();
        const address = broker.listening.tcp;
        await load.run("rawPublisher", rawPublish(bench, address, { topic: WARM_TOPIC, messages: WARM_UP }));
        const baseline = await settledRssBytes(broker.pid);
        const results: Result[] = [];
        let queued = 0;
        for (const goal of [messages, messages * 5]) {
          const armed = await load.prepare("rawPublisher", rawPublish(bench, address, { messages: goal - queued }));
          const { outcome, cpu } = await charge(broker.pid, () => armed.go());
          queued += outcome.messages;
          const rss = await settledRssBytes(broker.pid);
          const each = (rss - baseline) / queued;
          results.push({
            scenario: "backlog",
            variant: "raw",
            case: `${queued.toLocaleString("en")} in ${TOPIC}`,
            ...measured(outcome, cpu),
            figures: {
              rssBytesPerMessage: each,
              rssBytesPerMessageBeyondBody: each - bytes,
              rssBytes: rss,
              baselineRssBytes: baseline,
            },
          });
        }
        return results;
      },
    },
  ],
};
