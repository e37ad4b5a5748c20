/**
 * What waits for the disk: the latency from publish to confirm, with one message in flight and at half of the maximum
 * rate; and that of deliveries while another connection publishes as fast as it can.
 */
import { connect } from "ringmq/client";
import { sleep } from "../measure/clock.js";
import type { Broker } from "../processes/broker.js";
import { Durability, type Level } from "../processes/durability.js";
import { url } from "../wire/address.js";
import { creditFor } from "./consume.js";
import { oneInFlight } from "./end-to-end.js";
import { rawPublish, TOPIC, WARM_TOPIC } from "./publish.js";
import { type Bench, charge, fittingBatch, type Measured, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "group-commit";
const PACED_SECONDS = 3;
/** Messages to find the maximum rate, and the bound of the paced load, as multiples of the round trips. */
const FLOOD = 50;
const PACED = 200;
const PACED_WARM_UP = 1 / 3;

/** The queue of the flood drops its oldest messages above this length, so that memory does not matter. */
const FLOOD_TOPIC = "flood";
const FLOOD_LENGTH = 500_000;
const FLOOD_BATCH = 200;
/** The disk must have room for this many messages of the flood. */
const FLOOD_ROOM = 10_000_000;
/** Deliveries measured during the flood. */
const QUIET_PER_SECOND = 1_000;
/** The flood begins before the deliveries and ends after them. */
const MARGIN_SECONDS = 1;

const publishAtHalfRate = async (bench: Bench): Promise<Measured> => {
  const flood = bench.parameters.messages * FLOOD;
  await using broker = await bench.startBroker({ messages: bench.parameters.messages * (FLOOD + PACED) * 1.5 });
  using load = bench.startLoad();
  const address = broker.listening.tcp;
  const maximum = async (topic: string, messages: number): Promise<number> => {
    const work = await load.run("rawPublisher", rawPublish(bench, address, { topic, messages, batch: 1 }));
    return work.messages / work.seconds;
  };
  await maximum(WARM_TOPIC, Math.ceil(flood / 2));
  const maximumMessagesPerSecond = await maximum(FLOOD_TOPIC, flood);
  const messagesPerSecond = Math.max(1, Math.floor(maximumMessagesPerSecond / 2));
  const { bytes: bodyBytes } = bench.parameters;
  const { durability } = bench;
  const paced = async (topic: string, messages: number) => {
    const params = { address, topic, bodyBytes, messages, messagesPerSecond, durability };
    const armed = await load.prepare("pacedPublisher", params);
    return charge(broker.pid, () => armed.go());
  };
  const messages = Math.min(messagesPerSecond * PACED_SECONDS, bench.parameters.messages * PACED);
  await paced("paced warm-up", Math.ceil(messages * PACED_WARM_UP));
  const { outcome, cpu } = await paced(TOPIC, messages);
  return {
    ...measured(outcome, cpu),
    latencyMicros: { confirm: outcome.confirm },
    figures: { maximumMessagesPerSecond, unofferedSeconds: outcome.unofferedSeconds },
  };
};

const configure = async (broker: Broker, level: Level): Promise<void> => {
  await using client = await connect(url(broker.listening.tcp), { name: "bench" });
  await client.configure(TOPIC, { durability: level });
  await client.configure(FLOOD_TOPIC, { maxLength: FLOOD_LENGTH, overflow: "drop-oldest" });
};

/** Deliveries of a topic of `level`, alone or during a flood at the broker's level. */
const deliveries = async (bench: Bench, level: Level, isFlooded: boolean): Promise<Measured> => {
  const messages = QUIET_PER_SECOND * PACED_SECONDS;
  const { bytes: bodyBytes } = bench.parameters;
  await using broker = await bench.startBroker({ messages: FLOOD_ROOM });
  await configure(broker, level);
  using publisher = bench.startLoad();
  using consumer = bench.startLoad();
  using flooder = bench.startLoad();
  const address = broker.listening.tcp;
  const consume = await consumer.prepare("timedConsumer", {
    address,
    topic: TOPIC,
    messages,
    credit: creditFor(bodyBytes),
    seconds: bench.parameters.seconds,
  });
  const publish = await publisher.prepare("pacedPublisher", {
    address,
    topic: TOPIC,
    bodyBytes,
    messages,
    messagesPerSecond: QUIET_PER_SECOND,
    durability: Durability[level],
  });
  const flood = await flooder.prepare(
    "rawPublisher",
    rawPublish(bench, address, {
      topic: FLOOD_TOPIC,
      messages: isFlooded ? Number.MAX_SAFE_INTEGER : FLOOD_BATCH,
      batch: fittingBatch(FLOOD_BATCH, bodyBytes),
      seconds: PACED_SECONDS + 2 * MARGIN_SECONDS,
    }),
  );
  const all = async () => {
    const flooded = flood.go();
    await sleep(MARGIN_SECONDS * 1000);
    const [consumed, published] = await Promise.all([consume.go(), publish.go()]);
    return { consumed, published, flooded: await flooded };
  };
  const { outcome, cpu } = await charge(broker.pid, all);
  const { consumed, published, flooded } = outcome;
  // The broker's CPU time covers both.
  const work = isFlooded ? { ...flooded, messages: flooded.messages + consumed.messages } : consumed;
  return {
    ...measured(work, cpu, isFlooded ? [consumed, published] : [published]),
    latencyMicros: { deliver: consumed.late, confirm: published.confirm },
    figures: { unofferedSeconds: published.unofferedSeconds },
  };
};

export const groupCommit: Scenario = {
  name: SCENARIO,
  summary:
    "what waits for the disk: confirms with 1 in flight and at half of the maximum rate, deliveries beside a flood",
  defaults: () => ({ messages: 5_000, batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const { durability } = bench.parameters;
        const cases: readonly (readonly [name: string, measure: () => Promise<Measured>])[] = [
          ["confirm, 1 in flight", () => oneInFlight(bench, "rawRoundTrip", false)],
          ["confirm, half of the maximum rate", () => publishAtHalfRate(bench)],
          ["deliver, alone", () => deliveries(bench, durability, false)],
          ["deliver, beside a flood", () => deliveries(bench, durability, true)],
          ["deliver in memory, beside a flood", () => deliveries(bench, "memory", true)],
        ];
        const results: Result[] = [];
        for (const [name, measure] of cases) {
          results.push({ scenario: SCENARIO, variant: "raw", case: name, ...(await measure()) });
        }
        return results;
      },
    },
  ],
};
