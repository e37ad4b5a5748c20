/**
 * Messages with a delay each: all are published, then all become due.
 */
import { cpuSince, cpuTime } from "../measure/cpu.js";
import { creditFor } from "./consume.js";
import { rawPublish, TOPIC } from "./publish.js";
import { fitting, measured, type Scenario } from "./scenario.js";

/** When the first is due. All must be published by then: 150,000 a second, and one second more. */
const leadMs = (messages: number): number => 1_000 + messages / 150;
/** They fall due at 100,000 a second. */
const spreadMs = (messages: number): number => Math.max(500, messages / 100);

/**
 * A delay begins when the broker reads the publish. Time in the load's window before that would count as lateness; a
 * small window keeps it below a millisecond.
 */
const WINDOW_REQUESTS = 256;

export const delayed: Scenario = {
  name: "delayed",
  summary: "messages with a delay each: publishing them, and how late each is delivered",
  defaults: (bytes) => ({ messages: fitting(1_000_000, bytes), batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const { bytes, batch, seconds } = bench.parameters;
        const messages = Math.ceil(bench.parameters.messages / batch) * batch;
        await using broker = await bench.startBroker();
        using publisher = bench.startLoad();
        using consumer = bench.startLoad();
        const address = broker.listening.tcp;
        const delay = { afterMs: leadMs(messages), spreadMs: spreadMs(messages) };
        const bound = seconds + (delay.afterMs + delay.spreadMs) / 1000;
        const consume = await consumer.prepare("timedConsumer", {
          address,
          topic: TOPIC,
          messages,
          credit: creditFor(bytes),
          seconds: bound,
        });
        const publish = await publisher.prepare(
          "rawPublisher",
          rawPublish(bench, address, { messages, delay, windowRequests: WINDOW_REQUESTS }),
        );
        const start = cpuTime(broker.pid);
        const consumed = consume.go();
        const published = await publish.go();
        const cpuIn = cpuSince(broker.pid, start);
        const middle = cpuTime(broker.pid);
        const delivered = await consumed;
        const cpuOut = cpuSince(broker.pid, middle);
        const tell = { scenario: "delayed", variant: "raw" };
        return [
          { ...tell, case: "in", ...measured(published, cpuIn) },
          {
            ...tell,
            case: "out",
            ...measured(delivered, cpuOut),
            latencyMicros: { late: delivered.late },
            figures: { early: delivered.early, earliestMicros: delivered.earliestMicros },
          },
        ];
      },
    },
  ],
};
