/**
 * Ten thousand WebSockets of memmq's `/sub` on one channel: what each takes while nothing comes, and whether every message
 * comes to each of them, in order. Messages are counted as they are delivered.
 */
import { settledRssBytes } from "../measure/rss.js";
import { TOPIC, WARM_TOPIC } from "./publish.js";
import { charge, measured, type Scenario } from "./scenario.js";

const SUBSCRIBERS = 10_000;
/** Before the first look at the broker's memory: so that what all of them share is there. */
const WARM_SUBSCRIBERS = 100;
/** What each is sent, if the workload has enough for so many. */
const MESSAGES_EACH = 100;
/** Messages on their way to all of them. */
const WINDOW = 8;
const SPARE_CONNECTIONS = 100;

export const subscribers: Scenario = {
  name: "subscribers",
  isForeign: true,
  summary: `one publisher of /pub, ${SUBSCRIBERS.toLocaleString("en")} WebSockets of /sub; messages are counted as delivered`,
  defaults: () => ({ messages: SUBSCRIBERS * MESSAGES_EACH, batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const { bytes: bodyBytes, messages, seconds } = bench.parameters;
        const count = Math.max(1, Math.min(SUBSCRIBERS, Math.ceil(messages / MESSAGES_EACH)));
        await using broker = await bench.startBroker({ connections: count + WARM_SUBSCRIBERS + SPARE_CONNECTIONS });
        using load = bench.startLoad();
        const params = {
          address: broker.listening.ws,
          bodyBytes,
          messages: Math.ceil(messages / count),
          window: WINDOW,
          seconds,
        };
        await load.run("webSocketRelay", { ...params, topic: WARM_TOPIC, subscribers: WARM_SUBSCRIBERS });
        const before = await settledRssBytes(broker.pid);
        const armed = await load.prepare("webSocketRelay", { ...params, topic: TOPIC, subscribers: count });
        const after = await settledRssBytes(broker.pid);
        const { outcome, cpu } = await charge(broker.pid, () => armed.go());
        return [
          {
            scenario: "subscribers",
            variant: "raw",
            ...measured({ ...outcome, messages: outcome.messages * count }, cpu),
            figures: { subscribers: count, rssBytesPerSubscriber: (after - before) / count },
          },
        ];
      },
    },
  ],
};
