/** Messages that are looked for, as clients, HTTP and `ringmq find` find them. What there is to find is in test/shard/messages/find.test.ts. */
import { expect, it } from "vitest";
import type { LocatedMessage } from "../../src/client/index.js";
import { Op } from "../../src/protocol/op.js";
import { sharedBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { NativeClient } from "./native-client.js";
import { Shell } from "./shell.js";

const broker = sharedBroker({ shards: 1 });

const bodies = (messages: readonly LocatedMessage[]): string[] => messages.map((message) => message.text());

const all = async (search: AsyncIterable<LocatedMessage>): Promise<LocatedMessage[]> => {
  const messages: LocatedMessage[] = [];
  for await (const message of search) messages.push(message);
  return messages;
};

it("finds a message in whichever state it is, and goes on where it was", async () => {
  const client = await clientOf(broker().tcp);
  await client.declareQueue("orders", "eu");
  await client.publish("orders", "wanted", { headers: { order: 4711 }, routeKey: "eu" });
  const [held] = await client.pop("orders", { queue: "eu" });
  const many = Array.from({ length: 250 }, (_, i) => `order ${i}`);
  await client.publishBatch("orders", many, { routeKey: "eu" });
  await client.publish("orders", "wanted later", { headers: { order: "4711" }, routeKey: "eu", delay: 60_000 });
  const header = { name: "order", value: "4711" };
  const search = client.find("orders", { queue: "eu", header });
  const found = await all(search);
  expect(found.map(({ state, queue }) => [state, queue])).toEqual([
    ["delayed", "eu"],
    ["in-flight", "eu"],
  ]);
  expect(bodies(found)).toEqual(["wanted later", "wanted"]);
  expect(found[1]?.id).toBe(held?.id);
  expect(JSON.parse(JSON.stringify(found[1]))).toMatchObject({ state: "in-flight", headers: { order: 4711 } });
  expect(search).toMatchObject({ scanned: 252, isOver: true, cursor: undefined });
  expect(search.scannedBytes).toBeGreaterThan(252 * 4);
  await held?.nack({ retry: false, reason: "no such order" });
  const [dead] = await all(client.find("orders", { queue: "eu", state: "dead", text: "WANTED", ignoreCase: true }));
  expect(dead).toMatchObject({ state: "dead", deadReason: "rejected", lastReason: "no such order" });

  const first = client.find("orders", { queue: "eu", text: "order", max: 100 });
  const page = await first.page();
  expect(page).toHaveLength(100);
  const rest = await all(client.find("orders", { queue: "eu", text: "order", from: first.cursor }));
  expect(bodies([...page, ...rest])).toEqual(many);
  const bounded = client.find("orders", { queue: "eu", max: 10, maxScanned: 30 });
  expect(await all(bounded)).toHaveLength(30);
  expect(bounded).toMatchObject({ isOver: false, scanned: 30 });
  await expect(client.find("nothing").page()).rejects.toMatchObject({ code: "NO_TOPIC" });
  await expect(client.find("orders", { from: "0.0.0.0.0.0.0.0" }).page()).rejects.toMatchObject({
    code: "CURSOR_LOST",
  });
  for (const bad of [
    { text: "" },
    { text: "x".repeat(256) },
    { header: "order" },
    { ignoreCase: true },
    { max: 1_001 },
    { st: 1 },
  ]) {
    expect(() => client.find("orders", bad as object), JSON.stringify(bad)).toThrow(
      expect.objectContaining({ code: "BAD_ARGUMENT" }),
    );
  }
});

it("refuses what the client would not send", async () => {
  const client = await NativeClient.greeted(broker().tcp);
  const conditions: readonly object[] = [
    { text: "" },
    { text: "x".repeat(256) },
    { text: new Uint8Array(256) },
    { text: 5 },
    { header: "" },
    { value: "x" },
    { ignoreCase: true },
    { pattern: "(a+)+$" },
    { routeKey: "é".repeat(128) },
  ];
  for (const [i, each] of conditions.entries()) {
    const answer = await client.ask(Op.FIND, i + 2, ["orders", "eu", "all", 1, 1, "", each]);
    expect([each, answer.head[0]]).toEqual([each, 6]);
  }
  for (const head of [
    ["orders", "eu", "gone"],
    ["orders", "eu", null, 1_001],
    ["orders", "eu", null, 1, 1, 7],
    ["orders", "eu", null, 1, 1, "x"],
  ]) {
    expect((await client.ask(Op.FIND, 99, head)).head[0]).toBe(6);
  }
  client.socket.destroy();
});

it("is told over HTTP and by the program", async () => {
  const { tcp, http } = broker();
  const client = await clientOf(tcp);
  await client.publish("parcels", "to Mia", { headers: { parcel: "1", weight: 2n ** 60n } });
  await client.publish("parcels", new Uint8Array([0xff, 0x41]), { delay: 60_000 });
  const at = async (query: string): Promise<unknown> => (await fetch(`http://127.0.0.1:${http}/find?${query}`)).json();
  const whole = { scanned: 2, cursor: null };
  expect(await at("topic=parcels&header=parcel&value=1&state=ready")).toMatchObject({
    cursor: null,
    scanned: 1,
    state: "ready",
    messages: [{ body: "to Mia", headers: { parcel: "1", weight: String(2n ** 60n) }, retry: 0, failures: [] }],
  });
  expect(await at("topic=parcels&text=A")).toMatchObject({
    ...whole,
    state: "delayed",
    messages: [{ bodyBase64: "/0E=" }],
  });
  expect(await at("topic=parcels&text=nothing")).toMatchObject({ ...whole, state: null, messages: [] });
  const { cursor } = (await at("topic=parcels&max=1")) as { cursor: string };
  expect(await at(`topic=parcels&after=${cursor}`)).toMatchObject({ scanned: 1, cursor: null, messages: [{}] });
  expect(await at("topic=parcels&text=a&ignoreCase=1")).toMatchObject({ error: { code: "BAD_QUERY" } });
  expect(await at("topic=parcels&value=1")).toMatchObject({ error: { code: "BAD_HEAD" } });
  expect(await at("topic=none")).toMatchObject({ error: { code: "NO_TOPIC" } });
  const shell = new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${tcp}` });
  expect(await shell.output("ringmq find parcels --text mia --ignore-case")).toMatch(
    /^ *id +state .*\n\d+ +ready .*to Mia\n$/,
  );
  const line = JSON.parse(await shell.output("ringmq find parcels --header parcel --json")) as object;
  expect(line).toMatchObject({ state: "ready", body: "to Mia" });
  const { id } = line as { id: string };
  expect(await shell.output(`ringmq find parcels --id ${id}`)).toContain("to Mia");
  expect(await shell.output("ringmq find parcels --text nothing 2>&1; echo exit $?")).toMatch(
    /^error: nothing was found: 2 messages looked at, \d+ bytes\nexit 4\n$/,
  );
});

it("counts what is delayed over time, and dead letters by what they have died of", async () => {
  const { tcp, http } = broker();
  const client = await clientOf(tcp, { tcp: "tcp", client: { name: "biller" } });
  const before = Date.now();
  await client.publishBatch("counted", ["a", "b"], { delay: 60_000 });
  await client.publish("counted", "c", { delay: 120_000 });
  const counts = await client.delayed("counted", { buckets: 2, from: before, to: before + 200_000 });
  expect(counts).toMatchObject({ counts: [2, 1], before: 0, after: 0, from: before });
  expect(counts.last).toBeGreaterThanOrEqual(before + 120_000);
  expect(await client.delayed("counted")).toMatchObject({ to: counts.last, first: counts.first });
  await expect(client.delayed("counted", { from: 2, to: 1 })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  await client.configure("counted", { retries: 0 });
  await client.publishBatch("counted", ["x", "y", "z"]);
  await using consumer = await client.consume("counted", { prefetch: 3 });
  let nacked = 0;
  for await (const message of consumer) {
    await message.nack({ reason: message.text() === "z" ? "no such bill" : "closed\nat noon" });
    if (++nacked === 3) break;
  }
  const told = await client.deadLetters("counted").groups();
  const alike = { reason: "retries", how: "nacked", client: "biller" };
  expect(told).toMatchObject({
    groups: [
      { ...alike, text: "closed", count: 2 },
      { ...alike, text: "no such bill", count: 1 },
    ],
    rest: 0,
  });
  const at = async (path: string): Promise<unknown> => (await fetch(`http://127.0.0.1:${http}${path}`)).json();
  expect(await at("/dead-groups?topic=counted")).toEqual(told);
  expect(await at("/dead-groups?topic=counted&max=1")).toMatchObject({ rest: 1 });
  expect(await at("/delayed?topic=counted&buckets=1")).toMatchObject({ counts: [3] });
  expect(await at("/delayed?topic=counted&from=2&to=1")).toMatchObject({ error: { code: "BAD_HEAD" } });
  const shell = new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${tcp}` });
  expect(await shell.output("ringmq dead list counted --group")).toMatch(
    / 2 .* biller +retries: closed\n.* 1 .* no such bill\n$/s,
  );
});
