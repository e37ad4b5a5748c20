/**
 * POST /push with autocannon, compared with a bare HTTP server on the same library, whose handler reads the body and
 * answers with the same bytes. RINGMQ_HTTP_ENGINE chooses the library, as for any broker.
 */
import type { Broker } from "../processes/broker.js";
import { builtFile } from "../processes/command.js";
import { ServerProcess } from "../processes/server-process.js";
import { medianOfRuns } from "./median.js";
import { TOPIC } from "./publish.js";
import { type Bench, charge, measured, type Result, type Scenario } from "./scenario.js";

const SCENARIO = "http-push";
export const HTTP_CONNECTIONS = 50;
/** The two take turns, so that other work on the machine affects both. */
const ROUNDS = 5;

/** The form that pushes a body of `bytes`. */
export const formOf = (bytes: number, topic = TOPIC): string => {
  const job = { body: "a".repeat(bytes), topic, delay: 0, route_key: "" };
  return `data=${encodeURIComponent(JSON.stringify(job))}`;
};

/** What is posted, and how its answer is known to be no refusal. */
interface Posted {
  readonly path: string;
  readonly form: string;
  readonly accepted: string;
}

/** The broker's answer, for the bare server to send. */
const answerTo = async (url: string, { form, accepted }: Posted): Promise<string> => {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const response = await fetch(url, { method: "POST", headers, body: form });
  const text = await response.text();
  if (!response.ok || !text.includes(accepted)) throw new Error(`${url} answered ${response.status} ${text}`);
  return text;
};

/** Which engine a broker has said that it has. */
const engineOf = ({ log }: Broker): string => {
  const [, engine] = /HTTP engine: (\w+)/.exec(log) ?? [];
  if (engine === undefined) throw new Error(`the broker does not say which HTTP engine it has\n${log}`);
  return engine;
};

const startBare = (bench: Bench, engine: string, answer: string) => {
  const script = builtFile("processes/bare-http.js");
  const cpus = bench.parameters.pin?.broker;
  return ServerProcess.start({ script, args: [engine, answer], cpus }, (output) => /^(http:\S+)\n/.exec(output)?.[1]);
};

/** What is posted to. */
interface Target {
  readonly variant: string;
  readonly pid: number;
  readonly url: string;
}

/** Posts to two servers in turn; the results are the medians of the turns. `ratio` names the figure of the first. */
const inTurn = async (
  bench: Bench,
  scenario: string,
  form: string,
  targets: readonly [Target, Target],
  ratio: string,
): Promise<readonly Result[]> => {
  const { messages, seconds } = bench.parameters;
  using load = bench.startLoad();
  const fire = async (pid: number, url: string, requests: number) => {
    const params = { url, form, requests, connections: HTTP_CONNECTIONS, seconds };
    const armed = await load.prepare("httpLoad", params);
    return charge(pid, () => armed.go());
  };
  for (const { pid, url } of targets) await fire(pid, url, Math.max(HTTP_CONNECTIONS, Math.ceil(messages / 4)));
  const round = async (): Promise<readonly Result[]> => {
    const results: Result[] = [];
    for (const { variant, pid, url } of targets) {
      const { outcome, cpu } = await fire(pid, url, Math.max(HTTP_CONNECTIONS, Math.ceil(messages / ROUNDS)));
      const latencyMicros = { response: outcome.response };
      results.push({ scenario, variant, ...measured(outcome, cpu), latencyMicros });
    }
    const [first, second] = results;
    if (first === undefined || second === undefined) return results;
    return [{ ...first, figures: { [ratio]: first.messagesPerSecond / second.messagesPerSecond } }, second];
  };
  const rounds: (readonly Result[])[] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round());
  return medianOfRuns(rounds);
};

/** The broker beside a bare server. */
export const besideBare = async (bench: Bench, scenario: string, posted: Posted): Promise<readonly Result[]> => {
  const { path, form } = posted;
  await using broker = await bench.startBroker();
  const url = `${broker.listening.http}${path}`;
  const answer = await answerTo(url, posted);
  const engine = engineOf(broker);
  await using bare = await startBare(bench, engine, answer);
  const bareTarget = { variant: `bare-${engine}`, pid: bare.pid, url: `${bare.listening}/push` };
  return await inTurn(bench, scenario, form, [{ variant: "raw", pid: broker.pid, url }, bareTarget], "ratioToBare");
};

/** A broker over TLS beside one without. */
export const besidePlain = async (
  bench: Bench,
  scenario: string,
  { path, form }: Posted,
): Promise<readonly Result[]> => {
  await using secure = await bench.startBroker({ httpTls: true });
  await using plain = await bench.startBroker();
  const target = (variant: string, { pid, listening }: Broker): Target => ({
    variant,
    pid,
    url: `${listening.http}${path}`,
  });
  return await inTurn(bench, scenario, form, [target("tls", secure), target("tls-plain", plain)], "ratioToPlain");
};

export const httpPush: Scenario = {
  name: SCENARIO,
  isForeign: true,
  summary: `POST /push on ${HTTP_CONNECTIONS} connections with autocannon, beside a bare handler on the same library`,
  defaults: () => ({ messages: 150_000, batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: (bench) =>
        besideBare(bench, SCENARIO, { path: "/push", form: formOf(bench.parameters.bytes), accepted: '"code":0' }),
    },
  ],
};
