/**
 * One publisher, 100 subscribers of a channel. Messages are counted as they are delivered.
 */
import { charge, fittingBatch, measured, type Scenario } from "./scenario.js";

const SUBSCRIBERS = 100;
/** Messages on their way: well below the limit at which a slow subscriber loses messages (8,192 messages, 4 MiB). */
const WINDOW = 256;
const WINDOW_BYTES = 1024 * 1024;

/** A connection of HTTP/2 has 10 of the streams. */
const GRPC_CONNECTIONS = 10;
/** gRPC takes fewer messages: a stream of grpc-js costs both sides tens of microseconds for each. */
const GRPC_SHARE = 1 / 25;

export const fanOut: Scenario = {
  name: "fan-out",
  summary: `one publisher, ${SUBSCRIBERS} subscribers of a channel; messages are counted as delivered`,
  defaults: (bytes) => ({ messages: 50_000, batch: fittingBatch(1, bytes), runs: 3 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const { bytes: bodyBytes, batch, seconds } = bench.parameters;
        const messages = Math.ceil(bench.parameters.messages / batch) * batch;
        await using broker = await bench.startBroker();
        using publisher = bench.startLoad();
        using subscribers = bench.startLoad();
        const address = broker.listening.tcp;
        const window = Math.max(batch, Math.min(WINDOW, Math.floor(WINDOW_BYTES / (bodyBytes + 4))));
        const fan = async (channel: string, count: number) => {
          // The publisher is one of the hundred subscribers, so that it sees how far they are.
          const others = SUBSCRIBERS - 1;
          const subscribed = await subscribers.prepare("rawSubscribers", {
            address,
            channel,
            subscribers: others,
            messages: count,
            seconds,
          });
          const publish = await publisher.prepare("rawChannelPublisher", {
            address,
            channel,
            bodyBytes,
            messages: count,
            batch,
            window,
            seconds,
          });
          return charge(broker.pid, () => Promise.all([subscribed.go(), publish.go()]));
        };
        await fan("warm-up", Math.ceil(messages / 4 / batch) * batch);
        const { outcome, cpu } = await fan("bench", messages);
        const [delivered, published] = outcome;
        const all = { ...delivered, messages: delivered.messages + published.messages };
        return [
          {
            scenario: "fan-out",
            variant: "raw",
            ...measured(all, cpu, [published]),
            latencyMicros: { deliver: delivered.deliver },
            figures: { publishedPerSecond: published.messages / delivered.seconds, lost: delivered.lost },
          },
        ];
      },
    },
    {
      name: "grpc",
      run: async (bench) => {
        const { bytes: bodyBytes, seconds } = bench.parameters;
        const messages = Math.ceil(bench.parameters.messages * GRPC_SHARE);
        await using broker = await bench.startBroker({ grpc: true });
        using publisher = bench.startLoad();
        using subscribers = bench.startLoad();
        const { tcp: address, grpc: target } = broker.listening;
        const fan = async (channel: string, count: number) => {
          const subscribed = await subscribers.prepare("grpcSubscribers", {
            target,
            topic: channel,
            subscribers: SUBSCRIBERS,
            connections: GRPC_CONNECTIONS,
            messages: count,
            seconds,
          });
          // A native subscriber sets the pace of the publisher; what the streams lose for it is counted.
          const publish = await publisher.prepare("rawChannelPublisher", {
            address,
            channel,
            bodyBytes,
            messages: count,
            batch: 1,
            window: 1,
            seconds,
          });
          return charge(broker.pid, () => Promise.all([subscribed.go(), publish.go()]));
        };
        await fan("warm-up", Math.ceil(messages / 4));
        const { outcome, cpu } = await fan("bench", messages);
        const [delivered, published] = outcome;
        return [
          {
            scenario: "fan-out",
            variant: "grpc",
            ...measured(delivered, cpu, [published]),
            latencyMicros: { deliver: delivered.deliver },
            figures: { publishedPerSecond: published.messages / delivered.seconds, lost: delivered.lost },
          },
        ];
      },
    },
  ],
};
