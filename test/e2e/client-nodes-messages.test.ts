/**
 * What a client of several nodes does with messages that it names by their ids and keys, and with dead letters: wherever they are,
 * and while one of the nodes is away.
 */
import { join } from "node:path";
import { expect, it } from "vitest";
import type { NodesClient } from "../../src/client/nodes/nodes-client.js";
import { type TestBroker, testBroker, testDirectory } from "./brokers.js";
import { allConnected, nodesBecome, nodesClientOf } from "./nodes.js";

const NODES = [1, 2, 3] as const;
const TOO_SLOW = 1000;

interface Nodes {
  readonly client: NodesClient;
  /** Stops a node; resolves when the client knows. Starts it again: resolves when the client is connected to it. */
  stop(node: number): Promise<void>;
  start(node: number): Promise<void>;
}

const threeNodes = async (): Promise<Nodes> => {
  const data = testDirectory();
  const start = (node: number, port = 0): Promise<TestBroker> =>
    testBroker({ node, data: join(data, `${node}`), http: "off", tcp: { host: "127.0.0.1", port } });
  const brokers = await Promise.all(NODES.map((node) => start(node)));
  const nodes = brokers.map(({ tcp }) => ({ url: `tcp://127.0.0.1:${tcp}` }));
  const client = await nodesClientOf({ nodes }, { pick: "turn" });
  await nodesBecome(client, allConnected(3));
  return {
    client,
    stop: async (node) => {
      await brokers[node - 1]?.broker.close();
      await nodesBecome(client, (states) => states[node - 1]?.state === "lost");
    },
    start: async (node) => {
      const { tcp } = brokers[node - 1] ?? {};
      brokers[node - 1] = await start(node, tcp);
      await nodesBecome(client, allConnected(3));
    },
  };
};

/** A delayed message on each node, with a key. Answers their ids, in the order of the nodes. */
const delayed = (client: NodesClient, topic: string): Promise<string[]> =>
  client.onEachNode(async (each) => {
    const key = `key ${each.info.nodeId}`;
    return (await each.publish(topic, `of ${each.info.nodeId}`, { delay: 3_600_000, key })).id;
  });

/** Dead letters on each node: `count` of the first, twice as many of the second, and so on. Answers their ids. */
const bury = (client: NodesClient, count: number): Promise<string[][]> =>
  client.onEachNode(async (each) => {
    const { nodeId } = each.info;
    const bodies = Array.from({ length: count * nodeId }, (_, i) => `${nodeId}.${i}`);
    const { ids } = await each.publishBatch("bills", bodies);
    for (const message of await each.pop("bills", { max: bodies.length })) {
      await message.nack({ retry: false, reason: nodeId === 2 ? "no such shop" : "the shop is closed" });
    }
    return ids;
  });

it("finds, cancels, reschedules and runs messages by id and by key, whichever node has them", async () => {
  const { client } = await threeNodes();
  const [first = "", second = "", third = ""] = await delayed(client, "jobs");
  expect((await client.lookup("jobs", third))?.text()).toBe("of 3");
  expect((await client.lookup("jobs", { key: "key 2" }))?.id).toBe(second);
  expect(await client.lookup("jobs", { key: "no key" })).toBeUndefined();
  await expect(client.lookup("no topic", first)).rejects.toMatchObject({ code: "NO_TOPIC" });

  expect(await client.runNow("jobs", { key: ["key 3", "no key"] })).toEqual({
    settled: 1,
    faults: [{ id: "", key: "no key", code: "UNKNOWN_MESSAGE" }],
  });
  const [job] = await client.pop("jobs");
  expect(job?.text()).toBe("of 3");
  // In flight at its node, and unknown to the others.
  expect(await client.cancel("jobs", { key: ["key 1", "key 3"] })).toEqual({
    settled: 1,
    faults: [{ id: "", key: "key 3", code: "MESSAGE_IN_FLIGHT" }],
  });
  expect(await client.reschedule("jobs", [first, second, third], 7_200_000)).toEqual({
    settled: 1,
    faults: expect.toSatisfy(
      (faults: readonly { id: string; code: string }[]) =>
        faults.length === 2 &&
        faults.some(({ id, code }) => id === first && code === "UNKNOWN_MESSAGE") &&
        faults.some(({ id, code }) => id === third && code === "NOT_DELAYED"),
    ),
  });
  const later = (await client.lookup("jobs", second))?.copies[0].time ?? 0;
  expect(later - Date.now()).toBeGreaterThan(3_600_000 + TOO_SLOW);
  await expect(client.cancel("no topic", first)).rejects.toMatchObject({ code: "NO_TOPIC" });
  await expect(client.lookup("jobs", "no id")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
});

it("does not take a message for gone whose node is away, and does to it what it is asked to when the node is back", async () => {
  const { client, stop, start } = await threeNodes();
  const [first = "", second = ""] = await delayed(client, "jobs");
  await stop(2);
  await expect(client.lookup("jobs", second)).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  expect((await client.lookup("jobs", first))?.text()).toBe("of 1");
  expect(await client.cancel("jobs", { key: ["key 1", "key 2"] })).toEqual({
    settled: 1,
    faults: [{ id: "", key: "key 2", code: "CONNECT_FAILED" }],
  });

  await start(2);
  expect((await client.lookup("jobs", second))?.text()).toBe("of 2");
  expect(await client.cancel("jobs", { key: ["key 1", "key 2"] })).toEqual({
    settled: 1,
    faults: [{ id: "", key: "key 1", code: "UNKNOWN_MESSAGE" }],
  });
  expect(await client.lookup("jobs", second)).toBeUndefined();
});

it("lists and counts the dead letters of all nodes, and has them on their way again at one rate", async () => {
  const { client, stop, start } = await threeNodes();
  const [first = [], second = [], third = []] = await bury(client, 20);
  const dead = client.deadLetters("bills");
  const all: string[] = [];
  for await (const { id } of dead) all.push(id);
  expect(all).toEqual([...first, ...second, ...third]);
  expect((await dead.list({ offset: 15, max: 70 })).map(({ id }) => id)).toEqual(all.slice(15, 85));
  expect(await dead.list({ offset: 120 })).toEqual([]);
  const alike = { reason: "rejected", how: "rejected" };
  expect(await dead.groups()).toMatchObject({
    groups: [
      { ...alike, text: "the shop is closed", count: 80 },
      { ...alike, text: "no such shop", count: 40 },
    ],
    rest: 0,
  });
  expect(await dead.groups({ max: 1 })).toMatchObject({ groups: [{ count: 80 }], rest: 40 });

  expect(await dead.redrive({ ids: [first[0] ?? "", third[0] ?? "", "7"], rate: 1000 })).toEqual({
    settled: 2,
    faults: [{ id: "7", code: "UNKNOWN_MESSAGE" }],
  });
  // At 100 a second ten are sent on their way at a time, wherever they are: the fourth ten come after three tenths of a second.
  const began = performance.now();
  expect(await dead.redrive({ reason: "no such shop", rate: 100 })).toEqual({ settled: 40, faults: [] });
  expect(performance.now() - began).toBeGreaterThanOrEqual(299);
  expect(await dead.purge({ ids: [first[1] ?? "", third[1] ?? ""] })).toBe(2);

  await stop(3);
  expect((await dead.list()).map(({ id }) => id)).toEqual(first.slice(2));
  expect(await dead.redrive({ ids: third[2] ?? "" })).toMatchObject({
    settled: 0,
    faults: [{ code: "CONNECT_FAILED" }],
  });
  await start(3);
  expect(await dead.redrive({ all: true, dryRun: true })).toEqual({ settled: 76, faults: [] });
  expect(await dead.redrive({ all: true })).toEqual({ settled: 76, faults: [] });
  expect(await dead.list()).toEqual([]);
});

it("has an edited dead letter go on at its node", async () => {
  const { client } = await threeNodes();
  const [, [second = ""] = []] = await bury(client, 1);
  const dead = client.deadLetters("bills");
  const { receipt, isReplaced } = await dead.edit(second, "as it should be");
  expect(isReplaced).toBe(true);
  const bodies = await client.onEachNode((each) => each.browse("bills"));
  expect(bodies.map((messages) => messages.map(({ id }) => id))).toEqual([[], [receipt.id], []]);
  expect((await client.lookup("bills", receipt.id))?.text()).toBe("as it should be");
  await expect(dead.edit(second, "again")).rejects.toMatchObject({ code: "UNKNOWN_MESSAGE" });
});

it("looks for messages, connections and consumers on all nodes, and says of which node each is", async () => {
  const { client, stop, start } = await threeNodes();
  const ids = await client.onEachNode(async (each) => {
    const { nodeId } = each.info;
    // The second does not know the topic.
    if (nodeId === 2) return "";
    const { ids: of } = await each.publishBatch("orders", ["a paid one", `of ${nodeId}`], {
      headers: { node: `${nodeId}` },
    });
    return of[1] as string;
  });
  const [one = "", two = "", three = ""] = client.nodes.map(({ url }) => url);
  const search = client.find("orders", { text: "of " });
  expect([search.topic, search.queue, search.node]).toEqual(["orders", "default", one]);
  const found: string[] = [];
  for await (const message of search) found.push(message.id);
  expect(found).toEqual([ids[0], ids[2]]);
  expect([search.scanned, search.isOver, search.node]).toEqual([4, true, undefined]);
  const part = client.find("orders", { maxScanned: 1, max: 1 });
  for await (const _ of part);
  expect([part.isOver, part.node]).toEqual([false, one]);
  await expect(client.find("no topic").page()).rejects.toMatchObject({ code: "NO_TOPIC" });
  expect(() => client.find("orders", { from: "1" } as object)).toThrow("from");

  const [message] = await client.pop("orders");
  if (message === undefined) throw new Error("there are four");
  expect(await client.touchById("orders", message.id)).toEqual({ settled: 1, faults: [] });
  expect(await client.nackById("orders", message.id, { delay: 3_600_000 })).toEqual({ settled: 1, faults: [] });
  expect(await client.history("orders", ids[2] as string)).toMatchObject({ node: three, copies: [{ state: "ready" }] });
  expect((await client.explain("orders")).map(({ node }) => node)).toEqual(expect.arrayContaining([one, three]));

  const consumer = await client.consume("orders");
  const takers: [string, string][] = [];
  for await (const { node, topic } of client.consumers()) takers.push([node, topic]);
  expect(takers).toEqual([one, two, three].map((node) => [node, "orders"]));
  await consumer.stop();
  await stop(2);
  const connected: [string, number][] = [];
  for await (const { node, id } of client.connections()) connected.push([node, id]);
  expect(connected.map(([node]) => node)).toEqual([one, three]);
  await expect(client.closeConnection(two, 1)).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  await start(2);
  const [[, id] = ["", 0]] = connected;
  expect(await client.closeConnection(one, id)).toBe(true);
  await nodesBecome(client, (states) => states[0]?.state === "lost");
});

it("watches all nodes, those as well that come back, and ends with its client", async () => {
  const { client, stop, start } = await threeNodes();
  const urls = client.nodes.map(({ url }) => url);
  const watch = await client.watch();
  const all = async (since: number): Promise<void> => {
    const seen = new Set<string>();
    while (seen.size < urls.length) {
      const { value } = await watch.next();
      if (value === undefined) throw new Error("it has ended");
      expect(value.shards.length).toBeGreaterThan(0);
      if (value.time >= since) seen.add(value.node);
    }
    expect([...seen].sort()).toEqual([...urls].sort());
  };
  await all(0);
  await stop(2);
  await start(2);
  await all(Date.now());
  expect(watch.failed.size).toBe(0);
  await client.close();
  while ((await watch.next()).done !== true);
});
