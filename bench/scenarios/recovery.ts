/**
 * The start of a broker after a kill, from the start of the process until it serves: with all messages waiting, and with
 * most of them acked. Each time it checks that no message is missing.
 */
import { connect } from "ringmq/client";
import { cpuTime } from "../measure/cpu.js";
import { rssBytes } from "../measure/rss.js";
import type { Broker } from "../processes/broker.js";
import { JOURNALLED } from "../processes/durability.js";
import { url } from "../wire/address.js";
import { creditFor } from "./consume.js";
import { rawPublish, TOPIC } from "./publish.js";
import { type Bench, fittingBatch, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "recovery";
/** One in this many messages is not acked, so that every segment is still needed. */
const SPARE_ONE_IN = 1000;

/** Messages in the topic, waiting or in flight. */
const waiting = async (broker: Broker): Promise<number> => {
  await using client = await connect(url(broker.listening.tcp), { name: "bench" });
  const { queues } = await client.stats(TOPIC);
  return queues.reduce((sum, { ready, inFlight }) => sum + ready + inFlight, 0);
};

interface Life {
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
const start = async (broker: Broker, name: string, { published, left, emptySeconds }: Life): Promise<Result> => {
  const segmentBytes = broker.directory?.segmentBytes() ?? 0;
  await broker.restart();
  const cpu = cpuTime(broker.pid);
  const rss = rssBytes(broker.pid);
  const found = await waiting(broker);
  if (found !== left) throw new Error(`${found} messages came back, and ${left} were there: ${name}`);
  const replay = phase(broker.log, "the journal is replayed");
  if (replay.seconds === 0) throw new Error(`the broker did not say how long it replayed:\n${broker.log}`);
  return {
    scenario: SCENARIO,
    variant: "raw",
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
      rssBytes: rss,
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

export const recovery: Scenario = {
  name: SCENARIO,
  summary: "start again after a kill: time until ready and messages replayed, all waiting and most of them acked",
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
  ],
};
