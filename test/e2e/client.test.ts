/**
 * The client against a broker: every method, over both transports; and against the test broker, which is none of them but
 * the same.
 */
import { describe, expect, it, onTestFinished } from "vitest";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import type { BrokerOptions } from "../../src/main/options.js";
import { sharedBroker, type TestBroker, testBroker } from "./brokers.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string, options?: ConnectOptions) => Promise<Client>;
};

const { createTestBroker } = (await import(
  "../../dist/testing/index.js" as string
)) as typeof import("../../src/testing/index.js");

const TRANSPORTS = ["tcp", "ws", "test broker"] as const;

describe.each(TRANSPORTS)("over %s", (transport) => {
  const isReal = transport !== "test broker";
  const shared = isReal ? sharedBroker() : undefined;

  /** With options, a broker of the test's own; without, the one of all tests, which has no topic. */
  const start = async (options?: Partial<BrokerOptions>) => {
    const { broker, dial, pass } = shared === undefined ? virtual(options) : await real(shared, options);
    const open = async (to: ConnectOptions = {}): Promise<Client> => {
      const client = await dial({ name: "e2e", ...to });
      onTestFinished(() => client.close());
      return client;
    };
    const client = await open();
    for await (const { name } of client.topics()) await client.deleteTopic(name);
    return { broker, open, client, pass };
  };

  const real = async (all: () => TestBroker, options: Partial<BrokerOptions> | undefined) => {
    const { broker, tcp, http } = options === undefined ? all() : await testBroker(options);
    const url = transport === "tcp" ? `tcp://127.0.0.1:${tcp}` : `ws://127.0.0.1:${http}`;
    return { broker, dial: (to: ConnectOptions) => connect(url, to), pass: async () => {} };
  };

  const virtual = (options: Partial<BrokerOptions> | undefined) => {
    // It is one shard.
    const { shards: _, ...rest } = options ?? {};
    const broker = createTestBroker(rest);
    onTestFinished(() => broker.close());
    return {
      broker,
      dial: (to: ConnectOptions) => broker.connect(to),
      pass: (ms: number) => broker.clock.advance(ms),
    };
  };

  it("connects, learns about the broker, and pings", async () => {
    const { client } = await start({ shards: 2, node: 5, maxMessageBytes: 5000 });
    await client.ping();
    expect(client.info).toMatchObject({ nodeId: 5, shards: isReal ? 2 : 1, limits: { maxMessageBytes: 5000 } });
    expect(client.info.server).toMatch(/^ringmq\//);
  });

  it("settles more messages at once than one request may select", async () => {
    const { client } = await start();
    const total = 70_000;
    await Promise.all(Array.from({ length: total }, () => client.publish("many", "")));
    const consumer = await client.consume("many", { prefetch: total });
    const messages = [];
    for await (const message of consumer) if (messages.push(message) === total) break;
    // All in one turn: more than the 65,536 of one ACK.
    await Promise.all(messages.map((message) => message.ack()));
    expect((await client.stats("many")).acked).toBe(total);
  });

  it("publishes and pops, with headers, text and bytes", async () => {
    const { client } = await start();
    const [first, second] = await Promise.all([
      client.publish("orders", "größer", { headers: { kind: "text", n: 5 } }),
      client.publish("orders", Uint8Array.of(0, 1, 255)),
    ]);
    expect(first.durability).toBe("fsync");
    expect(BigInt(second.id) > BigInt(first.id)).toBe(true);
    const messages = await client.pop("orders", { max: 5 });
    expect(messages.map(({ id, retry, routeKey }) => [id, retry, routeKey])).toEqual([
      [first.id, 0, ""],
      [second.id, 0, ""],
    ]);
    expect([messages[0]?.text(), messages[0]?.headers]).toEqual(["größer", { kind: "text", n: 5 }]);
    expect([[...(messages[1]?.body ?? [])], messages[1]?.headers]).toEqual([[0, 1, 255], {}]);
    expect(messages[0]?.deadline).toBeGreaterThan(Date.now() + 50_000);
    await Promise.all(messages.map((message) => message.ack()));
    expect(await client.stats("orders")).toMatchObject({ name: "orders", published: 2, delivered: 2, acked: 2 });
    expect(await client.pop("orders")).toEqual([]);
  });

  it("publishes one by one as many messages as a queue has room for", async () => {
    const { client } = await start();
    await client.configure("full", { maxLength: 10 });
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => client.publish("full", `${i}`)));
    expect(outcomes.slice(10)).toEqual(
      Array(90).fill({ status: "rejected", reason: expect.objectContaining({ code: "QUEUE_FULL", retryable: true }) }),
    );
    const ids = outcomes.slice(0, 10).map((outcome) => outcome.status === "fulfilled" && outcome.value.id);
    const popped = await client.pop("full", { max: 100 });
    expect(popped.map((message) => [message.id, message.text()])).toEqual(ids.map((id, i) => [id, `${i}`]));
    for (const outcome of outcomes.slice(0, 10)) expect(outcome).toMatchObject({ value: { durability: "fsync" } });
  });

  it("publishes a batch whole or not at all into a queue that has room for a part of it", async () => {
    const { client } = await start();
    await client.configure("full", { maxLength: 10 });
    const bodies = Array.from({ length: 11 }, (_, i) => `${i}`);
    await expect(client.publishBatch("full", bodies)).rejects.toMatchObject({ code: "QUEUE_FULL" });
    expect(await client.pop("full", { max: 20 })).toEqual([]);
  });

  it("publishes a batch of any size", async () => {
    const { client } = await start();
    const bodies = Array.from({ length: 10_000 }, (_, i) => `${i}`);
    const receipt = await client.publishBatch("orders", bodies);
    expect(new Set(receipt.ids).size).toBe(10_000);
    const popped: string[] = [];
    while (popped.length < bodies.length) {
      for (const message of await client.pop("orders", { max: 1000, wait: 1000 })) popped.push(message.text());
    }
    expect(popped).toEqual(bodies);
  });

  it("publishes a message of the largest size and gets it back", async () => {
    const { client } = await start();
    const body = new Uint8Array(16 * 1024 * 1024).fill(7);
    await client.publish("orders", body);
    const [message] = await client.pop("orders");
    expect(Buffer.compare(message?.body ?? new Uint8Array(0), body)).toBe(0);
    await expect(client.publish("orders", new Uint8Array(body.length + 1))).rejects.toMatchObject({
      code: "MESSAGE_TOO_LARGE",
    });
  });

  it("consumes in order what is published while it acks", async () => {
    const { client, open } = await start();
    const publisher = await open();
    const total = 20_000;
    const seen: number[] = [];
    const consumer = await client.consume("orders", { prefetch: 500 });
    const reading = (async () => {
      for await (const message of consumer) {
        seen.push(Number(message.text()));
        void message.ack();
        if (seen.length === total) break;
      }
    })();
    for (let i = 0; i < total; i++) {
      const published = publisher.publish("orders", `${i}`);
      if (i % 1000 === 999) await published;
    }
    await reading;
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => i));
    expect(await client.stats("orders")).toMatchObject({ acked: total, queues: [{ inFlight: 0, ready: 0 }] });
  });

  it("consumes batches", async () => {
    const { client } = await start();
    await client.publishBatch(
      "orders",
      Array.from({ length: 3000 }, (_, i) => `${i}`),
    );
    const consumer = await client.consume("orders", { prefetch: 100 });
    const seen: number[] = [];
    for await (const batch of consumer.batches()) {
      for (const message of batch) seen.push(Number(message.text()));
      expect(await batch.ack()).toEqual({ settled: batch.size, faults: [] });
      if (seen.length === 3000) break;
    }
    expect(seen).toEqual(Array.from({ length: 3000 }, (_, i) => i));
  });

  it("gives back what it leaves unread", async () => {
    const { client, open } = await start();
    await client.publishBatch("orders", ["a", "b", "c"]);
    const consumer = await client.consume("orders");
    for await (const message of consumer) {
      await message.ack();
      break;
    }
    const other = await open();
    const rest: [string, number][] = [];
    while (rest.length < 2) {
      for (const message of await other.pop("orders", { max: 5, wait: 1000 }))
        rest.push([message.text(), message.retry]);
    }
    expect(rest).toEqual([
      ["b", 0],
      ["c", 0],
    ]);
  });

  it("consumes a topic that acks by itself, beyond its prefetch", async () => {
    const { client } = await start();
    expect(await client.configure("events", { autoAck: true })).toMatchObject({ autoAck: true, ttr: 60_000 });
    await client.publishBatch(
      "events",
      Array.from({ length: 500 }, (_, i) => `${i}`),
    );
    const consumer = await client.consume("events", { prefetch: 10 });
    let seen = 0;
    for await (const message of consumer) {
      expect([message.text(), message.isAcked]).toEqual([`${seen}`, true]);
      if (++seen === 500) break;
    }
    expect(await client.stats("events")).toMatchObject({ delivered: 500, queues: [{ ready: 0, inFlight: 0 }] });
  });

  it("nacks, touches and is told of a lease that it has lost", async () => {
    const { client } = await start();
    await client.publish("orders", "a");
    const [first] = await client.pop("orders");
    await first?.touch({ ttr: 120_000 });
    const [held] = await client.browse("orders", { state: "in-flight" });
    expect(held?.time).toBeGreaterThan(Date.now() + 100_000);
    await first?.nack();
    const [second] = await client.pop("orders", { wait: 1000 });
    expect([second?.id, second?.retry]).toEqual([first?.id, 1]);
    await expect(first?.ack()).rejects.toMatchObject({ code: "LEASE_LOST", retryable: false });
    await second?.ack();
    await expect(second?.ack()).rejects.toMatchObject({ code: "UNKNOWN_MESSAGE" });
  });

  it("gives messages back to where they were, as if nobody had popped them", async () => {
    const { client } = await start();
    await client.publishBatch("orders", ["a", "b", "c"]);
    const [first, second] = await client.pop("orders", { max: 2 });
    await second?.release();
    await first?.release();
    await expect(first?.ack()).rejects.toMatchObject({ code: "LEASE_LOST" });
    const again = await client.pop("orders", { max: 3 });
    expect(again.map((message) => [message.text(), message.retry])).toEqual([
      ["a", 0],
      ["b", 0],
      ["c", 0],
    ]);
  });

  it("settles by id what somebody else holds", async () => {
    const { client, open } = await start();
    const { ids } = await client.publishBatch("orders", ["a", "b", "c"]);
    const holder = await open();
    const [a, b, c] = await holder.pop("orders", { max: 3 });
    expect(await client.ackById("orders", a?.id ?? "")).toEqual({ settled: 1, faults: [] });
    expect(await client.touchById("orders", [b?.id ?? ""], { ttr: 90_000 })).toMatchObject({ settled: 1 });
    expect(await client.nackById("orders", [c?.id ?? ""], { retry: false })).toMatchObject({ settled: 1 });
    expect(await client.ackById("orders", ids)).toEqual({
      settled: 1,
      faults: [
        { id: ids[0], code: "UNKNOWN_MESSAGE" },
        { id: ids[2], code: "LEASE_LOST" },
      ],
    });
  });

  it("delays, cancels and reschedules", async () => {
    const { client, pass } = await start();
    const { ids } = await client.publishBatch("later", ["a", "b"], { delay: 60_000 });
    expect(await client.cancel("later", ids[0] ?? "")).toEqual({ settled: 1, faults: [] });
    const held = await client.publish("later", "held");
    await client.pop("later");
    expect(await client.reschedule("later", [...ids, held.id], 1)).toEqual({
      settled: 1,
      faults: [
        { id: ids[0], code: "UNKNOWN_MESSAGE" },
        { id: held.id, code: "NOT_DELAYED" },
      ],
    });
    const popping = client.pop("later", { wait: 20_000 });
    await pass(1);
    const [due] = await popping;
    expect([due?.id, due?.text(), due?.retry]).toEqual([ids[1], "b", 0]);
  });

  it("shows, pops and re-drives dead letters, and purges", async () => {
    const { client } = await start();
    await client.publishBatch("orders", ["a", "b", "c"]);
    const messages = await client.pop("orders", { max: 3 });
    await Promise.all(messages.map((message) => message.nack({ retry: false })));
    const dead = await client.browse("orders", { state: "dead" });
    expect(dead.map((message) => [message.text(), message.deadReason])).toEqual(
      ["a", "b", "c"].map((x) => [x, "rejected"]),
    );
    const [a] = await client.popDead("orders", { max: 1 });
    await a?.ack();
    expect(await client.redrive("orders", { ids: dead[1]?.id })).toEqual({ settled: 1, faults: [] });
    expect(await client.redrive("orders")).toEqual({ settled: 1, faults: [] });
    expect((await client.browse("orders")).map((message) => message.text())).toEqual(["b", "c"]);
    expect(await client.browse("orders", { offset: 1, max: 1, state: "ready" })).toHaveLength(1);
    expect(await client.purge("orders", { state: "all" })).toBe(2);
  });

  it("tells how the deliveries of a message have failed", async () => {
    const { client, open, pass } = await start();
    await client.configure("orders", { retries: 3, ttr: 500 });
    const { id } = await client.publish("orders", "a");
    const worker = await open({ name: "worker 7" });
    const [first] = await worker.pop("orders");
    await first?.nack({ reason: new Error("the shop is closed") });
    await client.pop("orders");
    await pass(500);
    const consumer = await worker.consume("orders");
    for await (const _ of consumer) break;
    await worker.close();
    const [last] = await client.pop("orders", { wait: 1000 });
    await last?.nack({ retry: false, reason: "店".repeat(2000) });
    expect(last?.failures).toEqual([]);
    const shown = await client.browse("orders", { state: "dead" });
    const [dead] = await client.popDead("orders");
    for (const message of [shown[0], dead]) {
      expect(message?.deadReason).toBe("rejected");
      expect(message?.failures).toMatchObject([
        {
          number: 1,
          kind: "nacked",
          consumer: "worker 7",
          reason: expect.stringMatching(/^Error: the shop is closed\n/),
        },
        { number: 2, kind: "timed-out", consumer: "", reason: "" },
        { number: 3, kind: "consumer-gone", consumer: "worker 7", reason: "" },
        { number: 4, kind: "rejected", consumer: "e2e", reason: "店".repeat(682) },
      ]);
    }
    expect(JSON.parse(JSON.stringify(shown[0]))).toMatchObject({ id, failures: [{ kind: "nacked" }, {}, {}, {}] });
  });

  it("routes to queues that it declares, pauses, resumes and deletes", async () => {
    const { client } = await start();
    await client.declareQueue("orders", "eu");
    await expect(client.declareQueue("orders", "eu")).rejects.toMatchObject({ code: "QUEUE_EXISTS" });
    await expect(client.publish("orders", "x", { routeKey: "us" })).rejects.toMatchObject({ code: "NO_ROUTE" });
    await client.publish("orders", "x", { routeKey: "eu" });
    await client.pause("orders", { queue: "eu" });
    expect(await client.pop("orders", { queue: "eu" })).toEqual([]);
    expect((await client.stats("orders")).queues).toMatchObject([{ bindKey: "eu", ready: 1, paused: true }]);
    await client.resume("orders", { queue: "eu" });
    const [message] = await client.pop("orders", { queue: "eu" });
    expect([message?.text(), message?.routeKey]).toEqual(["x", "eu"]);
    const consumer = await client.consume("orders", { queue: "eu" });
    expect(await client.deleteQueue("orders", "eu")).toBe(1);
    expect(await consumer.closed).toMatchObject({ code: "TOPIC_DELETED" });
    await expect(client.pop("orders", { queue: "eu" })).rejects.toMatchObject({ code: "NO_QUEUE" });
    await client.publish("orders", "y");
    expect(await client.deleteTopic("orders")).toBe(1);
    await expect(client.stats("orders")).rejects.toMatchObject({ code: "NO_TOPIC" });
  });

  it("goes over the topics of all shards and pages", async () => {
    const { client } = await start({ shards: 3 });
    const names = Array.from({ length: 450 }, (_, i) => `topic-${i}`);
    await Promise.all(names.map((name) => client.publish(name, "x")));
    const seen: string[] = [];
    for await (const { name, published } of client.topics()) if (published === 1) seen.push(name);
    expect(seen.sort()).toEqual(names.sort());
  });

  it("subscribes to channels", async () => {
    const { client, open } = await start();
    const other = await open();
    const subscription = await client.subscribe("news");
    const [a, b] = await Promise.all([other.publishToChannel("news", "a"), other.publishToChannel("news", "b")]);
    expect([a, b]).toEqual([{ subscribers: 1 }, { subscribers: 1 }]);
    const seen: string[] = [];
    for await (const message of subscription) {
      seen.push(message.text());
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(["a", "b"]);
    expect(await other.publishToChannel("news", "c")).toEqual({ subscribers: 0 });
  });

  it("waits for a message and gets it when it comes", async () => {
    const { client, open } = await start();
    const publisher = await open();
    const popped = client.pop("orders", { wait: 20_000 });
    await client.ping();
    await publisher.publish("orders", "x");
    expect((await popped).map((message) => message.text())).toEqual(["x"]);
  });

  it("drains: what was read is acked, what was published is confirmed", async () => {
    const { client, open } = await start();
    await client.publishBatch("orders", ["a", "b", "c"]);
    const consumer = await client.consume("orders");
    const loop = (async () => {
      for await (const message of consumer) {
        void client.publish("copies", message.body);
        void message.ack();
      }
    })();
    const first = await open();
    while ((await first.stats("orders")).queues[0]?.inFlight !== 3 && (await first.stats("orders")).acked !== 3);
    await client.drain();
    await loop;
    expect(await client.closed).toBeUndefined();
    expect(await first.stats("orders")).toMatchObject({ acked: 3 });
    expect((await first.pop("copies", { max: 5 })).map((message) => message.text())).toEqual(["a", "b", "c"]);
  });

  it("is told when the broker stops", async () => {
    const { broker, open } = await start({});
    const client = await open({ reconnect: false });
    const consumer = await client.consume("orders");
    const ended = (async () => {
      for await (const _ of consumer);
    })().catch((error: unknown) => error);
    await broker.close();
    expect(await client.closed).toMatchObject({ code: "SHUTTING_DOWN", retryable: true });
    expect(await ended).toMatchObject({ code: "SHUTTING_DOWN" });
  });
});
