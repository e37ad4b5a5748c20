/**
 * Publishes to one topic, measured from the first frame to the last confirm.
 */

import type { RawPublish } from "../load/raw-publisher.js";
import type { BrokerAddresses } from "../processes/broker.js";
import type { LoadProcess } from "../processes/load-process.js";
import type { Address } from "../wire/address.js";
import { type Bench, charge, fitting, fittingBatch, type Measured, measured, type Scenario } from "./scenario.js";

/** Unanswered bytes of one publisher: enough to keep the broker busy, without long queues. */
export const WINDOW_BYTES = 4 * 1024 * 1024;
export const WINDOW_REQUESTS = 16_384;

/** Concurrent loops that await each publish, like a server. */
const AWAITING_LOOPS = 256;
const MAX_WARM_UP = 500_000;

export const WARM_TOPIC = "warm-up";
export const TOPIC = "bench";

/** Messages sent first that are not measured, so that broker and load run compiled code. */
export const warmUpMessages = (messages: number): number => Math.min(MAX_WARM_UP, Math.ceil(messages / 2));

export const rawPublish = (bench: Bench, address: Address, over: Partial<RawPublish> = {}): RawPublish => ({
  address,
  topic: TOPIC,
  bodyBytes: bench.parameters.bytes,
  messages: bench.parameters.messages,
  batch: bench.parameters.batch,
  windowBytes: WINDOW_BYTES,
  windowRequests: WINDOW_REQUESTS,
  seconds: bench.parameters.seconds,
  durability: bench.durability,
  ...over,
});

export type Load = "raw" | "client";

/** `numbered`: raw, and the producer numbers its messages. */
type PublishLoad = Load | "numbered";

/** `awaited`: the client awaits each publish, in many concurrent loops, instead of streaming. */
export const preparePublish = (
  bench: Bench,
  load: LoadProcess,
  address: Address,
  how: { readonly load: PublishLoad; readonly batch: number; readonly awaited: boolean },
  topic: string,
  messages: number,
) => {
  if (how.load !== "client") {
    const numbered = how.load === "numbered";
    return load.prepare("rawPublisher", rawPublish(bench, address, { topic, messages, batch: how.batch, numbered }));
  }
  const { bytes: bodyBytes, seconds } = bench.parameters;
  const { durability } = bench;
  const mode = how.awaited ? AWAITING_LOOPS : "stream";
  return load.prepare("clientPublisher", { address, topic, messages, bodyBytes, seconds, durability, mode });
};

export const measurePublish = async (
  bench: Bench,
  transport: keyof Pick<BrokerAddresses, "tcp" | "ws">,
  how: { readonly load: PublishLoad; readonly batch: number; readonly awaited: boolean },
): Promise<Measured> => {
  const { messages } = bench.parameters;
  await using broker = await bench.startBroker();
  using load = bench.startLoad();
  const address = broker.listening[transport];
  const warm = await preparePublish(bench, load, address, how, WARM_TOPIC, warmUpMessages(messages));
  await warm.go();
  const armed = await preparePublish(bench, load, address, how, TOPIC, messages);
  const { outcome, cpu } = await charge(broker.pid, () => armed.go());
  return measured(outcome, cpu);
};

const variant = (scenario: string, load: PublishLoad, single: boolean) => ({
  name: load,
  run: async (bench: Bench) => {
    const how = { load, batch: single ? 1 : bench.parameters.batch, awaited: single };
    return [{ scenario, variant: load, ...(await measurePublish(bench, "tcp", how)) }];
  },
});

export const publishBatched: Scenario = {
  name: "publish-batched",
  summary: "publish to one topic, many messages a frame; the client streams publish() without awaiting each",
  defaults: (bytes) => ({ messages: fitting(2_000_000, bytes), batch: fittingBatch(200, bytes), runs: 3 }),
  variants: [
    variant("publish-batched", "raw", false),
    variant("publish-batched", "numbered", false),
    variant("publish-batched", "client", false),
  ],
};

export const publishSingle: Scenario = {
  name: "publish-single",
  summary: `publish to one topic, one message a frame, pipelined; the client awaits each in ${AWAITING_LOOPS} loops`,
  defaults: (bytes) => ({ messages: fitting(1_000_000, bytes), batch: 1, runs: 3 }),
  variants: [
    variant("publish-single", "raw", true),
    variant("publish-single", "numbered", true),
    variant("publish-single", "client", true),
  ],
};
