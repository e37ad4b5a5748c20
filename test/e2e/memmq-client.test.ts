/** The client of `ringmq/memmq` with brokers, over each transport. */
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type ClientOptions,
  createClient,
  type MemmqClient,
  type PublishError,
  type Subscription,
} from "../../src/memmq-client/index.js";
import type { ServerStatus } from "../../src/memmq-client/options.js";
import { Authority, writeCertificate } from "../certificates.js";
import { type TestBroker, testBroker, testDirectory } from "./brokers.js";

const TRANSPORTS = ["http", "grpc"] as const;
type Transport = (typeof TRANSPORTS)[number];

const LOCAL = { host: "127.0.0.1", port: 0 };
const MEMORY = { durability: "memory", tcp: "off", grpc: LOCAL } as const;

const portOf = ({ broker }: TestBroker, transport: Transport): number => broker.addresses[transport]?.port ?? 0;

const testClient = (options: ClientOptions): MemmqClient => {
  const client = createClient(options);
  onTestFinished(() => client.close());
  return client;
};

const textOf = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** The next `count` payloads, as text. */
const take = async (subscription: Subscription, count: number): Promise<string[]> => {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const { value } = await subscription.next();
    if (value === undefined) break;
    texts.push(textOf(value.payload));
  }
  return texts;
};

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));

describe.each(TRANSPORTS)("over %s", (transport) => {
  it("carries messages in order, whatever is in them, and frees what is unsubscribed", async () => {
    const server = await testBroker(MEMORY);
    const { broker } = server;
    const client = testClient({ servers: [`http://127.0.0.1:${portOf(server, transport)}`], transport });
    const subscription = client.subscribe("a topic / 消息");
    await subscription.ready;
    // Nobody awaits one before the next.
    const sent = numbers(0, 300).map((text) => client.publish("a topic / 消息", text));
    expect(await take(subscription, 300)).toEqual(numbers(0, 300));
    await Promise.all(sent);

    const odd = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(1 << 20).fill(7)];
    for (const payload of odd) await client.publish("a topic / 消息", payload);
    for (const payload of odd) {
      const { value } = await subscription.next();
      expect(Buffer.compare(value?.payload ?? Buffer.from("none"), payload)).toBe(0);
    }
    const before = broker.usage.connections;
    await subscription.return();
    client.unsubscribe("a topic / 消息");
    await expect.poll(() => broker.usage.connections).toBeLessThan(before);
    await expect(client.publish("", "x")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });

  it("goes on where it was when a server that keeps messages comes back, without a gap and without a double", async () => {
    const data = join(testDirectory(), "data");
    const first = await testBroker({ data, persist: true, tcp: "off", grpc: LOCAL });
    const port = portOf(first, transport);
    const statuses: ServerStatus[] = [];
    const client = testClient({
      servers: [`http://127.0.0.1:${port}`],
      transport,
      retries: 50,
      onStatus: (status) => statuses.push(status),
    });
    const subscription = client.subscribe("t");
    await subscription.ready;
    const sent = numbers(0, 200).map((text) => client.publish("t", text));
    const begin = await take(subscription, 50);
    await first.broker.close();
    const place = { host: "127.0.0.1", port };
    await testBroker({
      data,
      persist: true,
      tcp: "off",
      ...(transport === "http" ? { http: place, grpc: LOCAL } : { grpc: place }),
    });
    await Promise.all(sent);
    await client.publish("t", "end");
    const rest: string[] = [];
    for await (const { payload, lost, mayHaveLost } of subscription) {
      expect({ lost, mayHaveLost }).toEqual({ lost: 0, mayHaveLost: false });
      rest.push(textOf(payload));
      if (rest.at(-1) === "end") break;
    }
    const all = [...begin, ...rest];
    // What was sent and not answered is sent again, and may be there twice.
    expect([...new Set(all)]).toEqual([...numbers(0, 200), "end"]);
    expect(statuses.map(({ type }) => type)).toContain("lost");

    const again = client.subscribe("t", { from: "start" });
    expect(await take(again, all.length)).toEqual(all);
  });

  it("slows a server down when nobody reads, and tells what that has lost", async () => {
    const server = await testBroker({ ...MEMORY, maxOutgoingBytes: 65_536 });
    const options = { servers: [`http://127.0.0.1:${portOf(server, transport)}`], transport };
    const client = testClient(options);
    const subscription = client.subscribe("t");
    await subscription.ready;
    const payload = new Uint8Array(256 * 1024);
    const sent = 120;
    for (let i = 0; i < sent; i++) await client.publish("t", payload);
    await client.publish("t", "end");
    // 30 MB were published: 4 MiB may wait here, and some in chunks that were read already.
    expect(subscription.buffered * payload.length).toBeLessThan(8 * 1024 * 1024);
    let received = 0;
    let lost = 0;
    for await (const message of subscription) {
      lost += message.lost;
      if (textOf(message.payload.subarray(0, 3)) === "end") break;
      received++;
    }
    expect(received + lost).toBe(sent);
    expect(lost).toBe(subscription.lost);
  });
});

it("checks certificates unless it is told not to, and goes by the name that the program has given", async () => {
  const authority = await Authority.create();
  const directory = testDirectory();
  const httpTls = writeCertificate(directory, await authority.issue({ names: ["localhost"] }));
  const { http } = await testBroker({ ...MEMORY, httpTls });
  const servers = [`localhost:${http}`];
  await expect(testClient({ servers, retries: 0 }).publish("t", "x")).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  await testClient({ servers, ca: authority.cert }).publish("t", "x");
  await testClient({ servers: [`127.0.0.1:${http}`], insecure: true }).publish("t", "x");
  const byAddress = testClient({ servers: [`127.0.0.1:${http}`], ca: authority.cert, retries: 0 });
  await expect(byAddress.publish("t", "x")).rejects.toThrow("its certificate is for other names");
  const insecure = testClient({ servers, insecure: true }).subscribe("t");
  await insecure.ready;
});

it("shards topics as memmq does, and loses nothing of the servers that live when one dies", async () => {
  const servers = await Promise.all([1, 2, 3].map(() => testBroker(MEMORY)));
  const urls = servers.map(({ http }) => `http://127.0.0.1:${http}`);
  const client = testClient({ servers: urls, selector: "shard", retries: 0 });
  const topics = Array.from({ length: 12 }, (_, i) => `topic-${i}`);
  const subscriptions = topics.map((topic) => client.subscribe(topic));
  await Promise.all(subscriptions.map(({ ready }) => ready));
  const [dead = ""] = urls;
  const living = topics.filter((topic) => client.serversOf(topic)[0] !== dead);
  expect(living.length).toBeGreaterThan(0);
  expect(living.length).toBeLessThan(topics.length);
  const sent = topics.flatMap((topic) => numbers(0, 50).map((text) => ({ topic, fate: client.publish(topic, text) })));
  const fates = Promise.allSettled(sent.map(({ fate }) => fate));
  await servers[0]?.broker.close();
  const outcomes = await fates;
  for (const [i, { status }] of outcomes.entries()) {
    if (living.includes(sent[i]?.topic ?? "")) expect(status).toBe("fulfilled");
  }
  for (const [i, topic] of topics.entries()) {
    const subscription = subscriptions[i];
    if (subscription !== undefined && living.includes(topic))
      expect(await take(subscription, 50)).toEqual(numbers(0, 50));
  }
  await expect(client.publish(topics.find((topic) => !living.includes(topic)) ?? "", "x")).rejects.toMatchObject({
    taken: [],
    failures: [{ server: dead }],
  });
});

it("with all, each message comes from each server, and a publish tells which servers have not taken it", async () => {
  const [one, two] = await Promise.all([testBroker(MEMORY), testBroker(MEMORY)]);
  const urls = [one.http, two.http].map((port) => `http://127.0.0.1:${port}`);
  const client = testClient({ servers: urls, retries: 0 });
  const subscription = client.subscribe("t");
  await subscription.ready;
  await client.publish("t", "a");
  expect(await take(subscription, 2)).toEqual(["a", "a"]);
  await one.broker.close();
  await expect(client.publish("t", "b")).rejects.toMatchObject({
    taken: [urls[1]],
    failures: [{ server: urls[0] }],
  });
  expect(await take(subscription, 1)).toEqual(["b"]);
});

it("with all, a subscriber gets each message at least once while servers die one after another", async () => {
  const [one, two] = await Promise.all([testBroker(MEMORY), testBroker(MEMORY)]);
  const client = testClient({ servers: [one.http, two.http].map((port) => `http://127.0.0.1:${port}`), retries: 0 });
  const subscription = client.subscribe("t");
  await subscription.ready;
  const fates = numbers(0, 200).map((text) => client.publish("t", text).catch((error: PublishError) => error));
  await one.broker.close();
  for (const fate of await Promise.all(fates)) if (fate !== undefined) expect(fate.taken).toHaveLength(1);
  // Back on its port, it is subscribed on again before the other one dies.
  const again = await testBroker({ ...MEMORY, http: { host: "127.0.0.1", port: one.http } });
  await expect.poll(() => again.broker.usage.sessions, { timeout: 10_000 }).toBe(1);
  await two.broker.close();
  for (const text of numbers(200, 220)) await client.publish("t", text).catch(() => {});
  const heard = new Set<string>();
  for await (const { payload } of subscription) if (heard.add(textOf(payload)).size === 220) break;
});
