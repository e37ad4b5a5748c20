/**
 * gmq's HTTP API with autocannon: POST /push, and GET /pop followed by GET /ack, on connections that each wait for every
 * answer.
 */
import { FILL_BATCH } from "./gmq-tcp.js";
import { formOf, HTTP_CONNECTIONS } from "./http-push.js";
import { rawPublish, TOPIC, WARM_TOPIC } from "./publish.js";
import { type Bench, charge, type Measured, measured, type Scenario } from "./scenario.js";

const SCENARIO = "gmq-http";

/** The messages of a run, and of its warm-up, as many on each connection. */
const countsOf = ({ parameters }: Bench) => {
  const wholeRounds = (messages: number): number => Math.ceil(messages / HTTP_CONNECTIONS) * HTTP_CONNECTIONS;
  return { warm: wholeRounds(parameters.messages / 4), run: wholeRounds(parameters.messages) };
};

/** How many messages the broker says that a topic was pushed: a refusal is HTTP 200 as well. */
const pushedTo = async (url: string, topic: string): Promise<number> => {
  const response = await fetch(`${url}/getTopicStat?topic=${topic}`);
  const { data }: { readonly data: { readonly push_num: number } | null } = JSON.parse(await response.text());
  return data?.push_num ?? 0;
};

const measurePush = async (bench: Bench): Promise<Measured> => {
  const { bytes, seconds } = bench.parameters;
  const counts = countsOf(bench);
  await using broker = await bench.startBroker();
  using load = bench.startLoad();
  const { http } = broker.listening;
  const prepare = (topic: string, requests: number) =>
    load.prepare("httpLoad", {
      url: `${http}/push`,
      form: formOf(bytes, topic),
      requests,
      connections: HTTP_CONNECTIONS,
      seconds,
    });
  const warm = await prepare(WARM_TOPIC, counts.warm);
  await warm.go();
  const armed = await prepare(TOPIC, counts.run);
  const { outcome, cpu } = await charge(broker.pid, () => armed.go());
  const pushed = await pushedTo(http, TOPIC);
  if (pushed < outcome.messages) throw new Error(`${outcome.messages} pushes were answered, ${pushed} were taken`);
  return { ...measured(outcome, cpu), latencyMicros: { response: outcome.response } };
};

const measurePopAck = async (bench: Bench): Promise<Measured> => {
  const { seconds } = bench.parameters;
  const counts = countsOf(bench);
  await using broker = await bench.startBroker();
  using load = bench.startLoad();
  const { http: url, tcp } = broker.listening;
  const prepare = async (topic: string, messages: number) => {
    await load.run("rawPublisher", rawPublish(bench, tcp, { topic, messages, batch: FILL_BATCH }));
    return load.prepare("httpConsumer", { url, topic, messages, connections: HTTP_CONNECTIONS, seconds });
  };
  const warm = await prepare(WARM_TOPIC, counts.warm);
  await warm.go();
  const armed = await prepare(TOPIC, counts.run);
  const { outcome, cpu } = await charge(broker.pid, () => armed.go());
  return { ...measured(outcome, cpu), latencyMicros: { response: outcome.response } };
};

const variant = (name: string, measure: (bench: Bench) => Promise<Measured>) => ({
  name,
  run: async (bench: Bench) => [{ scenario: SCENARIO, variant: name, ...(await measure(bench)) }],
});

export const gmqHttp: Scenario = {
  name: SCENARIO,
  isForeign: true,
  summary: `gmq's HTTP API on ${HTTP_CONNECTIONS} connections with autocannon: push, pop and ack`,
  defaults: () => ({ messages: 100_000, batch: 1, runs: 1 }),
  variants: [variant("push", measurePush), variant("pop-ack", measurePopAck)],
};
