/**
 * How long a message waits in a queue of its own while another queue of the shard has a backlog that is being consumed
 * and acked. With one shard, which is the default on two cores; with more, the two topics may not share one.
 */
import { prepareConsume } from "./consume.js";
import { rawPublish, TOPIC, WARM_TOPIC, warmUpMessages } from "./publish.js";
import { type Bench, charge, fitting, fittingBatch, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "fairness";
const SMALL_TOPIC = "small";
const SMALL_CREDIT = 100;
const MESSAGES_PER_SECOND = 500;
/** The small queue's messages, in all; they are over before the backlog is. */
const SMALL_MESSAGES = 300;

const run = async (bench: Bench): Promise<readonly Result[]> => {
  const { messages, bytes: bodyBytes, seconds } = bench.parameters;
  const warmUp = warmUpMessages(messages);
  await using broker = await bench.startBroker({ messages: messages + warmUp });
  using heavyLoad = bench.startLoad();
  using publisher = bench.startLoad();
  using consumer = bench.startLoad();
  const address = broker.listening.tcp;
  const { durability } = bench;
  for (const [topic, count] of [
    [WARM_TOPIC, warmUp],
    [TOPIC, messages],
  ] as const) {
    await heavyLoad.run("rawPublisher", rawPublish(bench, address, { topic, messages: count }));
  }
  const small = async (topic: string, count: number) => {
    const consume = await consumer.prepare("timedConsumer", {
      address,
      topic,
      messages: count,
      credit: SMALL_CREDIT,
      seconds,
    });
    const params = { address, topic, bodyBytes, messages: count, messagesPerSecond: MESSAGES_PER_SECOND, durability };
    const publish = await publisher.prepare("pacedPublisher", params);
    return () => Promise.all([consume.go(), publish.go()]);
  };
  const both = async (heavy: string, light: string, count: number, lightCount: number) => {
    const backlog = await prepareConsume(bench, heavyLoad, address, "raw", heavy, count);
    const paced = await small(light, lightCount);
    return () => Promise.all([backlog.go(), paced()]);
  };
  const alone = await (await small("alone", SMALL_MESSAGES))();
  await (await both(WARM_TOPIC, "small warm-up", warmUp, SMALL_MESSAGES / 10))();
  const armed = await both(TOPIC, SMALL_TOPIC, messages, SMALL_MESSAGES);
  const { outcome, cpu } = await charge(broker.pid, () => armed());
  const [backlog, [consumed, published]] = outcome;
  if (backlog.messages < messages || backlog.seconds < consumed.seconds) {
    throw new Error(`the backlog took ${backlog.seconds.toFixed(1)} s, its neighbour ${consumed.seconds.toFixed(1)} s`);
  }
  const tell = { scenario: SCENARIO, variant: "raw" };
  return [
    {
      ...tell,
      case: "beside a backlog",
      ...measured(backlog, cpu, [consumed, published]),
      latencyMicros: { deliver: consumed.late, confirm: published.confirm },
    },
    {
      ...tell,
      case: "alone",
      ...measured(alone[0], cpu, [alone[1]]),
      latencyMicros: { deliver: alone[0].late, confirm: alone[1].confirm },
    },
  ];
};

export const fairness: Scenario = {
  name: SCENARIO,
  summary: "latency of a queue with few messages beside one whose backlog is being consumed",
  defaults: (bytes) => ({ messages: fitting(8_000_000, bytes), batch: fittingBatch(200, bytes), runs: 3 }),
  variants: [{ name: "raw", run }],
};
