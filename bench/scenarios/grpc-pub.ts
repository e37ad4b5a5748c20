/**
 * Pub calls of gRPC, compared with a bare server on grpc-js that answers and does nothing.
 */
import { builtFile } from "../processes/command.js";
import { ServerProcess } from "../processes/server-process.js";
import { medianOfRuns } from "./median.js";
import { TOPIC } from "./publish.js";
import { type Bench, charge, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "grpc-pub";
const CONNECTIONS = 4;
const CALLS = 16;
/** The two take turns, so that other work on the machine affects both. */
const ROUNDS = 3;

const startBare = (bench: Bench) => {
  const script = builtFile("processes/bare-grpc.js");
  const cpus = bench.parameters.pin?.broker;
  return ServerProcess.start({ script, args: [], cpus }, (output) => /^(\S+)\n/.exec(output)?.[1]);
};

export const grpcPub: Scenario = {
  name: SCENARIO,
  isForeign: true,
  summary: `Pub calls of gRPC, ${CONNECTIONS * CALLS} at once, beside a bare server on grpc-js`,
  defaults: () => ({ messages: 30_000, batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: async (bench) => {
        const { messages, bytes, seconds } = bench.parameters;
        await using broker = await bench.startBroker({ grpc: true });
        await using bare = await startBare(bench);
        const fire = async (pid: number, target: string, count: number) => {
          using load = bench.startLoad();
          const params = { target, topic: TOPIC, bodyBytes: bytes, messages: count };
          const armed = await load.prepare("grpcPublisher", {
            ...params,
            connections: CONNECTIONS,
            calls: CALLS,
            seconds,
          });
          return await charge(pid, () => armed.go());
        };
        const targets = [
          { variant: "raw", pid: broker.pid, target: broker.listening.grpc },
          { variant: "bare-grpc-js", pid: bare.pid, target: bare.listening },
        ];
        const each = Math.max(CONNECTIONS * CALLS, Math.ceil(messages / ROUNDS));
        for (const { pid, target } of targets) await fire(pid, target, Math.ceil(each / 2));
        const rounds: (readonly Result[])[] = [];
        for (let i = 0; i < ROUNDS; i++) {
          const results: Result[] = [];
          for (const { variant, pid, target } of targets) {
            const { outcome, cpu } = await fire(pid, target, each);
            const latencyMicros = { answer: outcome.answer };
            results.push({ scenario: SCENARIO, variant, ...measured(outcome, cpu), latencyMicros });
          }
          const [own, other] = results;
          const ratioToBare = (own?.messagesPerSecond ?? 0) / (other?.messagesPerSecond ?? 1);
          rounds.push(results.map((result) => (result === own ? { ...result, figures: { ratioToBare } } : result)));
        }
        return medianOfRuns(rounds);
      },
    },
  ],
};
