/**
 * The steady state of a broker: one process publishes in batches while another consumes and acks. A message counts once,
 * when it is acked, with the cost of its whole life.
 */

import { type Consumption, prepareConsume } from "./consume.js";
import { type Load, preparePublish, TOPIC, WARM_TOPIC, warmUpMessages } from "./publish.js";
import { type Bench, charge, fitting, fittingBatch, measured, type Scenario } from "./scenario.js";

const variant = (load: Load, consumption: Consumption) => ({
  name: load,
  run: async (bench: Bench) => {
    const { messages, batch } = bench.parameters;
    await using broker = await bench.startBroker();
    using publisher = bench.startLoad();
    using consumer = bench.startLoad();
    const address = broker.listening.tcp;
    const prepare = async (topic: string, count: number) => ({
      consume: await prepareConsume(bench, consumer, address, consumption, topic, count),
      publish: await preparePublish(bench, publisher, address, { load, batch, awaited: false }, topic, count),
    });
    const run = async ({ consume, publish }: Awaited<ReturnType<typeof prepare>>) => {
      const consumed = consume.go();
      await publish.go();
      return await consumed;
    };
    await run(await prepare(WARM_TOPIC, warmUpMessages(messages)));
    const armed = await prepare(TOPIC, messages);
    const { outcome, cpu } = await charge(broker.pid, () => run(armed));
    return [{ scenario: "flow", variant: load, ...measured(outcome, cpu) }];
  },
});

export const flow: Scenario = {
  name: "flow",
  summary: "publish in batches while another process consumes and acks",
  defaults: (bytes) => ({ messages: fitting(2_000_000, bytes), batch: fittingBatch(200, bytes), runs: 3 }),
  variants: [variant("raw", "raw"), variant("client", "client-batches")],
};
