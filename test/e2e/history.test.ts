/** What has become of a message: over the protocol, over HTTP, and as `ringmq history` tells it. */
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Client, HistoryEvent, MessageHistory } from "../../src/client/index.js";
import { formatId } from "../../src/protocol/id.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { Shell } from "./shell.js";

const { connect } = (await import(
  "../../dist/client/index.js" as string
)) as typeof import("../../src/client/index.js");

const named = async (tcp: number, name: string): Promise<Client> => {
  const client = await connect(`tcp://127.0.0.1:${tcp}`, { name });
  onTestFinished(() => client.close());
  return client;
};

const codes = ({ unknown }: MessageHistory): string[] => unknown.map(({ code }) => code);
const events = ({ events: all }: MessageHistory): string[] => all.map(({ what }) => what);

/** That a time which is not recorded is told by the times that it was between, which must hold `from` and `until`. */
const expectBetween = ({ time, after, before }: HistoryEvent, from: number, until: number): void => {
  expect(time).toBe(0);
  expect(after).toBeLessThanOrEqual(until);
  if (before !== 0) expect(before).toBeGreaterThanOrEqual(from);
};

it("is told from its publish to its end: failures, death, re-drive, who has it, ack; after a restart too", async () => {
  const data = join(testDirectory(), "data");
  const first = await testBroker({ data, shards: 2 });
  const client = await named(first.tcp, "publisher");
  const worker = await named(first.tcp, "worker");
  await client.configure("jobs", { retries: 0 });
  await client.declareQueue("jobs", "eu");
  const before = Date.now();
  const { id } = await client.publish("jobs", "x", { routeKey: "eu", key: "order 7" });
  const consumer = await worker.consume("jobs", { queue: "eu" });
  const next = consumer[Symbol.asyncIterator]();
  await (await next.next()).value?.nack({ reason: "no such account" });
  await expect.poll(async () => (await client.stats("jobs")).dead).toBe(1);
  const dead = await client.history("jobs", id);
  expect(dead).toMatchObject({ id, topic: "jobs", origin: { routeKey: "eu", key: "order 7", due: 0, expiry: 0 } });
  expect(dead.published).toBeGreaterThanOrEqual(before);
  expect(dead.published).toBeLessThanOrEqual(Date.now());
  expect(dead.origin?.producer).not.toBe("");
  expect(dead.copies).toMatchObject([{ queue: "eu", state: "dead", retry: 1, reason: "retries", connection: 0 }]);
  expect(events(dead)).toEqual(["published", "failed", "dead"]);
  expect(dead.events[1]).toMatchObject({
    number: 1,
    how: "nacked",
    client: "worker",
    text: "no such account",
    queue: "eu",
  });
  expect(dead.events[2]).toMatchObject({ reason: "retries", queue: "eu", time: dead.copies[0]?.time });
  expect(codes(dead)).toEqual(["DELIVERIES"]);

  await client.redrive("jobs", { queue: "eu", ids: [id] });
  const { value: again } = await next.next();
  const held = await client.history("jobs", id);
  expect(events(held)).toEqual(["published", "failed", "dead", "redriven"]);
  const connection = first.broker.connections.page(0, 100).connections.find(({ name }) => name === "worker");
  expect(held.copies).toMatchObject([{ state: "in-flight", client: "worker", connection: connection?.id, retry: 0 }]);

  const acking = Date.now();
  await again?.ack();
  const acked = Date.now();
  await client.publish("jobs", "the next", { routeKey: "eu" });
  const done = await client.history("jobs", id);
  expect(done.copies).toEqual([]);
  expect(events(done)).toEqual(["published", "failed", "dead", "redriven", "gone"]);
  expectBetween(done.events.at(-1) as HistoryEvent, acking, acked);
  expect(done.events.at(-1)?.before).toBeGreaterThan(0);
  expect(codes(done)).toEqual(["ENDED", "DELIVERIES"]);

  await Promise.all([client.close(), worker.close()]);
  await first.broker.close();
  const second = await testBroker({ data, shards: 2 });
  const later = await clientOf(second.tcp);
  expect(events(await later.history("jobs", id))).toEqual(["published", "failed", "dead", "redriven", "gone"]);
});

it("says what is not known: of a topic in memory, of a message that never was, of a broker without a journal", async () => {
  const { tcp, http } = await testBroker();
  const client = await clientOf(tcp);
  await client.configure("memory", { durability: "memory", retries: 9 });
  const { id } = await client.publish("memory", "x", { delay: 60_000 });
  const inMemory = await client.history("memory", id);
  expect(inMemory).toMatchObject({ origin: null, events: [], copies: [{ state: "delayed", queue: "default" }] });
  expect(codes(inMemory)).toEqual(["NOT_IN_JOURNAL", "DELIVERIES", "PUBLISHER"]);
  await client.runNow("memory", [id]);
  for (let i = 0; i < 2; i++) await (await client.pop("memory", { wait: 5_000 }))[0]?.nack({ reason: `failure ${i}` });
  const failed = await client.history("memory", id);
  expect(failed.events.map(({ what, number, text }) => [what, number, text])).toEqual([
    ["failed", 1, "failure 0"],
    ["failed", 2, "failure 1"],
  ]);
  expect(codes(await client.history("memory", formatId(0, 1)))).toContain("NOT_FOUND");
  expect(codes(await client.history("no such topic", id))).toContain("NOT_FOUND");
  await expect(client.history("memory", "x")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  const at = async (query: string): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${http}/history?${query}`)).json();
  expect(await at(`topic=memory&id=${id}`)).toEqual(await client.history("memory", id));
  expect(await at("topic=memory&id=x")).toMatchObject({ error: { code: "BAD_QUERY" } });

  const shell = new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${tcp}` });
  const text = await shell.output(`ringmq history memory ${id}`);
  expect(text).toMatch(new RegExp(`^${id} of memory, published 20\\d\\d-`));
  expect(text).toContain("Z  default  failure 2: nacked: failure 1\n");
  expect(text).toContain("now in default: ready, retry 2\n");
  expect(text).toContain("not known: who published it is not recorded\n");

  const bare = await testBroker({ durability: "memory" });
  const other = await clientOf(bare.tcp);
  const published = await other.publish("jobs", "x");
  const unknown = await other.history("jobs", published.id);
  expect(unknown.copies).toMatchObject([{ state: "ready" }]);
  expect(codes(unknown)).toEqual(["NO_JOURNAL", "DELIVERIES", "PUBLISHER"]);
});

it("is found among many segments, and where the segments have gone, compacted or not, it says so", async () => {
  const { tcp, broker } = await testBroker();
  const client = await clientOf(tcp);
  const body = "x".repeat(50_000);
  const [held] = (await client.publishBatch("keep", ["held", ...Array(9).fill(body)])).ids;
  const { ids } = await client.publishBatch("flow", Array(200).fill(body));
  const [flown = ""] = ids;
  expect(events(await client.history("flow", flown))).toEqual(["published"]);
  await client.purge("flow");
  await client.publishBatch("flow", Array(100).fill(body));
  await client.purge("flow");
  await client.publishBatch("flow", Array(60).fill(body));
  expect(broker.options.segmentBytes).toBe(1024 * 1024);
  await expect
    .poll(async () => codes(await client.history("flow", flown)), { timeout: 20_000 })
    .toContain("NOT_IN_JOURNAL");
  const gone = await client.history("flow", flown);
  expect(gone.copies).toEqual([]);
  expect(gone.unknown.map(({ code }) => code)).not.toContain("PUBLISHED");
  const kept = await client.history("keep", held ?? "");
  expect(["published", "kept"]).toContain(events(kept)[0]);
  expect(kept.copies).toMatchObject([{ state: "ready" }]);
});
