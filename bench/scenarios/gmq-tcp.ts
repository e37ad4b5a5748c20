/**
 * What the scenarios of gmq's TCP protocols have in common: publishing, and popping and acking, pipelined on one
 * connection.
 */
import type { Broker } from "../processes/broker.js";
import type { LoadProcess } from "../processes/load-process.js";
import type { GmqProtocolName } from "../wire/gmq/protocols.js";
import { rawPublish, TOPIC, WARM_TOPIC, warmUpMessages } from "./publish.js";
import { type Bench, charge, type Measured, measured } from "./scenario.js";

/** Requests that may be unanswered. */
const WINDOW = 4_096;
const POP_BATCHES = 4;

/** Messages in a frame of the native protocol, for filling a topic. */
export const FILL_BATCH = 200;

/** Messages of the topic to warm up with, and of the one that is measured. */
const topicsOf = (messages: number) =>
  [
    [WARM_TOPIC, warmUpMessages(messages)],
    [TOPIC, messages],
  ] as const;

const preparePublish = (
  bench: Bench,
  load: LoadProcess,
  broker: Broker,
  protocol: GmqProtocolName,
  topic: string,
  messages: number,
) => {
  const { bytes: bodyBytes, seconds } = bench.parameters;
  const address = broker.listening.tcp;
  return load.prepare("gmqPublisher", { address, protocol, topic, bodyBytes, messages, window: WINDOW, seconds });
};

export const measureGmqPublish = async (bench: Bench, protocol: GmqProtocolName): Promise<Measured> => {
  await using broker = await bench.startBroker();
  using load = bench.startLoad();
  const prepare = (topic: string, count: number) => preparePublish(bench, load, broker, protocol, topic, count);
  const [[warmTopic, warmCount], [topic, count]] = topicsOf(bench.parameters.messages);
  const warm = await prepare(warmTopic, warmCount);
  await warm.go();
  const armed = await prepare(topic, count);
  const { outcome, cpu } = await charge(broker.pid, () => armed.go());
  return measured(outcome, cpu);
};

/** The frames' messages are published as frames: a message has a TTR of its own, and is a job with an id of its own. */
const fill = async (bench: Bench, broker: Broker, protocol: GmqProtocolName, topic: string, messages: number) => {
  using load = bench.startLoad();
  if (protocol === "frame") {
    const armed = await preparePublish(bench, load, broker, protocol, topic, messages);
    return await armed.go();
  }
  return await load.run(
    "rawPublisher",
    rawPublish(bench, broker.listening.tcp, { topic, messages, batch: FILL_BATCH }),
  );
};

/** A message counts once, when it is acked. */
export const measureGmqPopAck = async (bench: Bench, protocol: GmqProtocolName): Promise<Measured> => {
  const { messages, seconds } = bench.parameters;
  await using broker = await bench.startBroker();
  using load = bench.startLoad();
  const topics = topicsOf(messages);
  for (const [topic, count] of topics) {
    const filled = await fill(bench, broker, protocol, topic, count);
    if (filled.messages < count) throw new Error(`${filled.messages} of ${count} messages were published in time`);
  }
  const address = broker.listening.tcp;
  const prepare = (topic: string, count: number) =>
    load.prepare("gmqConsumer", {
      address,
      protocol,
      topic,
      messages: count,
      batch: WINDOW / POP_BATCHES,
      batches: POP_BATCHES,
      seconds,
    });
  const [[warmTopic, warmCount], [topic, count]] = topics;
  const warm = await prepare(warmTopic, warmCount);
  await warm.go();
  const armed = await prepare(topic, count);
  const { outcome, cpu } = await charge(broker.pid, () => armed.go());
  return measured(outcome, cpu);
};

/** The two workloads as variants of a scenario; `verb` is what the protocol calls a publish. */
export const pipelinedVariants = (scenario: string, protocol: GmqProtocolName, verb: string) =>
  [
    { name: verb, measure: measureGmqPublish },
    { name: "pop-ack", measure: measureGmqPopAck },
  ].map(({ name, measure }) => ({
    name,
    run: async (bench: Bench) => [{ scenario, variant: name, case: "pipelined", ...(await measure(bench, protocol)) }],
  }));
