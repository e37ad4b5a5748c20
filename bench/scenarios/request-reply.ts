/**
 * Requests to a responder in another process: how long one takes, and how many there are with some in flight.
 */
import { charge, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "request-reply";
const CHANNEL = "requests";
const WARM_UP = 2_000;
const IN_FLIGHT = [1, 64];

export const requestReply: Scenario = {
  name: SCENARIO,
  summary: "requests and replies through the client, with 1 and with 64 in flight",
  defaults: () => ({ messages: 20_000, batch: 1, runs: 1 }),
  variants: [
    {
      name: "client",
      run: async (bench) => {
        const { messages, bytes: bodyBytes, seconds } = bench.parameters;
        await using broker = await bench.startBroker();
        using responder = bench.startLoad();
        const address = broker.listening.tcp;
        await responder.prepare("clientResponder", { address, channel: CHANNEL });
        const results: Result[] = [];
        for (const inFlight of IN_FLIGHT) {
          using requester = bench.startLoad();
          const warmUp = Math.min(WARM_UP, messages);
          const params = { address, channel: CHANNEL, bodyBytes, messages, warmUp, inFlight, seconds };
          const armed = await requester.prepare("clientRequester", params);
          const { outcome, cpu } = await charge(broker.pid, () => armed.go());
          results.push({
            scenario: SCENARIO,
            variant: "client",
            case: `${inFlight} in flight`,
            ...measured(outcome, cpu),
            latencyMicros: { reply: outcome.trip },
          });
        }
        return results;
      },
    },
  ],
};
