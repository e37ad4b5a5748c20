/**
 * The start of a broker after a kill, from the start of the process until it serves: with all messages waiting, with most
 * of them acked, and with acks spread over the whole backlog. Each time it checks that no message is missing.
 */
import { connect } from "ringmq/client";
import { topicName } from "../load/stamps.js";
import { cpuTime } from "../measure/cpu.js";
import { peakRssBytes } from "../measure/rss.js";
import type { Broker } from "../processes/broker.js";
import { JOURNALLED } from "../processes/durability.js";
import { url } from "../wire/address.js";
import { creditFor, prepareConsume } from "./consume.js";
import { rawPublish, TOPIC } from "./publish.js";
import { type Bench, fittingBatch, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "recovery";
/** One in this many messages is not acked, so that every segment is still needed. */
const SPARE_ONE_IN = 1000;

/** Topics that are acked in turn. */
const TURNS = 60;
/** One in this many messages is acked, where acks are spread. */
const ACK_ONE_IN = 2;
/** Longer than any run. */
const TTR_MS = 3_600_000;

/** Messages in the topics, waiting or in flight. */
const waiting = async (broker: Broker, topics: readonly string[]): Promise<number> => {
  await using client = await connect(url(broker.listening.tcp), { name: "bench" });
  let sum = 0;
  for (const topic of topics) {
    const { queues } = await client.stats(topic);
    for (const { ready, inFlight } of queues) sum += ready + inFlight;
  }
  return sum;
};

interface Life {
  /** Default: raw. */
  readonly variant?: string;
  /** Default: TOPIC. */
  readonly topics?: readonly string[];
  /** Messages published. */
  readonly published: number;
  /** Those of them that must be there. */
  readonly left: number;
  /** The start of a broker without data. */
  readonly emptySeconds: number;
}

/** The lines of the broker's log about its start, each with a size and a time. */
const phase = (log: string, text: string): { readonly seconds: number; readonly bytes: number } => {
  const line = new RegExp(`${text} .*megabytes=([\\d.]+) seconds=([\\d.]+)`).exec(log);
  return { bytes: Number(line?.[1] ?? 0) * 1024 ** 2, seconds: Number(line?.[2] ?? 0) };
};

/** Restarts a killed broker and checks its messages. */
const start = async (broker: Broker, name: string, life: Life): Promise<Result> => {
  const { variant = "raw", topics = [TOPIC], published, left, emptySeconds } = life;
  const segmentBytes = broker.directory?.segmentBytes() ?? 0;
  await broker.restart();
  const cpu = cpuTime(broker.pid);
  const rss = peakRssBytes(broker.pid);
  const found = await waiting(broker, topics);
  if (found !== left) throw new Error(`${found} messages came back, and ${left} were there: ${name}`);
  const replay = phase(broker.log, "the journal is replayed");
  if (replay.seconds === 0) throw new Error(`the broker did not say how long it replayed:\n${broker.log}`);
  return {
    scenario: SCENARIO,
    variant,
    case: name,
    messages: published,
    messagesPerSecond: published / broker.startSeconds,
    serverCpuMicrosPerMessage: cpu.process / published,
    serverMainThreadCpuMicrosPerMessage: cpu.mainThread / published,
    clientCpuMicrosPerMessage: 0,
    figures: {
      secondsToReady: broker.startSeconds,
      secondsToReadyWithNothing: emptySeconds,
      verifySeconds: phase(broker.log, "the journal is verified").seconds,
      replaySeconds: replay.seconds,
      replayedMessagesPerSecond: published / replay.seconds,
      replayedBytesPerSecond: replay.bytes / replay.seconds,
      segmentBytes,
      peakRssBytes: rss,
    },
  };
};

const ackMost = async (bench: Bench, broker: Broker, messages: number): Promise<number> => {
  const { bytes, seconds } = bench.parameters;
  const credit = creditFor(bytes);
  using consumer = bench.startLoad();
  const { acked } = await consumer.run("sparingConsumer", {
    address: broker.listening.tcp,
    topic: TOPIC,
    messages,
    // Messages that are not acked keep credit: at most half of it.
    spareOneIn: Math.max(SPARE_ONE_IN, Math.ceil((2 * messages) / credit)),
    credit,
    seconds,
  });
  return acked;
};

/**
 * Acks half of what is in the topics, in random order or a message of each in turn, kills the broker with the other half
 * in flight, and starts it again. `consumedPerSecond`: how fast the rest of the first topic is consumed and acked then.
 */
const scatter = async (
  bench: Bench,
  variant: string,
  name: string,
  topics: readonly string[],
  order: "random" | "in turn",
): Promise<readonly Result[]> => {
  const { seconds } = bench.parameters;
  const share = Math.floor(bench.parameters.messages / topics.length);
  const batch = Math.min(bench.parameters.batch, share);
  const messages = share - (share % batch);
  const published = messages * topics.length;
  await using broker = await bench.startBroker({ messages: published });
  const emptySeconds = broker.startSeconds;
  {
    await using client = await connect(url(broker.listening.tcp), { name: "bench" });
    for (const topic of topics) await client.configure(topic, { ttr: TTR_MS });
  }
  using publisher = bench.startLoad();
  for (const topic of topics) {
    const work = await publisher.run(
      "rawPublisher",
      rawPublish(bench, broker.listening.tcp, { topic, messages, batch }),
    );
    if (work.messages < messages)
      throw new Error(`${work.messages} of ${messages} messages in ${seconds} s: --seconds`);
  }
  using consumer = bench.startLoad();
  const address = broker.listening.tcp;
  const how = { address, topics, messages, ackOneIn: ACK_ONE_IN, order, seconds };
  const { messages: acked } = await consumer.run("scatteredConsumer", how);
  const killed = broker.kill();
  // The broker has gone first: a connection that ends gives back what is in flight.
  consumer[Symbol.dispose]();
  await killed;
  const left = published - acked;
  const result = await start(broker, name, { variant, topics, published, left, emptySeconds });
  using second = bench.startLoad();
  const rest = Math.floor(left / topics.length);
  const armed = await prepareConsume(bench, second, broker.listening.tcp, "raw", topics[0] ?? TOPIC, rest);
  const consumed = await armed.go();
  const consumedPerSecond = consumed.messages / consumed.seconds;
  return [{ ...result, figures: { ...result.figures, consumedPerSecond } }];
};

export const recovery: Scenario = {
  name: SCENARIO,
  summary:
    "start again after a kill: time until ready, memory and messages replayed, all waiting and most or half acked",
  defaults: (bytes) => ({ messages: 10_000_000, batch: fittingBatch(200, bytes), runs: 1, seconds: 300 }),
  levels: JOURNALLED,
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        await using broker = await bench.startBroker({ messages: bench.parameters.messages });
        const emptySeconds = broker.startSeconds;
        using publisher = bench.startLoad();
        const work = await publisher.run("rawPublisher", rawPublish(bench, broker.listening.tcp));
        const full = { published: work.messages, left: work.messages, emptySeconds };
        const results: Result[] = [];
        await broker.kill();
        results.push(await start(broker, "all waiting", full));
        await broker.kill();
        if (broker.directory?.dropFromPageCache() === true) {
          results.push(await start(broker, "all waiting, read from the disk", full));
        } else {
          await broker.restart();
        }
        const acked = await ackMost(bench, broker, work.messages);
        await broker.kill();
        results.push(await start(broker, "most acked", { ...full, left: work.messages - acked }));
        return results;
      },
    },
    { name: "random", run: (bench) => scatter(bench, "random", "half acked, in random order", [TOPIC], "random") },
    {
      name: "turns",
      run: (bench) => {
        const topics = Array.from({ length: TURNS }, (_, i) => topicName(i));
        return scatter(bench, "turns", `half of ${TURNS} topics acked, in turn`, topics, "in turn");
      },
    },
  ],
};
