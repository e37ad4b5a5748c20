/** What Prometheus itself makes of deploy/prometheus, of a broker's metrics, and of what the dashboard asks for. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { hashOf } from "../../src/main/access/token-hash.js";
import { debianPackage, FETCH_TIMEOUT } from "../debian-package.js";
import { ROOT, readDocument } from "../project/document.js";
import { sharedBroker, testDirectory } from "./brokers.js";

const { connect } = (await import(
  "../../dist/client/index.js" as string
)) as typeof import("../../src/client/index.js");

const FOLDER = join(ROOT, "deploy/prometheus");
const TOKEN = "ringmq_token-of-prometheus";

const broker = sharedBroker({
  users: [
    {
      name: "prometheus",
      tokens: [{ hash: hashOf(TOKEN) }],
      permissions: [{ topics: "*", allow: ["publish", "consume", "operate"] }],
    },
  ],
});

let programs = "";

beforeAll(async () => {
  programs = join(await debianPackage("prometheus"), "usr/bin");
}, FETCH_TIMEOUT);

interface Said {
  readonly code: number;
  readonly text: string;
}

const promtool = async (cwd: string, args: readonly string[], input = ""): Promise<Said> => {
  const running = promisify(execFile)(join(programs, "promtool"), args, { cwd });
  running.child.stdin?.end(input);
  return await running.then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, text: stdout + stderr }),
  );
};

/** Prometheus with prometheus.yml, but for where the broker is and how often it is asked. Resolves to its address. */
const prometheus = async (directory: string): Promise<string> => {
  const child = spawn(
    join(programs, "prometheus"),
    ["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--web.listen-address=127.0.0.1:0"],
    { cwd: directory, stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  let text = "";
  child.stderr.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  const address = (): string | undefined => /msg="Listening on".* address=(\S+)/.exec(text)?.[1];
  while (address() === undefined) {
    if (child.exitCode !== null) throw new Error(text);
    await Promise.race([once(child.stderr, "data"), ended]);
  }
  return `http://${address()}`;
};

it("alerts of a broker that is ill, and not of one that is well", async () => {
  const { code, text } = await promtool(FOLDER, ["test", "rules", "alerts.test.yml"]);
  expect([code, text]).toEqual([0, expect.stringContaining("SUCCESS")]);
});

it("takes the metrics for such as they should be, but for names that prom-client has chosen", async () => {
  const scrape = await fetch(`http://127.0.0.1:${broker().http}/metrics`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const { text } = await promtool(FOLDER, ["check", "metrics"], await scrape.text());
  const complaints = text.split("\n").filter((line) => line !== "");
  expect(complaints.map((line) => line.split(" ")[0])).toEqual([
    "nodejs_active_handles_total",
    "nodejs_active_requests_total",
    "nodejs_active_resources_total",
  ]);
});

it("scrapes a broker with a token, and has something to show in each panel of the dashboard", async () => {
  const { tcp, http } = broker();
  const directory = testDirectory();
  copyFileSync(join(FOLDER, "alerts.yml"), join(directory, "alerts.yml"));
  writeFileSync(join(directory, "ringmq.token"), TOKEN);
  const configuration = readDocument("deploy/prometheus/prometheus.yml");
  const here = configuration
    .replace("127.0.0.1:9504", `127.0.0.1:${http}`)
    .replace("scrape_interval: 15s", "scrape_interval: 100ms");
  writeFileSync(join(directory, "prometheus.yml"), here);
  expect(await promtool(directory, ["check", "config", "prometheus.yml"])).toMatchObject({ code: 0 });
  const address = await prometheus(directory);
  // Protocols are shown that somebody speaks.
  await using client = await connect(`tcp://127.0.0.1:${tcp}`, { token: TOKEN });
  await client.publish("orders", "hello");
  const seriesOf = async (query: string): Promise<readonly unknown[]> => {
    const answer = await fetch(`${address}/api/v1/query?${new URLSearchParams({ query })}`);
    const { data, error } = (await answer.json()) as { data?: { result: readonly unknown[] }; error?: string };
    return data?.result ?? [error];
  };
  const { panels } = JSON.parse(readDocument("deploy/grafana/ringmq.json")) as {
    panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  const queries = panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr.replaceAll(/\$(job|instance)/g, ".+").replaceAll("$__rate_interval", "2s")),
  );
  expect(queries.length).toBeGreaterThan(50);
  for (const query of queries) {
    await vi.waitFor(async () => expect([query, await seriesOf(query)]).not.toEqual([query, []]), 10_000);
  }
  expect(await seriesOf("up")).toMatchObject([{ metric: { job: "ringmq" }, value: [expect.anything(), "1"] }]);
  const health = await fetch(`${address}/api/v1/rules`);
  expect(await health.text()).not.toContain('"health":"err"');
});
