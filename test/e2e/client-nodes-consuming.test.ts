/**
 * Consuming several nodes at once.
 */
import { expect, it } from "vitest";
import type { Message } from "../../src/client/consume/message.js";
import type { NodesClient } from "../../src/client/nodes/nodes-client.js";
import { type TestBroker, testBroker } from "./brokers.js";
import { allConnected, nodesBecome, nodesClientOf } from "./nodes.js";

const start = async (): Promise<{ client: NodesClient; brokers: TestBroker[] }> => {
  const brokers = await Promise.all([1, 2, 3].map((node) => testBroker({ node, durability: "memory" })));
  const nodes = brokers.map(({ tcp }) => ({ url: `tcp://127.0.0.1:${tcp}` }));
  const client = await nodesClientOf({ nodes }, { pick: "turn" });
  await nodesBecome(client, allConnected(3));
  return { client, brokers };
};

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

const publishAll = (client: NodesClient, bodies: readonly string[]): Promise<unknown> =>
  Promise.all(bodies.map((body) => client.publish("orders", body)));

/** What is ready and what is in flight, on all nodes. */
const countsOf = async (client: NodesClient): Promise<{ ready: number; inFlight: number }> => {
  const queues = (await client.onEachNode((each) => each.stats("orders"))).flatMap((topic) => topic.queues);
  return {
    ready: queues.reduce((sum, { ready }) => sum + ready, 0),
    inFlight: queues.reduce((sum, { inFlight }) => sum + inFlight, 0),
  };
};

it("a loop gets the messages of all nodes, each once, and of each node in order", async () => {
  const { client } = await start();
  await publishAll(client, numbers(900));
  const seen: string[] = [];
  const consumer = await client.consume("orders", { prefetch: 50 });
  for await (const message of consumer) {
    seen.push(message.text());
    await message.ack();
    if (seen.length === 900) break;
  }
  expect(new Set(seen)).toEqual(new Set(numbers(900)));
  for (let node = 0; node < 3; node++) {
    const own = seen.map(Number).filter((n) => n % 3 === node);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  }
  expect(await consumer.closed).toBeUndefined();
  expect(await consumer.next()).toEqual({ done: true, value: undefined });
  expect(await countsOf(client)).toEqual({ ready: 0, inFlight: 0 });
});

it("leaving a loop gives back what it has not read, to the nodes that it came from", async () => {
  const { client } = await start();
  await publishAll(client, numbers(300));
  let held: Message | undefined;
  for await (const message of await client.consume("orders")) {
    held = message;
    break;
  }
  await expect.poll(() => countsOf(client)).toEqual({ ready: 299, inFlight: 1 });
  await held?.ack();
  expect(await countsOf(client)).toEqual({ ready: 299, inFlight: 0 });
});

it("drain lets the loop read all that has come, and settle it", async () => {
  const { client } = await start();
  await publishAll(client, numbers(300));
  const consumer = await client.consume("orders", { prefetch: 1000 });
  await expect.poll(() => consumer.buffered, { timeout: 20_000 }).toBe(300);
  let drained: Promise<void> | undefined;
  let read = 0;
  for await (const batch of consumer.batches()) {
    drained ??= client.drain();
    read += batch.size;
    expect((await batch.ack()).faults).toEqual([]);
  }
  await drained;
  await client.closed;
  expect(read).toBe(300);
});

it("close ends the loops", async () => {
  const { client } = await start();
  const consumer = await client.consume("orders");
  const next = consumer.next();
  await client.close();
  expect(await next).toEqual({ done: true, value: undefined });
  await expect(client.consume("orders")).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
});

it("a queue is consumed where it is declared; where no node has it, that is said", async () => {
  const { client, brokers } = await start();
  await expect(client.consume("orders", { queue: "eu" })).rejects.toMatchObject({
    code: expect.stringMatching(/^NO_/),
  });
  await expect(client.consume("orders", { prefetch: 0 })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  const last = `tcp://127.0.0.1:${brokers[2]?.tcp}`;
  await client.onEachNode(async (each, { url }) => {
    if (url !== last) return;
    await each.declareQueue("orders", "eu");
    await each.publish("orders", "hello", { routeKey: "eu" });
  });
  await using consumer = await client.consume("orders", { queue: "eu" });
  const { value } = await consumer.next();
  expect(value?.text()).toBe("hello");
  await value?.ack();
});

it("goes on when the shard of a node is restarted", async () => {
  const { client, brokers } = await start();
  const consumer = await client.consume("orders");
  const next = consumer.next();
  await Promise.all(brokers.map(({ broker }) => broker.supervisor.kill(0)));
  await client.publish("orders", "after");
  expect((await next).value?.text()).toBe("after");
});
