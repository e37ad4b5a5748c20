/**
 * Latency from publish to delivery and to the confirm of the ack: with one message in flight, and at half of the maximum
 * rate of publishing and consuming together.
 */
import type { Broker } from "../processes/broker.js";
import { builtFile } from "../processes/command.js";
import { ServerProcess } from "../processes/server-process.js";
import type { Address } from "../wire/address.js";
import { creditFor } from "./consume.js";
import { rawPublish, TOPIC, WARM_TOPIC } from "./publish.js";
import { type Bench, charge, type Measured, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "end-to-end";
const WARM_UP_TRIPS = 2_000;
/** The paced load: its duration, its bound as a multiple of the round trips, and the share that warms up first. */
const PACED_SECONDS = 3;
const PACED = 200;
const PACED_WARM_UP = 1 / 3;
/** Messages to find the maximum rate, as a multiple of the round trips. */
const FLOOD = 25;

/** With `consume` until the message is delivered and acked, otherwise until its publish is confirmed. */
export const oneInFlight = async (
  bench: Bench,
  role: "rawRoundTrip" | "clientRoundTrip",
  consume: boolean,
): Promise<Measured> => {
  const { messages, bytes: bodyBytes, seconds } = bench.parameters;
  await using broker = await bench.startBroker();
  using load = bench.startLoad();
  const address = broker.listening.tcp;
  const warmUp = Math.min(WARM_UP_TRIPS, messages);
  const { durability } = bench;
  const params = { address, topic: TOPIC, bodyBytes, messages, warmUp, seconds, consume, durability };
  const armed = await load.prepare(role, params);
  const { outcome, cpu } = await charge(broker.pid, () => armed.go());
  const { confirm, deliver, ack } = outcome;
  return { ...measured(outcome, cpu), latencyMicros: consume ? { deliver, ack, confirm } : { confirm } };
};

/** A bare echo on the same machine: the latency without a broker. */
const machineFloor = async (bench: Bench): Promise<Result> => {
  const { messages, bytes, seconds } = bench.parameters;
  const command = { script: builtFile("processes/bare-echo.js"), args: [], cpus: bench.parameters.pin?.broker };
  await using server = await ServerProcess.start(command, (output): Address | undefined => {
    const port = /^tcp:\/\/127\.0\.0\.1:(\d+)\n/.exec(output)?.[1];
    return port === undefined ? undefined : { transport: "tcp", host: "127.0.0.1", port: Number(port) };
  });
  using load = bench.startLoad();
  const warmUp = Math.min(WARM_UP_TRIPS, messages);
  const armed = await load.prepare("echoRoundTrip", { address: server.listening, bytes, messages, warmUp, seconds });
  const { outcome, cpu } = await charge(server.pid, () => armed.go());
  return { scenario: SCENARIO, variant: "bare-echo", ...measured(outcome, cpu), latencyMicros: { echo: outcome.echo } };
};

/** Messages per second when a publisher and a consumer run together, with one message in a frame. */
const maximumRate = async (bench: Bench, broker: Broker, topic: string, messages: number): Promise<number> => {
  using publisher = bench.startLoad();
  using consumer = bench.startLoad();
  const address = broker.listening.tcp;
  const { seconds, bytes } = bench.parameters;
  const consume = await consumer.prepare("rawConsumer", {
    address,
    topic,
    messages,
    credit: creditFor(bytes),
    seconds,
  });
  const publish = await publisher.prepare("rawPublisher", rawPublish(bench, address, { topic, messages, batch: 1 }));
  const consumed = consume.go();
  await publish.go();
  const work = await consumed;
  return work.messages / work.seconds;
};

const halfRate = async (bench: Bench): Promise<Result> => {
  await using broker = await bench.startBroker({ messages: bench.parameters.messages * (FLOOD + PACED) * 1.5 });
  using publisher = bench.startLoad();
  using consumer = bench.startLoad();
  const address = broker.listening.tcp;
  const flood = bench.parameters.messages * FLOOD;
  await maximumRate(bench, broker, WARM_TOPIC, Math.ceil(flood / 2));
  const maximum = await maximumRate(bench, broker, "flood", flood);
  const messagesPerSecond = Math.max(1, Math.floor(maximum / 2));
  const { bytes: bodyBytes, seconds } = bench.parameters;
  const { durability } = bench;
  const paced = async (topic: string, messages: number) => {
    const credit = creditFor(bodyBytes);
    const consume = await consumer.prepare("timedConsumer", { address, topic, messages, credit, seconds });
    const params = { address, topic, bodyBytes, messages, messagesPerSecond, durability };
    const publish = await publisher.prepare("pacedPublisher", params);
    return charge(broker.pid, () => Promise.all([consume.go(), publish.go()]));
  };
  const messages = Math.min(messagesPerSecond * PACED_SECONDS, bench.parameters.messages * PACED);
  await paced("paced warm-up", Math.ceil(messages * PACED_WARM_UP));
  const { outcome, cpu } = await paced(TOPIC, messages);
  const [consumed, published] = outcome;
  return {
    scenario: SCENARIO,
    variant: "raw",
    case: "half of the maximum rate",
    ...measured(consumed, cpu, [published]),
    latencyMicros: { deliver: consumed.late, confirm: published.confirm },
    figures: { maximumMessagesPerSecond: maximum, unofferedSeconds: published.unofferedSeconds },
  };
};

export const endToEnd: Scenario = {
  name: SCENARIO,
  summary: "latency of publish, deliver and ack with 1 in flight and at half of the maximum rate",
  defaults: () => ({ messages: 20_000, batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const tell = { scenario: SCENARIO, variant: "raw" };
        return [
          { ...tell, case: "1 in flight", ...(await oneInFlight(bench, "rawRoundTrip", true)) },
          { ...tell, case: "publish to confirm", ...(await oneInFlight(bench, "rawRoundTrip", false)) },
          await halfRate(bench),
        ];
      },
    },
    {
      name: "client",
      run: async (bench) => [
        {
          scenario: SCENARIO,
          variant: "client",
          case: "1 in flight",
          ...(await oneInFlight(bench, "clientRoundTrip", true)),
        },
      ],
    },
    { name: "bare-echo", run: async (bench) => [await machineFloor(bench)] },
  ],
};
