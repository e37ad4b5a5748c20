/**
 * The client of several nodes: its traffic moves on when a node goes, and nothing that was confirmed is lost.
 */
import { describe, expect, it } from "vitest";
import type { NodesClient } from "../../src/client/nodes/nodes-client.js";
import { allConnected, type NodeProcess, nodesBecome, nodesClientOf, sharesOf, startNode } from "./nodes.js";

const startNodes = (): Promise<NodeProcess[]> => Promise.all([startNode(1), startNode(2), startNode(3)]);

const clientOf = async (nodes: readonly NodeProcess[], weights: readonly number[] = []): Promise<NodesClient> => {
  const source = { nodes: nodes.map(({ url }, i) => ({ url, weight: weights[i] ?? 1 })) };
  const client = await nodesClientOf(source, { retryTimeout: 20_000 });
  await nodesBecome(client, allConnected(nodes.length));
  return client;
};

/** Publishes numbered messages, as fast as there is room, until it is told to stop. */
const publishing = (client: NodesClient, topic: string) => {
  const confirmed: string[] = [];
  const refused: unknown[] = [];
  let published = 0;
  let isStopped = false;
  const run = async (): Promise<void> => {
    const answers: Promise<void>[] = [];
    while (!isStopped) {
      for (let i = 0; i < 100; i++) {
        const body = String(published++);
        const answer = client.publish(topic, body);
        answers.push(
          answer.then(
            () => void confirmed.push(body),
            (error) => void refused.push(error),
          ),
        );
      }
      await Promise.all([client.ready(), new Promise(setImmediate)]);
    }
    await Promise.all(answers);
  };
  const running = run();
  return {
    confirmed,
    refused,
    /** Resolves when this many messages more have been confirmed. */
    more: async (count: number): Promise<void> => {
      const enough = confirmed.length + count;
      while (confirmed.length < enough) await new Promise(setImmediate);
    },
    stop: async (): Promise<void> => {
      isStopped = true;
      await running;
    },
  };
};

/** Consumes and acks until each of the bodies was seen. Returns how often each was. */
const consumeAll = async (
  client: NodesClient,
  topic: string,
  bodies: readonly string[],
): Promise<Map<string, number>> => {
  const missing = new Set(bodies);
  const seen = new Map<string, number>();
  if (missing.size === 0) return seen;
  for await (const batch of (await client.consume(topic)).batches()) {
    for (const message of batch) {
      const body = message.text();
      missing.delete(body);
      seen.set(body, (seen.get(body) ?? 0) + 1);
    }
    await batch.ack();
    if (missing.size === 0) break;
  }
  return seen;
};

describe("a node that is killed under traffic", () => {
  it("loses nothing that was confirmed: what was not is sent to the others, and it has its share again when it is back", async () => {
    const nodes = await startNodes();
    const client = await clientOf(nodes);
    const traffic = publishing(client, "orders");
    await traffic.more(5000);
    await nodes[1]?.end("SIGKILL");
    await traffic.more(5000);
    expect(client.nodes.map(({ state }) => state)).toEqual(["connected", "lost", "connected"]);
    await nodes[1]?.restart();
    await nodesBecome(client, allConnected(3));
    const [, before = 0] = await sharesOf(client, "orders");
    await traffic.more(5000);
    await traffic.stop();
    const [, after = 0] = await sharesOf(client, "orders");
    expect(after - before).toBeGreaterThan(1000);
    expect(traffic.refused).toEqual([]);
    expect(client.pendingBytes).toBe(0);

    const seen = await consumeAll(client, "orders", traffic.confirmed);
    expect(traffic.confirmed.filter((body) => !seen.has(body))).toEqual([]);
    await client.drain();
  });

  it("takes what it delivered with it: acks of that reject, it is delivered again, and the loop goes on meanwhile", async () => {
    const nodes = await startNodes();
    const client = await clientOf(nodes);
    const urls = nodes.map(({ url }) => url);
    await client.onEachNode((each, { url }) => each.publish("orders", `of ${urls.indexOf(url)}`));
    const consumer = await client.consume("orders", { prefetch: 10 });
    const held = [];
    for (let i = 0; i < 3; i++) held.push((await consumer.next()).value);
    const lost = held.find((message) => message?.text() === "of 1");
    await nodes[1]?.end("SIGKILL");
    await nodesBecome(client, allConnected(2));
    await expect(lost?.ack()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    for (const message of held) if (message !== lost) await message?.ack();
    await client.publish("orders", "meanwhile");
    const { value } = await consumer.next();
    expect(value?.text()).toBe("meanwhile");
    await value?.ack();

    const next = consumer.next();
    await nodes[1]?.restart();
    const { value: again } = await next;
    expect(again?.text()).toBe("of 1");
    await again?.ack();
    await consumer.return();
  });
});

describe("a node that stops", () => {
  it("is published to no more from its goodbye on: nothing is refused, lost or stored twice", async () => {
    const nodes = await startNodes();
    const client = await clientOf(nodes);
    const traffic = publishing(client, "orders");
    await traffic.more(3000);
    await nodes[2]?.end("SIGTERM");
    await traffic.more(3000);
    await traffic.stop();
    await nodes[2]?.restart();
    await nodesBecome(client, allConnected(3));
    expect(traffic.refused).toEqual([]);
    const seen = await consumeAll(client, "orders", traffic.confirmed);
    expect([...seen].filter(([, times]) => times !== 1)).toEqual([]);
  });
});

describe("publishing", () => {
  it("shares by weight, exactly, call by call", async () => {
    const client = await clientOf(await startNodes(), [5, 0, 1]);
    await Promise.all(Array.from({ length: 600 }, (_, i) => client.publish("orders", `${i}`)));
    expect(await sharesOf(client, "orders")).toEqual([500, 0, 100]);
  });

  it("without any node waits for one, and for no longer than it may", async () => {
    const node = await startNode();
    const impatient = await nodesClientOf({ nodes: [{ url: node.url }] }, { retryTimeout: 300 });
    const client = await nodesClientOf({ nodes: [{ url: node.url }] });
    await node.end("SIGKILL");
    await Promise.all([nodesBecome(impatient, allConnected(0)), nodesBecome(client, allConnected(0))]);
    await expect(impatient.publish("orders", "too late")).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    const waiting = client.publish("orders", "in time");
    await node.restart();
    await waiting;
    expect((await client.pop("orders", { max: 10, wait: 5000 })).map((message) => message.text())).toEqual(["in time"]);
  });
});

it("a pop takes of any node, and waits at all of them", async () => {
  const nodes = await startNodes();
  const client = await clientOf(nodes);
  expect(await client.pop("orders")).toEqual([]);
  const waiting = client.pop("orders", { wait: 20_000 });
  await client.onEachNode(async (each, { url }) =>
    url === nodes[2]?.url ? each.publish("orders", "here") : undefined,
  );
  const [message] = await waiting;
  expect(message?.text()).toBe("here");
  await message?.nack({ retry: false });
  const [dead] = await client.popDead("orders");
  expect(dead?.text()).toBe("here");
  await dead?.ack();
  const forever = expect(client.pop("orders", { wait: 3_600_000 })).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  await client.close();
  await forever;
});
