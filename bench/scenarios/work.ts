/**
 * Jobs: one process publishes through the client library while a worker of another runs an empty async handler for each
 * message. A message counts once, when its ack is confirmed, with the cost of its whole life.
 */
import { preparePublish, TOPIC, WARM_TOPIC, warmUpMessages } from "./publish.js";
import { type Bench, charge, fitting, fittingBatch, measured, type Scenario } from "./scenario.js";

/** Handlers at a time. */
const CONCURRENCY = 100;

/** `backlog`: all is published before the worker begins. */
const variant = (name: "client" | "backlog") => ({
  name,
  run: async (bench: Bench) => {
    const { messages, batch, seconds } = bench.parameters;
    await using broker = await bench.startBroker();
    using publisher = bench.startLoad();
    using worker = bench.startLoad();
    const address = broker.listening.tcp;
    const prepare = async (topic: string, count: number) => ({
      work: await worker.prepare("clientWorker", {
        address,
        topic,
        messages: count,
        seconds,
        concurrency: CONCURRENCY,
      }),
      publish: await preparePublish(bench, publisher, address, { load: "client", batch, awaited: false }, topic, count),
    });
    const run = async ({ work, publish }: Awaited<ReturnType<typeof prepare>>) => {
      if (name === "backlog") {
        await publish.go();
        return charge(broker.pid, async () => ({ worked: await work.go(), others: [] }));
      }
      return charge(broker.pid, async () => {
        const [worked, published] = await Promise.all([work.go(), publish.go()]);
        return { worked, others: [published] };
      });
    };
    await run(await prepare(WARM_TOPIC, warmUpMessages(messages)));
    const { outcome, cpu } = await run(await prepare(TOPIC, messages));
    return [{ scenario: "work", variant: name, ...measured(outcome.worked, cpu, outcome.others) }];
  },
});

export const work: Scenario = {
  name: "work",
  summary: `publish while a worker of another process runs an empty handler for each message, ${CONCURRENCY} at a time`,
  defaults: (bytes) => ({ messages: fitting(2_000_000, bytes), batch: fittingBatch(200, bytes), runs: 3 }),
  variants: [variant("client"), variant("backlog")],
};
