/**
 * Consumes and acks everything in a topic, measured from the CONSUME to the confirm of the last ack.
 */

import type { LoadProcess } from "../processes/load-process.js";
import type { Address } from "../wire/address.js";
import { rawPublish, TOPIC, WARM_TOPIC, warmUpMessages } from "./publish.js";
import { type Bench, charge, fitting, fittingBatch, type Measured, measured, type Scenario } from "./scenario.js";

const MAX_CREDIT = 20_000;
const CREDIT_BYTES = 8 * 1024 * 1024;

/** Enough that a consumer never waits for credit, but bounded in bytes. */
export const creditFor = (bytes: number): number =>
  Math.max(64, Math.min(MAX_CREDIT, Math.floor(CREDIT_BYTES / (bytes + 4))));

/** `client-batches`: the client delivers messages in batches instead of one by one. */
export type Consumption = "raw" | "client" | "client-batches";

export const prepareConsume = (
  bench: Bench,
  process: LoadProcess,
  address: Address,
  load: Consumption,
  topic: string,
  messages: number,
) => {
  const { bytes, seconds } = bench.parameters;
  return load === "raw"
    ? process.prepare("rawConsumer", { address, topic, messages, credit: creditFor(bytes), seconds })
    : process.prepare("clientConsumer", {
        address,
        topic,
        messages,
        seconds,
        batches: load === "client-batches",
      });
};

export const measureConsume = async (bench: Bench, transport: "tcp" | "ws", load: Consumption): Promise<Measured> => {
  const { messages } = bench.parameters;
  await using broker = await bench.startBroker();
  using publisher = bench.startLoad();
  using consumer = bench.startLoad();
  const address = broker.listening[transport];
  for (const [topic, count] of [
    [WARM_TOPIC, warmUpMessages(messages)],
    [TOPIC, messages],
  ] as const) {
    await publisher.run("rawPublisher", rawPublish(bench, broker.listening.tcp, { topic, messages: count }));
  }
  const warm = await prepareConsume(bench, consumer, address, load, WARM_TOPIC, warmUpMessages(messages));
  await warm.go();
  const armed = await prepareConsume(bench, consumer, address, load, TOPIC, messages);
  const { outcome, cpu } = await charge(broker.pid, () => armed.go());
  return measured(outcome, cpu);
};

const variant = (load: Consumption) => ({
  name: load,
  run: async (bench: Bench) => [
    { scenario: "consume-ack", variant: load, ...(await measureConsume(bench, "tcp", load)) },
  ],
});

export const consumeAck: Scenario = {
  name: "consume-ack",
  summary: "consume what a topic holds and ack every message",
  defaults: (bytes) => ({ messages: fitting(2_000_000, bytes), batch: fittingBatch(200, bytes), runs: 3 }),
  variants: [variant("raw"), variant("client"), variant("client-batches")],
};
