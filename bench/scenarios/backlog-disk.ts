/**
 * Publishes and then consumes a backlog of many times the broker's memory, and for comparison a smaller one that fits in
 * memory.
 */

import { peakRssBytes, sampledPeak } from "../measure/rss.js";
import { JOURNALLED } from "../processes/durability.js";
import { prepareConsume } from "./consume.js";
import { preparePublish, TOPIC, WARM_TOPIC, warmUpMessages } from "./publish.js";
import { type Bench, charge, fitting, fittingBatch, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "backlog-disk";
const MIB = 1024 ** 2;
const SMALL_MEMORY = 256 * MIB;
/** The smaller backlog is this part of the messages. */
const PART = 5;
/** What a message takes beside its body, and the least memory of a broker. */
const MESSAGE_BYTES = 64;
const MIN_MEMORY = 512 * MIB;

interface Backlog {
  readonly messages: number;
  readonly memory: number;
  /** For the names of the cases. */
  readonly where: string;
}

const measure = async (bench: Bench, { messages, memory, where }: Backlog): Promise<readonly Result[]> => {
  const warmUp = warmUpMessages(messages);
  await using broker = await bench.startBroker({ memory, messages: messages + warmUp });
  using publisher = bench.startLoad();
  using consumer = bench.startLoad();
  const address = broker.listening.tcp;
  const how = { load: "raw", batch: bench.parameters.batch, awaited: false } as const;
  const armPublish = (topic: string, count: number) => preparePublish(bench, publisher, address, how, topic, count);
  const armConsume = (topic: string, count: number) => prepareConsume(bench, consumer, address, "raw", topic, count);
  for (const arm of [armPublish, armConsume]) await (await arm(WARM_TOPIC, warmUp)).go();
  const results: Result[] = [];
  for (const [verb, arm] of [
    ["publish", armPublish],
    ["consume", armConsume],
  ] as const) {
    const armed = await arm(TOPIC, messages);
    const { outcome, peakRssBytes: peak } = await sampledPeak(broker.pid, () => charge(broker.pid, () => armed.go()));
    const work = outcome.outcome;
    if (work.messages < messages) {
      throw new Error(`${work.messages} of ${messages} in ${bench.parameters.seconds} s: --seconds gives more time`);
    }
    const name = `${verb}, ${where}`;
    const figures = { peakRssBytes: peak, peakRssBytesSinceStart: peakRssBytes(broker.pid) };
    results.push({ scenario: SCENARIO, variant: "raw", case: name, ...measured(work, outcome.cpu), figures });
  }
  return results;
};

export const backlogDisk: Scenario = {
  name: SCENARIO,
  summary: `publish, then consume and ack, with --memory ${SMALL_MEMORY / MIB}mb; beside it a part that memory holds`,
  defaults: (bytes) => ({ messages: 20_000_000, batch: fittingBatch(200, bytes), runs: 1, seconds: 300 }),
  levels: JOURNALLED,
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const { messages, bytes } = bench.parameters;
        const part = fitting(Math.ceil(messages / PART), bytes);
        const inMemory = await measure(bench, {
          messages: part,
          memory: Math.max(MIN_MEMORY, 2 * part * (bytes + MESSAGE_BYTES)),
          where: "all in memory",
        });
        const onDisk = await measure(bench, { messages, memory: SMALL_MEMORY, where: "beyond memory" });
        const compared = onDisk.map((result, i): Result => {
          const ratioToMemory = result.messagesPerSecond / (inMemory[i]?.messagesPerSecond ?? Number.NaN);
          return { ...result, figures: { ...result.figures, ratioToMemory } };
        });
        return [...compared, ...inMemory];
      },
    },
  ],
};
