/** A client that loses its broker and goes on, under the clock of a test broker. */
import { describe, expect, it } from "vitest";
import type { ConnectOptions } from "../../../src/client/arguments/options.js";
import type { ConnectionStatus } from "../../../src/client/connection/status.js";
import { Op } from "../../../src/protocol/op.js";
import { createTestBroker, type TestBroker } from "../../../src/testing/test-broker.js";
import { connected, result } from "../scripted-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

const texts = (messages: readonly { text(): string }[]): string[] => messages.map((message) => message.text());

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const open = async (options: ConnectOptions = {}, broker: TestBroker = createTestBroker()) => {
  const unhandled = unhandledRejections();
  return { unhandled, broker, client: await broker.connect(options) };
};

const all = async (broker: TestBroker, topic: string): Promise<string[]> => {
  const client = await broker.connect();
  return texts(await client.pop(topic, { max: 4096 }));
};

describe("publishes", () => {
  it("that were on their way are there once, in their order", async () => {
    const { broker, client, unhandled } = await open();
    const bodies = Array.from({ length: 2000 }, (_, i) => `message ${i} ${"x".repeat(i % 90)}`);
    const receipts = [];
    for (const [i, body] of bodies.entries()) {
      receipts.push(client.publish("t", body));
      // At the start of a turn, in the middle, when answers are on their way: all the same.
      if (i % 100 === 99) await broker.cut();
      else if (i % 7 === 0) await turn();
    }
    await broker.restart();
    const ids = (await Promise.all(receipts)).map(({ id }) => BigInt(id));
    expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)));
    expect(await all(broker, "t")).toEqual(bodies);
    expect(client.pendingBytes).toBe(0);
    expect(unhandled).toEqual([]);
  });

  it("made while there is no connection follow those, one by one and in batches, to topics and to channels", async () => {
    const { broker, client, unhandled } = await open();
    const before = client.publish("t", "1");
    await broker.down();
    const body = new TextEncoder().encode("2");
    const made = [client.publish("t", body), client.publishBatch("t", ["3", "4"]), client.publish("t", "5")];
    // It was copied.
    body.fill(0);
    const toChannel = client.publishToChannel("news", "x");
    await broker.clock.advance("1 s");
    expect(client.pendingBytes).toBeGreaterThan(0);
    broker.up();
    await broker.clock.advance("5 s");
    await Promise.all([before, ...made]);
    expect(await toChannel).toEqual({ subscribers: 0 });
    expect(await all(broker, "t")).toEqual(["1", "2", "3", "4", "5"]);
    expect(unhandled).toEqual([]);
  });

  it("to channels that were sent reject, and are not sent again", async () => {
    const { client, broker } = await connected({ reconnect: {} });
    broker.answer = ({ op, request }) => {
      if (op === Op.PUBLISH_CHANNEL) broker.socket.destroy();
      else if (op === Op.PING) broker.send(result(request));
    };
    await expect(client.publishToChannel("news", "x")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await client.ping();
    expect(await broker.seen(Op.PUBLISH_CHANNEL)).toHaveLength(1);
  });

  it("keep what is left of their delay", async () => {
    const { broker, client } = await open({ reconnect: { maxDelay: 1_000 } });
    await broker.down();
    const published = client.publish("t", "x", { delay: 10_000 });
    const batch = client.publishBatch("t", ["y"], { delay: 10_000 });
    const gone = client.publish("t", "z", { ttl: 1_000 });
    await broker.clock.advance("6 s");
    broker.up();
    await broker.clock.advance("3500 ms");
    await Promise.all([published, batch, gone]);
    expect(await all(broker, "t")).toEqual([]);
    await broker.clock.advance("1 s");
    expect(await all(broker, "t")).toEqual(["x", "y"]);
  });

  it("give up when their time is over, and say whether they were sent", async () => {
    const { broker, client, unhandled } = await open({
      publishTimeout: 3_000,
      requestTimeout: 60_000,
      reconnect: { maxDelay: 500 },
    });
    await broker.down();
    const unsent = client.publish("t", "x").catch((error: unknown) => error);
    await broker.clock.advance("2 s");
    const later = client.publish("t", "y");
    await broker.clock.advance("1200 ms");
    expect(await unsent).toMatchObject({
      code: "PUBLISH_TIMEOUT",
      retryable: true,
      message: "there was no connection in time: it was not sent",
      cause: { code: "CONNECTION_CLOSED" },
    });
    broker.up();
    await broker.clock.advance("1700 ms");
    await later;
    expect(await all(broker, "t")).toEqual(["y"]);
    expect(client.pendingBytes).toBe(0);
    expect(unhandled).toEqual([]);
  });

  it("are bounded while there is no connection", async () => {
    const { broker, client } = await open({ maxPendingBytes: 10_000 });
    await broker.down();
    const body = "x".repeat(1_000);
    const made = Array.from({ length: 8 }, () => client.publish("t", body));
    await expect(client.publish("t", body)).rejects.toMatchObject({ code: "CLIENT_BUSY" });
    let isReady = false;
    const ready = client.ready().then(() => {
      isReady = true;
    });
    await turn();
    expect(isReady).toBe(false);
    broker.up();
    await broker.clock.advance("5 s");
    await Promise.all([ready, ...made]);
    await client.publish("t", body);
    expect(await all(broker, "t")).toHaveLength(9);
  });

  it("are not numbered, nor sent again, without reconnect", async () => {
    const { broker, client } = await open({ reconnect: false });
    const sent = expect(client.publish("t", "x")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await broker.cut();
    await sent;
    expect(await client.closed).toMatchObject({ code: "CONNECTION_CLOSED" });
  });
});

describe("requests", () => {
  it("that change nothing are made again; others that were sent reject; those made later wait", async () => {
    const { broker, client, unhandled } = await open();
    await client.publish("t", "x");
    const stats = client.stats("t");
    const shown = client.browse("t");
    const popped = expect(client.pop("none", { wait: 60_000 })).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await broker.down();
    await popped;
    const later = client.pop("t");
    await broker.clock.advance("1 s");
    broker.up();
    await broker.clock.advance("5 s");
    expect((await stats).name).toBe("t");
    expect(texts(await shown)).toEqual(["x"]);
    const [message] = await later;
    expect(message?.text()).toBe("x");
    await message?.ack();
    expect(unhandled).toEqual([]);
  });

  it("wait for as long as they may", async () => {
    const { broker, client, unhandled } = await open({ requestTimeout: 2_000 });
    await broker.down();
    const asked = [
      client.stats("t"),
      client.pop("t"),
      client.configure("t", { ttr: 5 }),
      client.ackById("t", "1"),
      client.consume("t"),
      client.subscribe("news"),
      client.subscribe("old", { from: "start" }),
    ].map((promise) => promise.catch(({ code }: { readonly code: string }) => code));
    await broker.clock.advance("2200 ms");
    expect(await Promise.all(asked)).toEqual(Array(7).fill("ANSWER_TIMEOUT"));
    broker.up();
    await broker.clock.advance("5 s");
    expect((await client.stats("t").catch(({ code }: { readonly code: string }) => code)) as unknown).toBe("NO_TOPIC");
    expect(client.pendingBytes).toBe(0);
    expect(unhandled).toEqual([]);
  });

  it("settle by id when there is a broker again; what was popped is its program's all the while", async () => {
    const { broker, client } = await open();
    await client.publishBatch("t", ["a", "b"]);
    const [a, b] = await client.pop("t", { max: 2 });
    await broker.down();
    await expect(a?.ack()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    const byId = client.ackById("t", b?.id ?? "");
    broker.up();
    await broker.clock.advance("1 s");
    expect(await byId).toEqual({ settled: 1, faults: [] });
    await a?.ack();
    expect((await client.stats("t")).acked).toBe(2);
  });
});

describe("a consumer", () => {
  it("goes on with what is not acked, whatever is lost", async () => {
    const { broker, client, unhandled } = await open();
    const consumer = await client.consume("t", { prefetch: 10 });
    const bodies = Array.from({ length: 300 }, (_, i) => `${i}`);
    const acked: string[] = [];
    const seen: string[] = [];
    const reading = (async () => {
      for await (const message of consumer) {
        seen.push(message.text());
        await message.ack().then(
          () => acked.push(message.text()),
          () => {},
        );
        if (acked.length === bodies.length) break;
      }
    })();
    for (let i = 0; i < bodies.length; i += 10) {
      const sent = bodies.slice(i, i + 10).map((body) => client.publish("t", body));
      await turn();
      if (i % 30 === 0) await (i % 60 === 0 ? broker.cut() : broker.restart());
      await Promise.all(sent);
    }
    await reading;
    expect(new Set(acked).size).toBe(bodies.length);
    expect(acked.sort()).toEqual(bodies.sort());
    expect(seen.length).toBeLessThan(bodies.length * 2);
    await broker.clock.advance("2 minutes");
    expect(await all(broker, "t")).toEqual([]);
    expect(unhandled).toEqual([]);
  });

  it("is the only one of its program, and has its prefetch", async () => {
    const { broker, client } = await open();
    const consumer = await client.consume("t", { prefetch: 3 });
    for (let i = 0; i < 5; i++) await broker.cut();
    await client.publishBatch("t", ["a", "b", "c", "d"]);
    expect((await client.stats("t")).queues).toMatchObject([{ consumers: 1, inFlight: 3, ready: 1 }]);
    expect(consumer.buffered).toBe(3);
  });

  it("ends when its queue is gone, and when it is stopped while there is no connection", async () => {
    const { broker, client, unhandled } = await open();
    await client.declareQueue("t", "q");
    const ended = await client.consume("t", { queue: "q" });
    const stopped = await client.consume("t");
    await broker.down();
    await stopped.stop();
    broker.up();
    await broker.clock.advance("1 s");
    expect((await client.stats("t")).queues.map(({ consumers }) => consumers).sort()).toEqual([0, 1]);
    await client.deleteQueue("t", "q");
    expect(await ended.closed).toMatchObject({ code: "TOPIC_DELETED" });
    await expect(ended.next()).rejects.toMatchObject({ code: "TOPIC_DELETED" });
    expect((await stopped.next()).done).toBe(true);
    expect(unhandled).toEqual([]);
  });

  it("that is begun while there is no connection begins with it", async () => {
    const { broker, client } = await open();
    await client.publish("t", "x");
    await broker.down();
    const beginning = client.consume("t");
    await broker.clock.advance("1 s");
    broker.up();
    await broker.clock.advance("5 s");
    expect((await (await beginning).next()).value?.text()).toBe("x");
  });
});

describe("a subscription", () => {
  it("goes on where it was, when the channel has kept what came meanwhile", async () => {
    const { broker, client, unhandled } = await open();
    await client.configureChannel("news", { keep: true });
    const resumed: unknown[] = [];
    const subscription = await client.subscribe("news", { from: "start", onResumed: (event) => resumed.push(event) });
    await client.publishToChannel("news", "a");
    expect((await subscription.next()).value?.text()).toBe("a");
    await broker.restart();
    await client.publishToChannel("news", "b");
    await broker.down();
    const other = client.publishToChannel("news", "c");
    await broker.clock.advance("1 s");
    broker.up();
    await broker.clock.advance("5 s");
    await other;
    const seen = [await subscription.next(), await subscription.next()];
    expect(seen.map(({ value }) => value?.text())).toEqual(["b", "c"]);
    expect(resumed).toMatchObject([
      { position: 1, recovered: true, lost: 0 },
      { position: 2, recovered: true, lost: 0 },
    ]);
    expect(unhandled).toEqual([]);
  });

  it("of several to one channel goes on behind what came, and tells what is missing", async () => {
    const { broker, client } = await open();
    const other = await broker.connect();
    const resumed: unknown[] = [];
    const onResumed = (event: unknown): void => void resumed.push(event);
    const first = await client.subscribe("news", { onResumed });
    const second = await client.subscribe("news");
    await client.publishToChannel("news", "a");
    await broker.down();
    await broker.clock.advance("1 s");
    broker.up();
    await broker.clock.advance("10 s");
    await other.publishToChannel("news", "b");
    for (const subscription of [first, second]) {
      expect([await subscription.next(), await subscription.next()].map(({ value }) => value?.text())).toEqual([
        "a",
        "b",
      ]);
    }
    expect(resumed).toHaveLength(1);
    await first.stop();
    await second.stop();
    expect((await client.publishToChannel("news", "c")).subscribers).toBe(0);
  });
});

describe("the status", () => {
  it("tells how it connects again, at once first, then after waits that grow", async () => {
    const { broker, client } = await open();
    const statuses: ConnectionStatus[] = [];
    const reading = (async () => {
      for await (const status of client.status()) statuses.push(status);
    })();
    const begin = broker.clock.now;
    await broker.down();
    await broker.clock.advance("1 minute");
    const waits = statuses.flatMap((status) => (status.type === "reconnecting" ? [status.in] : []));
    expect(waits[0]).toBe(0);
    for (const [i, wait] of waits.slice(1).entries()) {
      const most = Math.min(5_000, 100 * 2 ** i);
      expect(wait).toBeGreaterThanOrEqual(most / 2);
      expect(wait).toBeLessThanOrEqual(most);
    }
    const spent = waits.reduce((sum, wait) => sum + wait, 0) - (waits.at(-1) ?? 0);
    expect(spent).toBeLessThanOrEqual(broker.clock.now - begin);
    expect(statuses.slice(0, 3)).toMatchObject([
      { type: "connected", info: { nodeId: 1 } },
      { type: "disconnected", error: { code: "CONNECTION_CLOSED" } },
      { type: "reconnecting", attempt: 1, url: "tcp://test-broker", in: 0 },
    ]);
    broker.up();
    await broker.clock.advance("5 s");
    expect(statuses.at(-1)).toMatchObject({ type: "connected" });
    await client.close();
    await reading;
    expect(statuses.at(-1)).toEqual({ type: "closed", error: undefined });
    expect((await client.status().next()).value).toEqual({ type: "closed", error: undefined });
  });

  it("keeps no more than 256 of what is not read, for any number of readers", async () => {
    const { broker, client } = await open();
    const [slow, left] = [client.status(), client.status()];
    await left.return?.();
    for (let i = 0; i < 200; i++) await broker.cut();
    await client.close();
    let count = 0;
    for await (const _ of slow) count++;
    expect(count).toBe(256);
  });
});

describe("the end", () => {
  it("comes when there is no broker for too long, with why", async () => {
    const { broker, client, unhandled } = await open({ reconnect: { timeout: 10_000 } });
    const consumer = await client.consume("t");
    await broker.down();
    const published = expect(client.publish("t", "x")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await broker.clock.advance("16 s");
    expect(await client.closed).toMatchObject({ code: "CONNECT_FAILED" });
    expect(await consumer.closed).toMatchObject({ code: "CONNECT_FAILED" });
    await published;
    expect(unhandled).toEqual([]);
  });

  it("of a drain waits for what was published, over a restart", async () => {
    const { broker, client, unhandled } = await open();
    const consumer = await client.consume("t");
    const seen: string[] = [];
    const reading = (async () => {
      for await (const message of consumer) {
        seen.push(message.text());
        await message.ack().catch(() => {});
      }
    })();
    await client.publish("t", "a");
    await broker.clock.advance(1);
    await broker.down();
    const published = client.publish("t", "b");
    const drained = client.drain();
    await broker.clock.advance("1 s");
    await broker.restart();
    broker.up();
    await broker.clock.advance("5 s");
    await Promise.all([published, drained, reading]);
    expect(await client.closed).toBeUndefined();
    expect(await all(broker, "t")).toEqual(["b"]);
    expect(unhandled).toEqual([]);
  });

  it("of a close while there is no connection is at once", async () => {
    const { broker, client, unhandled } = await open();
    const consumer = await client.consume("t");
    await broker.down();
    const published = expect(client.publish("t", "x")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await client.close();
    await published;
    expect((await consumer.next()).done).toBe(true);
    broker.up();
    await broker.clock.advance("1 minute");
    expect(await all(broker, "t")).toEqual([]);
    expect(unhandled).toEqual([]);
  });
});

it("is at the next broker at once when one says that it stops, and loses nothing", async () => {
  const { broker, client, unhandled } = await open();
  await client.publishBatch("t", ["a", "b", "c"]);
  const consumer = await client.consume("t");
  const first = (await consumer.next()).value;
  const closing = broker.close();
  await first?.ack();
  await closing;
  expect(await consumer.closed).toMatchObject({ code: "SHUTTING_DOWN" });
  expect(await client.closed).toMatchObject({ code: "SHUTTING_DOWN" });
  expect(unhandled).toEqual([]);
});
