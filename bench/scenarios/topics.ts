/**
 * Publishes to many topics in turn, one message in a frame, so that each frame is for another topic than the last.
 */
import { rssBytes, settledRssBytes } from "../measure/rss.js";
import { rawPublish } from "./publish.js";
import { type Bench, charge, fitting, measured, type Result, type Scenario } from "./scenario.js";

const COUNTS = [1, 10, 100, 1_000, 10_000, 100_000];
const WARM_UP = 50_000;

const measureTopics = async (bench: Bench, topics: number): Promise<Result> => {
  const { messages, bytes } = bench.parameters;
  await using broker = await bench.startBroker({ messages: messages * 2 + topics });
  using load = bench.startLoad();
  const publish = (topic: string | number, count: number) =>
    load.prepare("rawPublisher", rawPublish(bench, broker.listening.tcp, { topic, messages: count, batch: 1 }));
  const warm = await publish("warm-up", Math.min(WARM_UP, messages));
  await warm.go();
  const before = await settledRssBytes(broker.pid);
  const create = await publish(topics, topics);
  const created = await create.go();
  const rssGrowth = rssBytes(broker.pid) - before;
  const armed = await publish(topics, messages);
  const { outcome, cpu } = await charge(broker.pid, () => armed.go());
  return {
    scenario: "topics",
    variant: "raw",
    case: `${topics.toLocaleString("en")} topic${topics === 1 ? "" : "s"}`,
    ...measured(outcome, cpu),
    figures: {
      createdPerSecond: created.messages / created.seconds,
      rssBytesPerTopic: Math.max(0, rssGrowth / topics - bytes),
    },
  };
};

export const topics: Scenario = {
  name: "topics",
  summary: `publish to 1 to ${COUNTS.at(-1)?.toLocaleString("en")} topics in turn, one message a frame`,
  defaults: (bytes) => ({ messages: fitting(400_000, bytes), batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const results: Result[] = [];
        for (const count of COUNTS)
          if (count <= bench.parameters.messages) results.push(await measureTopics(bench, count));
        return results;
      },
    },
  ],
};
