/** `/metrics`, `/healthz` and `/readyz` of a broker, from its start to its end. */
import { connect } from "node:net";
import { join } from "node:path";
import { BroadcastChannel } from "node:worker_threads";
import { describe, expect, it, onTestFinished } from "vitest";
import { deferred } from "../../src/client/base/deferred.js";
import type { Addresses } from "../../src/main/broker-handle.js";
import { METRICS } from "../../src/main/metrics/samples.js";
import { exchange } from "../conformance/http-exchange.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";

const LOCAL = { host: "127.0.0.1", port: 0 };
const WAITING = new URL("../main/fixtures/waiting-shard.mjs", import.meta.url);
const JOURNAL = "the broker is starting: it reads its journal";

const get = (port: number, path: string, method = "GET") => exchange(port, { method, path });

/** Status and text. */
const ask = async (port: number, path: string): Promise<readonly [number, string]> => {
  const { status, body } = await get(port, path);
  return [status, body];
};

/** The values of a scrape, by the name with its labels. */
const scrape = async (port: number): Promise<ReadonlyMap<string, number>> => {
  const { status, type, body } = await get(port, "/metrics");
  expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  const lines = body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines.filter((line) => !Number.isFinite(Number(line.slice(line.lastIndexOf(" ") + 1))))).toEqual([]);
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
};

/** Scrapes until a value is what it should be: shards publish theirs every 100 ms. */
const until = async (port: number, name: string, value: number | undefined): Promise<ReadonlyMap<string, number>> => {
  for (;;) {
    const values = await scrape(port);
    if (values.get(name) === value) return values;
    await new Promise(setImmediate);
  }
};

/** Holds the thread of the only shard of a broker with this data directory before it reads its journal. */
const holdShard = (data: string): { waits: () => Promise<void>; go: () => void } => {
  const channel = new BroadcastChannel(join(data, "generation-1", "shard-0"));
  onTestFinished(() => channel.close());
  let waiting = deferred<void>();
  channel.onmessage = () => waiting.resolve();
  return {
    waits: () => waiting.promise,
    go: () => {
      waiting = deferred();
      channel.postMessage("go");
    },
  };
};

describe.each(ENGINE_NAMES)("with the HTTP engine %s", (httpEngine) => {
  it("probes are answered from the first moment to the last, and clients when the journal is read", async () => {
    const data = join(testDirectory(), "data");
    const shard = holdShard(data);
    const early = deferred<Addresses>();
    const starting = testBroker(
      { data, httpEngine, metricsAddress: LOCAL },
      { thread: WAITING, listensEarly: early.resolve },
    );
    const { http: { port: http = 0 } = {}, metrics: { port: metrics = 0 } = {}, tcp } = await early.promise;
    await shard.waits();
    expect(tcp).toBeUndefined();
    for (const port of [http, metrics]) {
      expect(await ask(port, "/healthz")).toEqual([200, "ok\n"]);
      expect(await ask(port, "/readyz")).toEqual([503, `${JOURNAL}\n`]);
      expect((await get(port, "/readyz", "HEAD")).status).toBe(503);
      for (const path of ["/healthz", "/readyz", ...(port === metrics ? ["/metrics"] : [])]) {
        for (const method of ["POST", "PUT", "DELETE"]) {
          const refused = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: "x" });
          expect([refused.status, refused.headers.get("allow")]).toEqual([405, "HEAD, GET"]);
        }
      }
    }
    const refused = await ask(http, "/pop?topic=jobs");
    expect([refused[0], JSON.parse(refused[1])]).toMatchObject([503, { msg: JOURNAL }]);
    expect((await get(http, "/pop?topic=jobs", "HEAD")).status).toBe(503);
    const upgrade = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
    const origin = `http://localhost:${http}`;
    const headers = { ...upgrade, host: `localhost:${http}`, origin, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
    for (const path of ["/mq", "/sub?topic=a", "/console/mq"]) {
      expect((await exchange(http, { method: "GET", path, headers })).status).toBe(503);
    }
    const session = await ask(http, "/console/session");
    expect([session[0], JSON.parse(session[1])]).toMatchObject([200, { login: false, unavailable: JOURNAL }]);
    // The first of all: nothing of it is a number that is none.
    const first = await scrape(metrics);
    expect(first.get('ringmq_shard_up{shard="0"}')).toBe(0);
    expect(first.get("nodejs_eventloop_lag_min_seconds") ?? 0).toBeLessThan(1_000);
    expect((await get(metrics, "/metrics", "HEAD")).status).toBe(200);

    shard.go();
    const { broker } = await starting;
    expect(broker.addresses.metrics?.port).toBe(metrics);
    for (const port of [http, metrics]) {
      expect(await ask(port, "/readyz")).toEqual([200, "ready\n"]);
      expect((await get(port, "/readyz", "HEAD")).status).toBe(200);
    }
    expect((await get(http, "/pop?topic=jobs")).status).toBe(200);
    // It has an address of its own, which has nothing else.
    expect((await get(http, "/metrics")).status).toBe(404);
    expect((await get(metrics, "/pop?topic=jobs")).status).toBe(404);

    const client = await clientOf(broker.addresses.tcp?.port ?? 0);
    await client.publish("jobs", "one");
    await until(metrics, 'ringmq_published_messages_total{shard="0"}', 1);
    const killed = broker.supervisor.kill(0);
    await shard.waits();
    await killed;
    expect(await ask(http, "/readyz")).toEqual([503, "shard 0 starts again: it reads its journal\n"]);
    const down = await scrape(metrics);
    const ofShard = (name: string): number | undefined => down.get(`${name}{shard="0"}`);
    expect(["ringmq_shard_up", "ringmq_shard_restarts_total"].map(ofShard)).toEqual([0, 1]);
    // Counters stay, and go on; what there is now is not known.
    expect(["ringmq_published_messages_total", "ringmq_ready_messages"].map(ofShard)).toEqual([1, undefined]);
    shard.go();
    await until(metrics, 'ringmq_ready_messages{shard="0"}', 1);
    await client.publish("jobs", "two");
    await until(metrics, 'ringmq_published_messages_total{shard="0"}', 2);

    // A pop that waits keeps the broker for a moment when it stops.
    const waiting = get(http, "/pop?topic=none&timeout=60").catch(() => undefined);
    const closing = broker.close();
    expect(await ask(metrics, "/readyz")).toEqual([503, "the broker is stopping\n"]);
    expect(await ask(metrics, "/healthz")).toEqual([200, "ok\n"]);
    const last = await scrape(metrics);
    expect([last.get("ringmq_ready"), last.get('ringmq_published_messages_total{shard="0"}')]).toEqual([0, 2]);
    // On connections that come now, on the port of the clients as well; none comes to stay.
    expect(await ask(http, "/readyz")).toEqual([503, "the broker is stopping\n"]);
    expect(await ask(http, "/healthz")).toEqual([200, "ok\n"]);
    for (const path of ["/mq", "/sub?topic=a"]) {
      expect((await exchange(http, { method: "GET", path, headers })).status).toBe(503);
    }
    await Promise.all([closing, waiting]);
    for (const port of [http, metrics]) await expect(get(port, "/healthz")).rejects.toThrow();
  });

  it("those who ask for metrics and read none of them cost nobody anything, while a shard stands still too", async () => {
    const data = join(testDirectory(), "data");
    const shard = holdShard(data);
    const early = deferred<Addresses>();
    const starting = testBroker(
      { data, httpEngine, metricsAddress: LOCAL },
      { thread: WAITING, listensEarly: early.resolve },
    );
    const { metrics: { port = 0 } = {} } = await early.promise;
    await shard.waits();
    const request = `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 40; i++) {
      const socket = connect(port, "127.0.0.1");
      onTestFinished(() => void socket.destroy());
      socket.on("error", () => {}).pause();
      // As many as a connection may ask for ahead.
      socket.write(request.repeat(1_000));
    }
    for (let i = 0; i < 5; i++) expect((await scrape(port)).get('ringmq_shard_up{shard="0"}')).toBe(0);
    expect(await ask(port, "/healthz")).toEqual([200, "ok\n"]);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
    shard.go();
    await starting;
    expect(await ask(port, "/readyz")).toEqual([200, "ready\n"]);
  });

  it("a scrape of the HTTP port shows all metrics, and what clients have done", async () => {
    const { tcp, http } = await testBroker({
      httpEngine,
      shards: 2,
      metricsTopics: 1,
      grpc: LOCAL,
      mqFiles: join(testDirectory(), "files"),
    });
    const client = await clientOf(tcp);
    await client.configure("jobs", { retries: 0 });
    await client.publishBatch(
      "jobs",
      Array.from({ length: 10 }, (_, i) => `message ${i}`),
    );
    const [first, second] = await client.pop("jobs", { max: 2 });
    await first?.ack();
    await second?.nack();
    await client.publish("later", "x", { delay: 3_600_000 });

    const total = (values: ReadonlyMap<string, number>, name: string): number =>
      [...values].reduce((sum, [key, value]) => (key.startsWith(`${name}{`) ? sum + value : sum), 0);
    let values = await scrape(http);
    while (total(values, "ringmq_dead_letters") + total(values, "ringmq_delayed_messages") < 2)
      values = await scrape(http);
    const shown = {
      ringmq_published_messages_total: 11,
      ringmq_delivered_messages_total: 2,
      ringmq_acked_messages_total: 1,
      ringmq_retried_messages_total: 1,
      ringmq_dead_messages_total: 1,
      ringmq_dead_letters: 1,
      ringmq_ready_messages: 8,
      ringmq_delayed_messages: 1,
      ringmq_in_flight_messages: 0,
      ringmq_unattended_queues: 1,
      ringmq_topics: 2,
      ringmq_shard_up: 2,
    };
    for (const [name, value] of Object.entries(shown)) expect([name, total(values, name)]).toEqual([name, value]);
    expect(values.get('ringmq_connections{protocol="tcp"}')).toBe(1);
    const bytes = ["received", "sent"].map((way) => `ringmq_${way}_bytes_total{protocol="tcp"}`);
    for (const name of bytes) expect(values.get(name)).toBeGreaterThan(50);
    values = await until(http, 'ringmq_topic_dead_letters{topic="jobs"}', 1);
    // One more has none: "jobs" comes first.
    expect(values.get("ringmq_topics_without_series")).toBe(1);
    expect([...values.keys()].filter((key) => key.includes("later"))).toEqual([]);
    expect(total(values, "ringmq_commit_duration_seconds_count")).toBeGreaterThan(0);
    expect(total(values, "ringmq_confirmed_requests_total")).toBeGreaterThan(2);
    expect(values.get("ringmq_disk_free_bytes")).toBeGreaterThan(0);
    expect(values.get("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(values.get("nodejs_eventloop_lag_seconds")).toBeGreaterThanOrEqual(0);
    for (const thread of ["grpc", "mq-files"]) {
      expect(values.get(`ringmq_thread_lag_seconds{thread="${thread}"}`)).toBeLessThan(60);
    }
    const { body } = await get(http, "/metrics");
    for (const { name, type, help } of METRICS) {
      expect(body).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}`);
    }
    // What a connection that is gone has sent is not taken back.
    await client.close();
    const after = await until(http, 'ringmq_connections{protocol="tcp"}', undefined);
    for (const name of bytes) expect(after.get(name)).toBeGreaterThanOrEqual(values.get(name) ?? Number.NaN);
  });
});
