/** memmq's gRPC on a real broker, plain and over TLS, with a real client; health and reflection. */
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { type ChannelCredentials, credentials, makeGenericClientConstructor, status } from "@grpc/grpc-js";
import { service as HEALTH } from "grpc-health-check";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { RunningBroker } from "../../src/main/broker.js";
import type { BrokerOptions } from "../../src/main/options.js";
import { Authority, writeAuthority, writeCertificate } from "../certificates.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { WIRES } from "../tls.js";
import { GrpcClient, type Sub } from "./memmq-grpc-client.js";
import { reflect } from "./reflection-client.js";

const { startBroker } = (await import(
  "../../dist/main/broker.js" as string
)) as typeof import("../../src/main/broker.js");

const LOCAL = { host: "127.0.0.1", port: 0 };
const POLL = { timeout: 10_000 };
const MAX_MESSAGE_BYTES = 1024 * 1024;

const start = (options: Partial<BrokerOptions>): Promise<RunningBroker> =>
  startBroker({
    tcp: "off",
    http: "off",
    grpc: LOCAL,
    shards: 1,
    memory: 1 << 27,
    durability: "memory",
    maxMessageBytes: MAX_MESSAGE_BYTES,
    ...options,
  });

const portOf = ({ addresses }: RunningBroker): number => addresses.grpc?.port ?? 0;

let topics = 0;
const newTopic = (): string => `topic-${topics++}`;

const clientOf = (broker: RunningBroker, secured?: ChannelCredentials): GrpcClient => {
  const client = new GrpcClient(portOf(broker), secured);
  onTestFinished(() => client.close());
  return client;
};

/** Nothing of calls is left but the connection that publishes. */
const isQuiet = ({ usage }: RunningBroker): boolean => usage.connections <= 1 && usage.unsentBytes === 0;

const healthOf = (port: number, secured: ChannelCredentials) => {
  const Client = makeGenericClientConstructor(HEALTH, "Health");
  const client = new Client(`localhost:${port}`, secured);
  onTestFinished(() => client.close());
  return client;
};

describe.each(WIRES)("over $name", (wire) => {
  let broker: RunningBroker;
  let secured: ChannelCredentials;
  let client: GrpcClient;

  beforeAll(async () => {
    broker = await start(wire.broker.tcpTls === undefined ? {} : { grpcTls: wire.broker.tcpTls });
    const ca = wire.client.tls?.ca;
    secured = ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(String(ca)));
    client = new GrpcClient(portOf(broker), secured);
  });

  afterAll(async () => {
    client.close();
    await broker.close();
  });

  test("what is published comes to every subscriber of the topic, as it is", async () => {
    const topic = newTopic();
    const subs = await Promise.all([client.subscribed(topic), client.subscribed(topic)]);
    const other = await client.subscribed(newTopic());
    const bytes = Buffer.from([0, 255, 10, 13, 0, 128]);
    await client.pub(topic, bytes);
    await client.pub(topic, "");
    for (const sub of subs) {
      const messages = await sub.until(2);
      expect(messages.map(({ payload }) => Buffer.from(payload))).toEqual([bytes, Buffer.alloc(0)]);
      expect(messages.map(({ lost }) => lost)).toEqual([0, 0]);
      sub.stream.cancel();
    }
    expect(other.messages).toEqual([]);
    other.stream.cancel();
    expect((await other.ended).code).toBe(status.CANCELLED);
    await expect.poll(() => isQuiet(broker), POLL).toBe(true);
  });

  test("500 numbered messages of one client come whole and in order", async () => {
    const topic = newTopic();
    const sub = await client.subscribed(topic);
    const numbers = Array.from({ length: 500 }, (_, i) => String(i));
    for (let i = 0; i < numbers.length; i += 100) {
      await Promise.all(numbers.slice(i, i + 100).map((number) => client.pub(topic, number)));
    }
    await sub.until(numbers.length);
    expect(sub.texts).toEqual(numbers);
    sub.stream.cancel();
  });

  test("a payload has any size up to the broker's limit", async () => {
    const topic = newTopic();
    const sub = await client.subscribed(topic);
    const large = Buffer.alloc(MAX_MESSAGE_BYTES, "x");
    await client.pub(topic, large);
    expect(Buffer.from((await sub.until(1))[0]?.payload ?? []).equals(large)).toBe(true);
    await expect(client.pub(topic, Buffer.alloc(MAX_MESSAGE_BYTES + 1))).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining("MESSAGE_TOO_LARGE: "),
    });
    await expect(client.pub(topic, Buffer.alloc(8 * MAX_MESSAGE_BYTES))).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
    await client.pub(topic, "and on");
    expect((await sub.until(2)).length).toBe(2);
    sub.stream.cancel();
  });

  test("health is SERVING, of the server and of the service", async () => {
    const health = healthOf(portOf(broker), secured);
    for (const service of ["", "mq.MQ"]) {
      const answer = await new Promise((resolve, reject) =>
        health["check"]?.({ service }, (error: Error | null, value: unknown) =>
          error ? reject(error) : resolve(value),
        ),
      );
      expect(answer).toEqual({ status: "SERVING" });
    }
  });

  test.each(["v1", "v1alpha"] as const)("reflection %s tells the services and their file", async (version) => {
    const target = { port: portOf(broker), secured };
    const { services, symbols } = await reflect(version, target, "mq.MQ");
    expect(services).toEqual(expect.arrayContaining(["mq.MQ", "grpc.health.v1.Health"]));
    expect(symbols).toEqual(
      expect.arrayContaining(["mq.PubRequest", "mq.PubResponse", "mq.SubRequest", "mq.SubResponse", "mq.MQ"]),
    );
  });
});

describe("a request that cannot be carried out", () => {
  let broker: RunningBroker;
  let client: GrpcClient;

  beforeAll(async () => {
    broker = await start({});
    client = new GrpcClient(portOf(broker));
  });

  afterAll(async () => {
    client.close();
    await broker.close();
  });

  const statusOf = async (sub: Sub) => {
    const { code, details, metadata } = await sub.ended;
    return { code, details, error: metadata.get("ringmq-error") };
  };

  test("is refused when it names no topic, or one that is none", async () => {
    const refusal = { code: status.INVALID_ARGUMENT, details: "BAD_NAME: the request has no topic: give it one" };
    await expect(client.pub("", "x")).rejects.toMatchObject(refusal);
    expect(await statusOf(client.sub("").read())).toEqual({ ...refusal, error: ["BAD_NAME"] });
    await expect(client.pub("a\nb", "x")).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await statusOf(client.sub("a".repeat(256)).read())).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test.each([
    ["from", "yesterday", "start, now, or milliseconds since 1970"],
    ["position", "-1", "the number of a message, from 0"],
    ["epoch", "x", "that of ringmq-epoch"],
    ["recover", "perhaps", "true or false"],
    ["overflow", "explode", "drop-oldest, drop-newest, conflate, disconnect, block"],
  ])("is refused when its metadata %s is %s", async (key, value, wanted) => {
    expect(await statusOf(client.sub("topic", { [key]: value }).read())).toEqual({
      code: status.INVALID_ARGUMENT,
      details: `BAD_ARGUMENT: the metadata ${key} must be ${wanted}; it is "${value}"`,
      error: ["BAD_ARGUMENT"],
    });
  });

  test("is refused when it is no protobuf, and the connection goes on", async () => {
    for (const bytes of [Buffer.from([0x0a, 0xff]), Buffer.from([0xff, 0xff, 0xff]), Buffer.alloc(99, 0x12)]) {
      await expect(client.raw(bytes)).rejects.toMatchObject({ code: status.INTERNAL });
    }
    await client.pub("topic", "x");
  });

  test("costs only its connection when it is not even HTTP/2", async () => {
    const socket = connect(portOf(broker), "127.0.0.1");
    await once(socket, "connect");
    socket.write("GET / HTTP/1.1\r\n\r\n");
    socket.resume();
    await once(socket, "close");
    await client.pub("topic", "x");
  });

  test("ends with its deadline, and leaves nothing", async () => {
    const sub = client.sub("topic", {}, { deadline: Date.now() + 50 }).read();
    expect((await sub.ended).code).toBe(status.DEADLINE_EXCEEDED);
    await expect.poll(() => isQuiet(broker), POLL).toBe(true);
  });

  test("500 streams each get each message, and leave nothing when they are cancelled", async () => {
    const subs = await Promise.all(Array.from({ length: 500 }, () => client.subscribed("many")));
    for (let i = 0; i < 4; i++) await client.pub("many", String(i));
    for (const sub of subs) {
      await sub.until(4);
      expect(sub.texts).toEqual(["0", "1", "2", "3"]);
    }
    expect(broker.usage).toMatchObject({ connections: 501, sockets: 1, addresses: 1 });
    for (const { stream } of subs) stream.cancel();
    await expect.poll(() => isQuiet(broker), POLL).toBe(true);
    // Those that are cancelled while they begin, too.
    const begun = Array.from({ length: 100 }, () => client.sub("many").read());
    await client.pub("many", "");
    for (const { stream } of begun) stream.cancel();
    await expect.poll(() => isQuiet(broker), POLL).toBe(true);
    client.close();
    await expect.poll(() => broker.usage, POLL).toMatchObject({ sockets: 0, addresses: 0 });
    client = new GrpcClient(portOf(broker));
  });
});

test("a stream that is not read holds up no other, and is told what it has lost", async () => {
  const lines: object[] = [];
  const quiet = { debug: () => {}, info: () => {}, error: () => {} };
  const warn = (fields: object): void => void lines.push(fields);
  const broker = await start({ maxOutgoingBytes: 64 * 1024, log: { ...quiet, warn } });
  onTestFinished(() => broker.close());
  // Each with a connection of its own: HTTP/2 has a window for all streams of one.
  const slow = await clientOf(broker).subscribed("flood");
  slow.stream.pause();
  const sentAway = await clientOf(broker).subscribed("flood", { overflow: "disconnect" });
  sentAway.stream.pause();
  const reader = await clientOf(broker).subscribed("flood");
  const publisher = clientOf(broker);
  const body = "x".repeat(60_000);
  const count = 200;
  for (let i = 0; i < count; i++) {
    await publisher.pub("flood", `${i} ${body}`);
    // Nothing of it is in the way of who reads.
    if (i % 10 === 9) await reader.until(i + 1);
  }
  expect(broker.usage.unsentBytes).toBeLessThan(8 * 1024 * 1024);
  const numbers = (sub: Sub) => sub.texts.map((text) => Number.parseInt(text, 10));
  expect(numbers(reader)).toEqual(Array.from({ length: count }, (_, i) => i));
  sentAway.stream.resume();
  expect(await sentAway.ended).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: expect.stringMatching(/^SLOW_SUB/),
  });
  slow.stream.resume();
  let next = 0;
  while (next < count) {
    const [message] = (await slow.until(1)).slice(0, 1);
    slow.messages.shift();
    if (message === undefined) break;
    next += message.lost;
    expect(Number.parseInt(Buffer.from(message.payload.subarray(0, 10)).toString(), 10)).toBe(next);
    next++;
  }
  expect(next).toBe(count);
  await expect
    .poll(() => lines, POLL)
    .toContainEqual({ channel: "flood", client: "127.0.0.1", lost: expect.any(Number) });
});

test("connections and streams count among those of the broker and of their address", async () => {
  const broker = await start({ maxConnections: 5 });
  onTestFinished(() => broker.close());
  const client = clientOf(broker);
  // The connection, the one that publishes, three streams.
  await client.pub("t", "x");
  const subs = await Promise.all([1, 2, 3].map(() => client.subscribed("t")));
  const refused = await client.sub("t").read().ended;
  expect(refused).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: expect.stringMatching(/^TOO_MANY_CONN/) });
  await expect(clientOf(broker).pub("t", "x")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  for (const { stream } of subs) stream.cancel();
  await expect.poll(() => isQuiet(broker), POLL).toBe(true);
  await clientOf(broker).subscribed("t");
});

test("a broker that stops says so to its health, ends its streams, and takes no longer than it may", async () => {
  const broker = await start({});
  const client = clientOf(broker);
  const sub = await client.subscribed("t");
  const watch = healthOf(portOf(broker), credentials.createInsecure())["watch"]?.({ service: "mq.MQ" });
  watch.on("error", () => {});
  const [first] = await once(watch, "data");
  expect(first).toEqual({ status: "SERVING" });
  const closing = broker.close();
  const [second] = await once(watch, "data");
  expect(second).toEqual({ status: "NOT_SERVING" });
  expect(await sub.ended).toMatchObject({
    code: status.UNAVAILABLE,
    details: expect.stringMatching(/^SHUTTING_DOWN: /),
  });
  await closing;
  await expect(client.pub("t", "x")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  expect(broker.usage).toMatchObject({ connections: 0, sockets: 0, addresses: 0, unsentBytes: 0 });
});

test("a gRPC thread that dies is started again at its address; the broker goes on", async () => {
  const grpcThread = new URL("../main/fixtures/dying-grpc-thread.mjs", import.meta.url);
  const faults: string[] = [];
  const quiet = { debug: () => {}, info: () => {}, warn: () => {} };
  const error = (_fields: object, text: string): void => void faults.push(text);
  const options = { tcp: "off", http: "off", grpc: LOCAL, shards: 1, memory: 1 << 27, durability: "memory" } as const;
  const broker = await startBroker({ ...options, log: { ...quiet, error } }, { grpcThread });
  onTestFinished(() => broker.close());
  const client = clientOf(broker);
  const sub = await client.subscribed("t");
  await expect(client.pub("t", "die, thread")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  expect((await sub.ended).code).toBe(status.UNAVAILABLE);
  await expect.poll(() => faults, POLL).toEqual(["the gRPC thread has ended and is started again"]);
  expect(broker.usage).toMatchObject({ sessions: 0, sockets: 0, addresses: 0, unsentBytes: 0 });
  const again = clientOf(broker);
  await expect.poll(() => again.pub("t", "alive").then(() => "taken", String), POLL).toBe("taken");
});

test("certificates are renewed for new connections, and clients that need one are let in with it alone", async () => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  const authority = await Authority.create();
  const own = async (commonName: string) => authority.issue({ commonName });
  const clientCaFile = writeAuthority(directory, authority);
  const files = { ...writeCertificate(directory, await own("first")), clientCaFile };
  const broker = await start({ grpcTls: files });
  onTestFinished(() => broker.close());
  const ca = Buffer.from(authority.cert);
  const { cert, key } = await own("a client");
  const secured = credentials.createSsl(ca, Buffer.from(key), Buffer.from(cert));
  await expect(clientOf(broker, credentials.createSsl(ca)).pub("t", "x")).rejects.toMatchObject({
    code: status.UNAVAILABLE,
  });
  await expect(clientOf(broker).pub("t", "x")).rejects.toMatchObject({ code: status.UNAVAILABLE });
  const before = clientOf(broker, secured);
  const sub = await before.subscribed("t");
  const shown = async (): Promise<string> => {
    const socket = connectTls({ host: "127.0.0.1", port: portOf(broker), ca, cert, key, ALPNProtocols: ["h2"] });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  };
  expect(await shown()).toBe("first");
  writeCertificate(directory, await own("second"));
  broker.reload();
  await expect.poll(shown, POLL).toBe("second");
  await clientOf(broker, secured).pub("t", "to those who were there before");
  await sub.until(1);
});

test("an address that is in use keeps the broker from starting, and the error tells why", async () => {
  const broker = await start({});
  onTestFinished(() => broker.close());
  const port = portOf(broker);
  await expect(start({ grpc: { host: "127.0.0.1", port } })).rejects.toThrow(
    `cannot listen for gRPC on 127.0.0.1:${port}: the port is in use`,
  );
});

describe("a topic that is kept", () => {
  let broker: RunningBroker;
  let client: GrpcClient;
  const directory = makeDirectory();

  beforeAll(async () => {
    broker = await start({ persist: true, durability: "write", data: join(directory, "data") });
    client = new GrpcClient(portOf(broker));
    for (let i = 0; i < 5; i++) await client.pub("kept", String(i));
  });

  afterAll(async () => {
    client.close();
    await broker.close();
    removeDirectory(directory);
  });

  const told = async (sub: Sub) =>
    Object.fromEntries(Object.entries((await sub.begun).getMap()).filter(([key]) => key.startsWith("ringmq-")));

  test("is replayed from the start, with positions and ids, then followed", async () => {
    const sub = client.sub("kept", { from: "start" }).read();
    expect(await told(sub)).toEqual({
      "ringmq-epoch": expect.stringMatching(/^\d+$/),
      "ringmq-kept": "true",
      "ringmq-position": "0",
    });
    await sub.until(5);
    await client.pub("kept", "5");
    const messages = await sub.until(6);
    expect(sub.texts).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(messages.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5]);
    const ids = messages.map(({ id }) => BigInt(id));
    expect(ids.every((id, i) => i === 0 || id > (ids[i - 1] ?? id))).toBe(true);
    sub.stream.cancel();
  });

  test("goes on where a stream has ended, and says whether all is there", async () => {
    const first = client.sub("kept", { from: "start" }).read();
    const { "ringmq-epoch": epoch = "" } = await told(first);
    await first.until(5);
    first.stream.cancel();
    const second = client.sub("kept", { position: "3", epoch: String(epoch) }).read();
    expect(await told(second)).toMatchObject({
      "ringmq-recovered": "true",
      "ringmq-lost": "0",
      "ringmq-position": "3",
    });
    expect((await second.until(2))[0]).toMatchObject({ position: 3 });
    expect(second.texts.slice(0, 2)).toEqual(["3", "4"]);
    second.stream.cancel();
    const elsewhere = client.sub("kept", { position: "3", epoch: "12345" }).read();
    expect(await told(elsewhere)).toMatchObject({ "ringmq-recovered": "false" });
    elsewhere.stream.cancel();
  });

  test("gives a stream that is behind the last message of each key alone", async () => {
    const sub = client.sub("prices", { overflow: "conflate" });
    await sub.begun;
    for (let i = 0; i < 3; i++) await client.pub("prices", String(i), { key: "a" });
    await client.pub("prices", "z", { key: "b" });
    await sub.read().until(1);
    await expect.poll(() => sub.texts.at(-1), POLL).toBe("z");
    expect(sub.texts).toContain("2");
    sub.stream.cancel();
  });
});
