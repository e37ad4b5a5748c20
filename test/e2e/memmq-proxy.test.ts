/** Proxies before brokers, and before proxies. */
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Log, SILENT } from "../../src/main/log.js";
import type { ClientOptions, MemmqClient, Subscription } from "../../src/memmq-client/index.js";
import { testBroker } from "./brokers.js";

// What runs is the build: the pool of a proxy loads files of it, and its client is of the same build.
const { MemmqProxy } = (await import(
  "../../dist/proxy/proxy.js" as string
)) as typeof import("../../src/proxy/proxy.js");
const { createClient } = (await import(
  "../../dist/memmq-client/index.js" as string
)) as typeof import("../../src/memmq-client/index.js");

const LOCAL = { host: "127.0.0.1", port: 0 };
const MEMORY = { durability: "memory", tcp: "off", grpc: LOCAL } as const;

const testClient = (options: ClientOptions): MemmqClient => {
  const client = createClient(options);
  onTestFinished(() => client.close());
  return client;
};

/** Its URL is one that clients take. */
const testProxy = async (options: ClientOptions, transport: "http" | "grpc" = "http", log: Log = SILENT) => {
  const proxy = await MemmqProxy.start({
    address: LOCAL,
    transport,
    tls: undefined,
    httpEngine: "auto",
    client: createClient(options),
    maxMessageBytes: 1 << 20,
    log,
  });
  onTestFinished(() => proxy.close());
  return { proxy, url: `http://127.0.0.1:${proxy.address.port}` };
};

const urlOf = ({ http }: { readonly http: number }): string => `http://127.0.0.1:${http}`;

const take = async (subscription: Subscription, count: number): Promise<string[]> => {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const { value } = await subscription.next();
    if (value !== undefined) texts.push(new TextDecoder().decode(value.payload));
  }
  return texts;
};

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

describe.each(["http", "grpc"] as const)("a proxy over %s", (transport) => {
  it("carries messages in order through a chain of two, to each subscriber, over one subscription", async () => {
    const broker = await testBroker(MEMORY);
    const { proxy: inner, url } = await testProxy({ servers: [urlOf(broker)] }, transport);
    const { proxy: outer, url: front } = await testProxy({ servers: [url], transport }, transport);
    const client = testClient({ servers: [front], transport });
    const subscriptions = [client.subscribe("t"), client.subscribe("t"), client.subscribe("t")];
    await Promise.all(subscriptions.map(({ ready }) => ready));
    const sent = numbers(100).map((text) => client.publish("t", text, { key: "k" }));
    for (const subscription of subscriptions) expect(await take(subscription, 100)).toEqual(numbers(100));
    await Promise.all(sent);
    expect([inner.subscriptions, outer.subscriptions]).toEqual([1, 1]);
    await expect(
      testClient({ servers: [front], transport })
        .subscribe("x", { overflow: "block" })
        .next(),
    ).rejects.toMatchObject({
      code: "NOT_ALLOWED",
    });
  });
});

it("shards topics over three servers, and refuses what none of them takes", async () => {
  const brokers = await Promise.all([1, 2, 3].map(() => testBroker(MEMORY)));
  const servers = brokers.map(urlOf);
  const { url } = await testProxy({ servers, selector: "shard", retries: 0 });
  const behind = testClient({ servers, selector: "shard" });
  const topics = numbers(9).map((number) => `topic-${number}`);
  const subscriptions = topics.map((topic) => behind.subscribe(topic));
  await Promise.all(subscriptions.map(({ ready }) => ready));
  const client = testClient({ servers: [url], retries: 0 });
  await Promise.all(topics.map((topic) => client.publish(topic, topic)));
  for (const [i, subscription] of subscriptions.entries()) expect(await take(subscription, 1)).toEqual([topics[i]]);

  const dead = topics.find((topic) => behind.serversOf(topic)[0] === servers[1]) ?? "";
  await brokers[1]?.broker.close();
  const answer = await fetch(`${url}/pub?topic=${dead}`, { method: "POST", body: "x" });
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: 503, error: "BUSY" });
  expect((await fetch(`${url}/pub`, { method: "POST", body: "x" })).status).toBe(400);
  expect((await fetch(`${url}/push`, { method: "POST" })).status).toBe(404);
});

it("with all, takes what one server at least takes, and streams to programs without WebSocket", async () => {
  const [one, two] = await Promise.all([testBroker(MEMORY), testBroker(MEMORY)]);
  const { url } = await testProxy({ servers: [urlOf(one), urlOf(two)], retries: 0 });
  const stream = await fetch(`${url}/sub?topic=t`);
  const reader = stream.body?.getReader();
  await one.broker.close();
  const answer = await fetch(`${url}/pub?topic=t`, { method: "POST", body: "hello" });
  expect(answer.status).toBe(200);
  const first = await reader?.read();
  expect(new TextDecoder().decode(first?.value)).toBe("hello");
  await reader?.cancel();
  const past = await fetch(`${url}/sub?topic=t&position=3`);
  expect(past.status).toBe(403);
});

/** A port that nobody has now. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, LOCAL.host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return address !== null && typeof address === "object" ? address.port : 0;
};

it.each(["http", "grpc"] as const)(
  "refuses what comes back to it over %s, through itself or through another",
  async (transport) => {
    const broker = await testBroker(MEMORY);
    const { grpc } = broker.broker.addresses;
    const own = `http://127.0.0.1:${transport === "http" ? broker.http : grpc?.port}`;
    const address = { host: LOCAL.host, port: await freePort() };
    const loop = `http://127.0.0.1:${address.port}`;
    const lines: string[] = [];
    const log = { ...SILENT, error: (_fields: object, text: string) => lines.push(text) };
    const { url: through } = await testProxy({ servers: [loop], retries: 0, transport }, transport);
    // Itself, another one that leads to it, and a broker.
    const client = createClient({ servers: [loop, through, own], retries: 0, transport });
    const options = { address, transport, tls: undefined, httpEngine: "auto", maxMessageBytes: 1 << 20 } as const;
    const proxy = await MemmqProxy.start({ ...options, client, log });
    onTestFinished(() => proxy.close());
    const behind = testClient({ servers: [own], transport }).subscribe("t");
    const before = testClient({ servers: [loop], transport }).subscribe("t");
    await Promise.all([behind.ready, before.ready]);
    const publisher = testClient({ servers: [loop], transport, answerTimeout: 5_000 });
    await publisher.publish("t", "once");
    await publisher.publish("t", "last");
    expect(await take(behind, 2)).toEqual(["once", "last"]);
    expect(await take(before, 2)).toEqual(["once", "last"]);
    expect(lines).toContainEqual(expect.stringContaining("this proxy is among the servers behind it"));
    // The other one stands in the circle too.
    await expect(testClient({ servers: [through], transport, retries: 0 }).publish("t", "2")).rejects.toMatchObject({
      failures: [{ error: { message: expect.stringContaining("this proxy is among the servers behind it") } }],
    });
  },
);

it("what a slow subscriber over gRPC has lost it is told, and the log", async () => {
  const broker = await testBroker({ durability: "memory", tcp: "off" });
  const logged: object[] = [];
  const log: Log = { ...SILENT, warn: (fields: object) => void logged.push(fields) };
  const { proxy, url } = await testProxy({ servers: [urlOf(broker)] }, "grpc", log);
  const slow = await testClient({ servers: [url], transport: "grpc" }).subscribe("t");
  const publisher = testClient({ servers: [urlOf(broker)] });
  const body = new Uint8Array(512 * 1024);
  for (let i = 0; i < 64; i++) await publisher.publish("t", body);
  let lost = 0;
  while (lost === 0) lost = (await slow.next()).value?.lost ?? -1;
  await proxy.close();
  expect(lost).toBeGreaterThan(0);
  expect(logged).toContainEqual(expect.objectContaining({ channel: "t", lost: expect.any(Number) }));
});
