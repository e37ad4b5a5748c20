/**
 * gmq's line protocol on one connection: pipelined, and with one request in flight beside the native client.
 */
import type { OneInFlight, OneInFlightOutcome, Operation } from "../load/one-in-flight.js";
import type { Broker } from "../processes/broker.js";
import type { LoadProcess } from "../processes/load-process.js";
import { FILL_BATCH, pipelinedVariants } from "./gmq-tcp.js";
import { medianOfRuns } from "./median.js";
import { rawPublish, TOPIC } from "./publish.js";
import { type Bench, charge, fitting, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "gmq-line";
/** The two take turns, so that other work on the machine affects both. */
const ROUNDS = 5;
/** Each waits for the disk: more would take minutes. */
const MAX_TRIPS = 10_000;

const prepare = {
  line: (load: LoadProcess, params: OneInFlight) => load.prepare("gmqOneInFlight", { ...params, protocol: "line" }),
  client: (load: LoadProcess, params: OneInFlight) => load.prepare("clientOneInFlight", params),
};
type Peer = keyof typeof prepare;

const resultOf = (variant: string, peer: Peer, outcome: OneInFlightOutcome, cpu: Parameters<typeof measured>[1]) => ({
  scenario: SCENARIO,
  variant,
  case: `${peer}, 1 in flight`,
  ...measured(outcome, cpu),
  latencyMicros: { trip: outcome.trip },
});

const withRatio = (line: Result, client: Result): readonly Result[] => [
  { ...line, figures: { ratioToClient: line.messagesPerSecond / client.messagesPerSecond } },
  client,
];

const measureTurns = async (bench: Bench, broker: Broker, variant: string, operation: Operation, trips: number) => {
  const { bytes: bodyBytes, seconds } = bench.parameters;
  using load = bench.startLoad();
  const shared = { address: broker.listening.tcp, topic: TOPIC, operation, bodyBytes, durability: bench.durability };
  const turn = async (peer: Peer, messages: number): Promise<Result> => {
    const armed = await prepare[peer](load, { ...shared, messages, seconds });
    const { outcome, cpu } = await charge(broker.pid, () => armed.go());
    return resultOf(variant, peer, outcome, cpu);
  };
  for (const peer of ["line", "client"] as const) await turn(peer, trips);
  const rounds: (readonly Result[])[] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(withRatio(await turn("line", trips), await turn("client", trips)));
  return medianOfRuns(rounds);
};

const oneInFlight = (name: string, operation: Operation) => ({
  name,
  run: async (bench: Bench) => {
    const trips = Math.ceil(Math.min(bench.parameters.messages, MAX_TRIPS) / ROUNDS);
    await using broker = await bench.startBroker();
    if (operation === "pop-ack") {
      using load = bench.startLoad();
      const messages = trips * (ROUNDS + 1) * 2;
      await load.run("rawPublisher", rawPublish(bench, broker.listening.tcp, { messages, batch: FILL_BATCH }));
    }
    return await measureTurns(bench, broker, name, operation, trips);
  },
});

export const gmqLine: Scenario = {
  name: SCENARIO,
  isForeign: true,
  summary: "gmq's lines on one connection: pub, pop and ack, pipelined and beside the client with one in flight",
  defaults: (bytes) => ({ messages: fitting(1_000_000, bytes), batch: 1, runs: 3 }),
  variants: [
    ...pipelinedVariants(SCENARIO, "line", "pub"),
    oneInFlight("pub-1", "publish"),
    oneInFlight("pop-ack-1", "pop-ack"),
  ],
};
