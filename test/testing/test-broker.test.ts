/** The test broker: what its clock, its faults and its end promise, through the real client. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { Client } from "../../src/client/client.js";
import type { Message } from "../../src/client/consume/message.js";
import { createTestBroker, type TestBroker, type TestBrokerOptions } from "../../src/testing/index.js";

const NOW = Date.UTC(2026, 0, 1);

const open = async (
  options: TestBrokerOptions = {},
): Promise<{ readonly broker: TestBroker; readonly client: Client }> => {
  const broker = createTestBroker({ now: NOW, ...options });
  onTestFinished(() => broker.close());
  return { broker, client: await broker.connect() };
};

const texts = (messages: readonly { text(): string }[]): string[] => messages.map((message) => message.text());

/** Reads messages of a queue for as long as the test lasts. */
const read = async (client: Client, topic: string, take: (message: Message) => Promise<void>): Promise<void> => {
  const consumer = await client.consume(topic);
  void (async () => {
    for await (const message of consumer) await take(message);
  })().catch(() => {});
};

/** The first messages of the channel `news`. */
const replayed = async (client: Client, count: number): Promise<string[]> => {
  const seen: string[] = [];
  for await (const message of await client.subscribe("news", { from: "start" })) {
    if (seen.push(message.text()) === count) break;
  }
  return seen;
};

describe("its clock", () => {
  it("stands still until it is moved, then makes delayed messages due, by days and at once", async () => {
    const { broker, client } = await open();
    expect(broker.clock.now).toBe(NOW);
    await client.publish("mail", "later", { delay: 3 * 86_400_000 });
    await client.publish("mail", "now");
    const [first] = await client.pop("mail", { max: 9 });
    expect(first?.text()).toBe("now");
    await first?.ack();
    await broker.clock.advance("71 hours");
    expect(await client.pop("mail")).toEqual([]);
    await broker.clock.advance("1 hour");
    expect(broker.clock.now).toBe(NOW + 3 * 86_400_000);
    expect(texts(await client.pop("mail"))).toEqual(["later"]);
  });

  it("goes by whole milliseconds, whatever it is moved by", async () => {
    const { broker, client } = await open();
    await broker.clock.advance(0.5);
    await broker.clock.advance("1.1 hours");
    expect(broker.clock.now).toBe(NOW + 1 + 3_960_000);
    await client.publish("mail", "later", { delay: 1_000 });
    await broker.clock.advance(1_000);
    expect(texts(await client.pop("mail"))).toEqual(["later"]);
  });

  it("begins at no time that is none, and ends at the last that there is", async () => {
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, "2026", null, new Date()]) {
      expect(() => createTestBroker({ now: now as number }), String(now)).toThrow(RangeError);
    }
    const { broker, client } = await open({ now: 8.64e15 - 1 });
    const advances = [2, 1].map((by) => broker.clock.advance(by));
    await expect(advances[0]).rejects.toThrow(RangeError);
    await advances[1];
    expect(broker.clock.now).toBe(8.64e15);
    await client.publish("mail", "late");
    expect(texts(await client.pop("mail"))).toEqual(["late"]);
  });

  it("makes TTRs pass, counts retries, and buries what has failed too often", async () => {
    const { broker, client } = await open({ ttr: 10_000, retries: 2 });
    await client.publish("jobs", "x");
    const retries: number[] = [];
    for (let i = 0; i < 3; i++) {
      const [message] = await client.pop("jobs");
      retries.push(message?.retry ?? -1);
      expect(message?.deadline).toBe(broker.clock.now + 10_000);
      await broker.clock.advance("10 s");
    }
    expect(retries).toEqual([0, 1, 2]);
    expect(await client.pop("jobs")).toEqual([]);
    expect(texts(await client.popDead("jobs"))).toEqual(["x"]);
  });

  it("moves from one thing that is due to the next, and programs have their turn at each", async () => {
    const { broker, client } = await open();
    const seen: [string, number][] = [];
    await read(client, "steps", async (message) => {
      seen.push([message.text(), broker.clock.now - NOW]);
      await message.ack();
      if (message.text() === "a") await client.publish("steps", "after a", { delay: 500 });
    });
    await client.publish("steps", "c", { delay: 3_000 });
    await client.publish("steps", "b", { delay: 2_000 });
    await client.publish("steps", "a", { delay: 1_000 });
    await broker.clock.advance("1 minute");
    expect(seen).toEqual([
      ["a", 1_000],
      ["after a", 1_500],
      ["b", 2_000],
      ["c", 3_000],
    ]);
    expect(await client.stats("steps")).toMatchObject({ acked: 4 });
  });

  it("has messages be nacked with a delay and come again, in the same order each time", async () => {
    const history = async (): Promise<string[]> => {
      const { broker, client } = await open({ retries: 3 });
      const log: string[] = [];
      await read(client, "jobs", async (message) => {
        log.push(`${broker.clock.now - NOW} ${message.text()} ${message.retry} ${message.id}`);
        await message.nack({ delay: 1_000 * 2 ** message.retry });
      });
      await client.publishBatch("jobs", ["a", "b", "c"]);
      await broker.clock.advance("5 minutes");
      log.push(...texts(await client.popDead("jobs", { max: 9 })));
      return log;
    };
    const first = await history();
    expect(first.slice(-3)).toEqual(["a", "b", "c"]);
    expect(first).toHaveLength(15);
    expect(await history()).toEqual(first);
  });

  it("ends a pop that waits, times to live, and what kept channels keep", async () => {
    const { broker, client } = await open();
    const waiting = client.pop("jobs", { wait: 60_000 });
    await broker.clock.advance("1 minute");
    expect(await waiting).toEqual([]);

    await client.publish("jobs", "short", { ttl: 5_000 });
    await client.publish("jobs", "long");
    await broker.clock.advance("6 s");
    expect(texts(await client.pop("jobs", { max: 9 }))).toEqual(["long"]);

    await client.configureChannel("news", { keep: true, maxAge: 3_600_000 });
    await client.publishToChannel("news", "old");
    await broker.clock.advance("50 minutes");
    await client.publishToChannel("news", "new");
    expect(await replayed(client, 2)).toEqual(["old", "new"]);
    await broker.restart();
    const again = await broker.connect();
    await broker.clock.advance("20 minutes");
    expect(await replayed(again, 1)).toEqual(["new"]);
  });

  it("lets a client renew the leases of what waits, for as long as its program is at work", async () => {
    const { broker, client } = await open({ ttr: 10_000 });
    const done: string[] = [];
    const held: Message[] = [];
    const consumer = await client.consume("slow", { prefetch: 3 });
    void (async () => {
      for await (const message of consumer) {
        done.push(message.text());
        held.push(message);
        // It takes eight seconds over each by the broker's clock.
        while (held.includes(message)) await new Promise(setImmediate);
        await message.ack();
      }
    })().catch(() => {});
    await client.publishBatch("slow", ["a", "b", "c"]);
    for (let i = 0; i < 3; i++) {
      await broker.clock.advance("8 s");
      held.shift();
      await broker.clock.advance(0);
    }
    expect(done).toEqual(["a", "b", "c"]);
    expect(await client.stats("slow")).toMatchObject({ acked: 3 });
  });

  it("carries out advances that are asked for at once one after another, and refuses what is no time", async () => {
    const { broker, client } = await open();
    await client.publish("t", "x", { delay: 1_500 });
    const first = broker.clock.advance("1 s");
    const second = broker.clock.advance(1_000);
    await first;
    expect(await client.pop("t")).toEqual([]);
    await second;
    expect(broker.clock.now).toBe(NOW + 2_000);
    expect(texts(await client.pop("t"))).toEqual(["x"]);
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, "", "3", "3 fortnights", "-1 s"]) {
      await expect(broker.clock.advance(wrong)).rejects.toThrow(RangeError);
    }
  });
});

it("refuses an option that there is not, most likely a misspelled one", () => {
  const refusal = new RangeError("there is no option retrys (did you mean retries?)");
  expect(() => createTestBroker({ retrys: 1 } as object)).toThrow(refusal);
  expect(() => createTestBroker({ data: "here" } as object)).toThrow(
    /^there is no option data; .*, memory, .*, now, users, log$/,
  );
});

describe("faults", () => {
  it("cut ends every connection, and what a consumer held is ready again", async () => {
    const { broker } = await open();
    const [client, other] = [await broker.connect({ reconnect: false }), await broker.connect({ reconnect: false })];
    await other.publishBatch("pushed", ["a", "b"]);
    const consumer = await other.consume("pushed");
    expect((await consumer.next()).value?.text()).toBe("a");
    await client.publish("jobs", "x");
    expect(texts(await client.pop("jobs"))).toEqual(["x"]);
    const waiting = client.pop("none", { wait: 60_000 });
    const lost = expect(waiting).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await broker.cut();
    await lost;
    expect(await client.closed).toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(await other.closed).toMatchObject({ code: "CONNECTION_CLOSED" });
    const again = await broker.connect();
    expect((await again.stats("jobs")).queues).toMatchObject([{ ready: 0, inFlight: 1 }]);
    expect((await again.stats("pushed")).queues).toMatchObject([{ ready: 2, inFlight: 0 }]);
    expect(texts(await again.pop("pushed", { max: 9 }))).toEqual(["b", "a"]);
    await broker.clock.advance("1 minute");
    expect(texts(await again.pop("jobs"))).toEqual(["x"]);
  });

  it("restart keeps what was confirmed as durable, and nothing else", async () => {
    const { broker } = await open();
    const client = await broker.connect({ reconnect: false });
    await client.configure("passing", { durability: "memory" });
    await client.publish("passing", "gone");
    const receipts = [await client.publish("kept", "a"), await client.publish("kept", "b", { delay: 60_000 })];
    const [held] = await client.pop("kept");
    await client.publish("kept", "acked");
    const [acked] = await client.pop("kept");
    await acked?.ack();
    await broker.restart();
    expect(await client.closed).toMatchObject({ code: "CONNECTION_CLOSED" });
    await expect(client.ping()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });

    const again = await broker.connect();
    // Ids go on: none is given twice.
    expect(BigInt((await again.publish("more", "c")).id) > BigInt(acked?.id ?? 0)).toBe(true);
    expect(texts(await again.pop("passing"))).toEqual([]);
    const [message] = await again.pop("kept", { max: 9 });
    expect([message?.id, message?.text()]).toEqual([receipts[0]?.id, "a"]);
    expect(held?.id).toBe(message?.id);
    await broker.clock.advance("1 minute");
    expect(texts(await again.pop("kept", { max: 9 }))).toContain("b");
  });

  it("does not take a cursor or a lease of an earlier life for its own, though its clock stands", async () => {
    const { broker, client } = await open();
    await client.publish("jobs", "a");
    await client.publish("jobs", "b");
    const [held] = await client.pop("jobs");
    const search = client.find("jobs", { max: 1 });
    await search.page();
    const { cursor } = search;
    expect(cursor).toBeTypeOf("string");
    await broker.restart();
    const again = await broker.connect();
    await expect(again.find("jobs", { from: cursor }).page()).rejects.toMatchObject({ code: "CURSOR_LOST" });
    const [message] = await again.pop("jobs");
    expect(message?.id).toBe(held?.id);
    await expect(held?.ack()).rejects.toMatchObject({ code: "LEASE_LOST" });
  });

  it("restarts over and over with more than a segment holds", async () => {
    const { broker } = await open({ segmentBytes: 64 * 1024 });
    for (let life = 0; life < 5; life++) {
      const client = await broker.connect();
      for (let i = 0; i < 10; i++) await client.publish("big", new Uint8Array(20_000).fill(life));
      await broker.restart();
    }
    const client = await broker.connect();
    const bodies = [];
    for (let life = 0; life < 5; life++) bodies.push(...(await client.pop("big", { max: 10 })));
    expect(bodies.map(({ body }) => body[0])).toEqual([0, 1, 2, 3, 4].flatMap((life) => Array(10).fill(life)));
  });

  it.each(["DISK_FULL", "DISK_FAULT", "OUT_OF_DESCRIPTORS"] as const)(
    "refuses publishes with %s until it accepts them, and takes acks",
    async (code) => {
      const { broker, client } = await open();
      await client.publish("jobs", "before");
      await client.configure("passing", { durability: "memory" });
      broker.refuse(code);
      await expect(client.publish("jobs", "refused")).rejects.toMatchObject({ code, retryable: true });
      const [message] = await client.pop("jobs");
      await message?.ack();
      await client.publish("passing", "taken");
      broker.accept();
      await client.publish("jobs", "after");
      expect(texts(await client.pop("jobs", { max: 9 }))).toEqual(["after"]);
    },
  );

  it("refuses to refuse what no disk does, or where there is none", async () => {
    const { broker } = await open();
    expect(() => broker.refuse("QUEUE_FULL" as never)).toThrow("DISK_FULL, DISK_FAULT, OUT_OF_DESCRIPTORS");
    expect(() => createTestBroker({ durability: "memory" }).refuse("DISK_FULL")).toThrow("has no disk");
  });
});

describe("its end", () => {
  it("tells clients, and takes none any more", async () => {
    const { broker, client } = await open();
    await broker.close();
    expect(await client.closed).toMatchObject({ code: "SHUTTING_DOWN" });
    await expect(broker.connect()).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    await broker.close();
    await broker.clock.advance("1 s");
    expect(broker.clock.now).toBe(NOW + 1_000);
  });

  it("comes by itself at the end of a block", async () => {
    let client: Client | undefined;
    {
      await using broker = createTestBroker();
      client = await broker.connect();
    }
    expect(await client.closed).toMatchObject({ code: "SHUTTING_DOWN" });
  });
});

it("has the limits of a broker, and says which is out of range", async () => {
  const { client } = await open({ maxMessageBytes: 1_000, node: 7, durability: "write" });
  expect(client.info).toMatchObject({ nodeId: 7, shards: 1, limits: { maxMessageBytes: 1_000 } });
  await expect(client.publish("t", new Uint8Array(1_001))).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
  expect(await client.publish("t", "x")).toMatchObject({ durability: "write" });
  expect(() => createTestBroker({ ttr: 0 })).toThrow(RangeError);
});

it("leaves messages as they were, whatever comes after them", async () => {
  const { client } = await open();
  const bodies = Array.from({ length: 50 }, (_, i) => `message ${i}`);
  for (const body of bodies) await client.publish("t", body);
  const popped = [];
  for (const _ of bodies) popped.push(...(await client.pop("t")));
  expect(texts(popped)).toEqual(bodies);
});

it("does not mix brokers of one process", async () => {
  const brokers = await Promise.all(Array.from({ length: 50 }, () => open()));
  await Promise.all(brokers.map(({ client }, i) => client.publish("t", `${i}`)));
  await Promise.all(brokers.map(({ broker }, i) => broker.clock.advance(i)));
  const popped = await Promise.all(brokers.map(({ client }) => client.pop("t", { max: 9 })));
  expect(popped.map(texts)).toEqual(brokers.map((_, i) => [`${i}`]));
  expect(brokers.map(({ broker }) => broker.clock.now - NOW)).toEqual(brokers.map((_, i) => i));
});
