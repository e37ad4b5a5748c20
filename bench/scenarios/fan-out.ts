/**
 * One publisher, 100 subscribers of a channel. Messages are counted as they are delivered. The subscribers speak the native
 * protocol, or memmq: over WebSockets, or by answers of HTTP without an end.
 */
import type { Work } from "../load/role.js";
import type { Broker } from "../processes/broker.js";
import type { Armed, LoadProcess } from "../processes/load-process.js";
import { type Bench, charge, fittingBatch, measured, type Result, type Scenario } from "./scenario.js";

const SUBSCRIBERS = 100;
/** Messages on their way: well below the limit at which a slow subscriber loses messages (8,192 messages, 4 MiB). */
const WINDOW = 256;
const WINDOW_BYTES = 1024 * 1024;

/** A connection of HTTP/2 has 10 of the streams. */
const GRPC_CONNECTIONS = 10;

/** How the publisher goes about it. */
interface Pace {
  /** The part of the scenario's messages. */
  readonly share: number;
  /** Messages on their way at most; undefined: `WINDOW`. */
  readonly window: number | undefined;
  readonly grpc: boolean;
}

const FULL: Pace = { share: 1, window: undefined, grpc: false };

/** A stream of grpc-js costs both sides tens of microseconds a message; what it loses for the pace is counted. */
const GRPC: Pace = { share: 1 / 25, window: 1, grpc: true };

/** What the subscribers are to expect. */
interface Expected {
  readonly channel: string;
  readonly subscribers: number;
  readonly messages: number;
}

type Subscribe<Outcome extends Work> = (
  bench: Bench,
  load: LoadProcess,
  broker: Broker,
  expected: Expected,
) => Promise<Armed<Outcome>>;

const variant = <Outcome extends Work>(
  name: string,
  subscribe: Subscribe<Outcome>,
  tell: (delivered: Outcome) => Pick<Result, "latencyMicros" | "figures">,
  pace = FULL,
) => ({
  name,
  run: async (bench: Bench): Promise<readonly Result[]> => {
    const { bytes: bodyBytes, batch, seconds } = bench.parameters;
    const messages = Math.ceil((bench.parameters.messages * pace.share) / batch) * batch;
    await using broker = await bench.startBroker({ grpc: pace.grpc });
    using publisher = bench.startLoad();
    using subscribers = bench.startLoad();
    const address = broker.listening.tcp;
    const window = Math.max(batch, Math.min(pace.window ?? WINDOW, Math.floor(WINDOW_BYTES / (bodyBytes + 4))));
    const fan = async (channel: string, count: number) => {
      // The publisher is one of the hundred subscribers, so that it sees how far they are.
      const expected = { channel, subscribers: SUBSCRIBERS - 1, messages: count };
      const subscribed = await subscribe(bench, subscribers, broker, expected);
      const params = { address, channel, bodyBytes, messages: count, batch, window, seconds };
      const publish = await publisher.prepare("rawChannelPublisher", params);
      return charge(broker.pid, () => Promise.all([subscribed.go(), publish.go()]));
    };
    await fan("warm-up", Math.ceil(messages / 4 / batch) * batch);
    const { outcome, cpu } = await fan("bench", messages);
    const [delivered, published] = outcome;
    const all = { ...delivered, messages: delivered.messages + published.messages };
    const { latencyMicros, figures } = tell(delivered);
    return [
      {
        scenario: "fan-out",
        variant: name,
        ...measured(all, cpu, [published]),
        ...(latencyMicros === undefined ? {} : { latencyMicros }),
        figures: { publishedPerSecond: published.messages / delivered.seconds, ...figures },
      },
    ];
  },
});

const native = variant(
  "raw",
  ({ parameters: { seconds } }, load, { listening: { tcp: address } }, expected) =>
    load.prepare("rawSubscribers", { address, seconds, ...expected }),
  ({ deliver, lost }) => ({ latencyMicros: { deliver }, figures: { lost } }),
);

const memmq = (name: string, role: "webSocketSubscribers" | "streamSubscribers") =>
  variant(
    name,
    ({ parameters: { seconds, bytes: bodyBytes } }, load, { listening: { ws: address } }, expected) =>
      load.prepare(role, { address, seconds, bodyBytes, topic: expected.channel, ...expected }),
    () => ({}),
  );

const grpc = variant(
  "memmq-grpc",
  ({ parameters: { seconds } }, load, { listening: { grpc: target } }, expected) =>
    load.prepare("grpcSubscribers", {
      target,
      seconds,
      connections: GRPC_CONNECTIONS,
      topic: expected.channel,
      ...expected,
    }),
  ({ deliver, lost }) => ({ latencyMicros: { deliver }, figures: { lost } }),
  GRPC,
);

export const fanOut: Scenario = {
  name: "fan-out",
  summary: `one publisher, ${SUBSCRIBERS} subscribers of a channel; messages are counted as delivered`,
  defaults: (bytes) => ({ messages: 50_000, batch: fittingBatch(1, bytes), runs: 3 }),
  variants: [
    native,
    memmq("memmq-websocket", "webSocketSubscribers"),
    memmq("memmq-stream", "streamSubscribers"),
    grpc,
  ],
};
