/** memmq over WebSocket: one publisher, one subscriber. All messages must arrive, in order. */
import type { RoleParams } from "../load/main.js";
import { TOPIC, WARM_TOPIC } from "./publish.js";
import { charge, fitting, measured, type Scenario } from "./scenario.js";

/** Messages on their way: below the limit at which a slow subscriber loses messages (8,192 messages, 4 MiB). */
const WINDOW = 7_168;
const WINDOW_BYTES = 2 * 1024 * 1024;

export const wsPub: Scenario = {
  name: "ws-pub",
  isForeign: true,
  summary: "memmq over WebSocket: one publisher of /pub, one subscriber of /sub; nothing may be lost, and order holds",
  defaults: (bytes) => ({ messages: fitting(2_000_000, bytes), batch: 1, runs: 3 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const { bytes: bodyBytes, messages, seconds } = bench.parameters;
        await using broker = await bench.startBroker();
        using load = bench.startLoad();
        const address = broker.listening.ws;
        const window = Math.max(1, Math.min(WINDOW, Math.floor(WINDOW_BYTES / (bodyBytes + 4))));
        const params: RoleParams<"webSocketRelay"> = {
          address,
          topic: WARM_TOPIC,
          bodyBytes,
          messages,
          window,
          seconds,
        };
        await load.run("webSocketRelay", { ...params, messages: Math.ceil(messages / 4) });
        const armed = await load.prepare("webSocketRelay", { ...params, topic: TOPIC });
        const { outcome, cpu } = await charge(broker.pid, () => armed.go());
        return [{ scenario: "ws-pub", variant: "raw", ...measured(outcome, cpu) }];
      },
    },
  ],
};
