/** Proxies before brokers, and before proxies. */
import { describe, expect, it, onTestFinished } from "vitest";
import { SILENT } from "../../src/main/log.js";
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
const testProxy = async (options: ClientOptions, transport: "http" | "grpc" = "http") => {
  const proxy = await MemmqProxy.start({
    address: LOCAL,
    transport,
    tls: undefined,
    httpEngine: "auto",
    client: createClient(options),
    maxMessageBytes: 1 << 20,
    log: SILENT,
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
