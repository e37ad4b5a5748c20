/**
 * The native protocol over WebSocket: the same work as over TCP.
 */

import { measureConsume } from "./consume.js";
import { type Load, measurePublish } from "./publish.js";
import { type Bench, fitting, fittingBatch, type Scenario } from "./scenario.js";

const variant = (load: Load) => ({
  name: load,
  run: async (bench: Bench) => {
    const tell = { scenario: "ws", variant: load };
    const batched = { load, batch: bench.parameters.batch, awaited: false };
    const single = { load, batch: 1, awaited: true };
    return [
      { ...tell, case: "publish-batched", ...(await measurePublish(bench, "ws", batched)) },
      { ...tell, case: "publish-single", ...(await measurePublish(bench, "ws", single)) },
      { ...tell, case: "consume-ack", ...(await measureConsume(bench, "ws", load)) },
    ];
  },
});

export const websocket: Scenario = {
  name: "ws",
  summary: "publish-batched, publish-single and consume-ack over WebSocket",
  defaults: (bytes) => ({ messages: fitting(1_000_000, bytes), batch: fittingBatch(200, bytes), runs: 1 }),
  variants: [variant("raw"), variant("client")],
};
