/**
 * The client of several nodes finds them through a registry or etcd, and goes on without these.
 */
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { NodesClient } from "../../src/client/nodes/nodes-client.js";
import type { NodesEvent } from "../../src/client/nodes/options.js";
import { type Announcement, announce } from "../../src/registry/announcement/index.js";
import { startRegistry } from "../../src/registry/server/index.js";
import { dnsResolver } from "../../src/servers/dns-resolver.js";
import { FETCH_TIMEOUT } from "../debian-package.js";
import { EtcdServer, findEtcd } from "../registry/etcd-server.js";
import { DnsServer } from "../servers/dns-server.js";
import { type TestBroker, testBroker } from "./brokers.js";
import { allConnected, nodesBecome, nodesClientOf, sharesOf } from "./nodes.js";

const QUICK = { refreshInterval: 100 };

/** Where nodes are announced. */
interface Lists {
  readonly registries: readonly string[];
  readonly etcd: readonly string[];
}

interface Node extends TestBroker {
  readonly url: string;
  readonly announcement: Announcement;
}

/** A broker that announces itself. */
const startNode = async (id: number, lists: Lists, weight = 1): Promise<Node> => {
  const node = await testBroker({ node: id, durability: "memory" });
  const [tcpAddress, httpAddress] = [`127.0.0.1:${node.tcp}`, `127.0.0.1:${node.http}`];
  const announcement = announce(
    { id, weight, tcpAddress, httpAddress },
    { ...lists, checkInterval: 50, retryInterval: 20, refusalInterval: 50 },
  );
  onTestFinished(() => announcement.close());
  return { ...node, announcement, url: `tcp://${tcpAddress}` };
};

const registryAt = async (port = 0) => {
  const registry = await startRegistry({ http: { host: "127.0.0.1", port } });
  onTestFinished(() => registry.close());
  return registry;
};

const publishMany = (client: NodesClient, topic: string, count = 300): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, i) => client.publish(topic, `${i}`)));

/** Resolves with the next event of this type. */
const nextEvent = async (client: NodesClient, type: NodesEvent["type"]): Promise<NodesEvent | undefined> => {
  for await (const event of client.status()) if (event.type === type) return event;
  return undefined;
};

/** A client, once it is connected to so many nodes. */
const clientOf = async (lists: Lists, count: number): Promise<NodesClient> => {
  const [registry] = lists.registries;
  const source = registry === undefined ? { etcd: lists.etcd } : { registry };
  // The nodes announce themselves in their own time: an empty list is refused.
  let client: NodesClient | undefined;
  await expect
    .poll(async () => {
      client ??= await nodesClientOf(source, QUICK).catch(() => undefined);
      return client !== undefined;
    })
    .toBe(true);
  if (client === undefined) throw new Error("there is no client");
  await nodesBecome(client, allConnected(count));
  return client;
};

describe("with a registry", () => {
  it("publishes by the weights that it tells, and to nodes that come later", async () => {
    const { address } = await registryAt();
    const lists = { registries: [`http://127.0.0.1:${address.port}`], etcd: [] };
    await Promise.all([startNode(1, lists, 3), startNode(2, lists, 1)]);
    const client = await clientOf(lists, 2);
    await publishMany(client, "before", 400);
    const byId = new Map(client.nodes.map(({ id }, i) => [id, i]));
    const before = await sharesOf(client, "before");
    expect([before[byId.get(1) ?? 9], before[byId.get(2) ?? 9]]).toEqual([300, 100]);

    const consumer = await client.consume("late");
    const late = await startNode(3, lists, 4);
    await nodesBecome(client, allConnected(3));
    await publishMany(client, "after", 400);
    const at = client.nodes.findIndex(({ url }) => url === late.url);
    expect((await sharesOf(client, "after"))[at]).toBe(200);
    await client.onEachNode(async (each, { url }) => (url === late.url ? each.publish("late", "hello") : undefined));
    const { value } = await consumer.next();
    expect(value?.text()).toBe("hello");
    await value?.ack();
  });

  it("goes on with the last list while the registry is away, and with a new one when it is back", async () => {
    const first = await registryAt();
    const { port } = first.address;
    const lists = { registries: [`http://127.0.0.1:${port}`], etcd: [] };
    await Promise.all([startNode(1, lists), startNode(2, lists)]);
    const client = await clientOf(lists, 2);
    const failed = nextEvent(client, "list-failed");
    await first.close();
    expect(await failed).toMatchObject({ error: { code: "CONNECT_FAILED" } });
    await publishMany(client, "orders");
    expect(await sharesOf(client, "orders")).toEqual([150, 150]);

    await registryAt(port);
    await startNode(3, lists);
    await nodesBecome(client, (nodes) => allConnected(3)(nodes) && nodes.every(({ isListed }) => isListed));
    await publishMany(client, "again");
    expect(await sharesOf(client, "again")).toEqual([100, 100, 100]);
  });

  it("publishes no more to a node that is taken off the list, and still consumes what it has", async () => {
    const { address } = await registryAt();
    const lists = { registries: [`http://127.0.0.1:${address.port}`], etcd: [] };
    const [leaving] = await Promise.all([startNode(1, lists), startNode(2, lists)]);
    const client = await clientOf(lists, 2);
    await leaving.announcement.close();
    await nodesBecome(client, (nodes) => nodes.some(({ isListed }) => !isListed));
    await publishMany(client, "orders");
    const at = client.nodes.findIndex(({ url }) => url === leaving.url);
    expect((await sharesOf(client, "orders"))[at]).toBe(0);
    await client.onEachNode(async (each, { url }) => (url === leaving.url ? each.publish("rest", "here") : undefined));
    expect((await client.pop("rest"))[0]?.text()).toBe("here");

    await leaving.broker.close();
    await nodesBecome(client, (nodes) => nodes.length === 1);
  });

  it("that lists no node, or is none, is refused", async () => {
    const { address } = await registryAt();
    const refused = expect.objectContaining({ name: "RingmqError", code: "CONNECT_FAILED" });
    await expect(nodesClientOf({ registry: `127.0.0.1:${address.port}` })).rejects.toEqual(refused);
    const { tcp } = await testBroker();
    await expect(nodesClientOf({ registry: `127.0.0.1:${tcp}` })).rejects.toEqual(refused);
    await expect(nodesClientOf({ registry: "ftp://nowhere" })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });
});

describe("with etcd", () => {
  beforeAll(findEtcd, FETCH_TIMEOUT);

  it("finds nodes by their keys, goes on while etcd is away, and finds more when it is back", async () => {
    const etcd = await EtcdServer.start();
    const lists = { registries: [], etcd: [etcd.endpoint] };
    await Promise.all([startNode(1, lists, 1), startNode(2, lists, 2)]);
    const client = await clientOf(lists, 2);
    await publishMany(client, "orders");
    expect((await sharesOf(client, "orders")).sort()).toEqual([100, 200]);

    const failed = nextEvent(client, "list-failed");
    await etcd.kill();
    await failed;
    await publishMany(client, "meanwhile");
    expect((await sharesOf(client, "meanwhile")).sort()).toEqual([100, 200]);

    await etcd.start();
    await startNode(3, lists, 3);
    await nodesBecome(client, allConnected(3));
    await publishMany(client, "again");
    expect((await sharesOf(client, "again")).sort((a, b) => a - b)).toEqual([50, 100, 150]);
  });
});

describe("by names", () => {
  it("finds a node at each address, and follows the records as they change", async () => {
    const dns = await DnsServer.start();
    onTestFinished(() => dns.close());
    const first = await testBroker({ node: 1, durability: "memory" });
    const port = first.tcp;
    await testBroker({ node: 2, durability: "memory", tcp: { host: "127.0.0.2", port }, http: "off" });
    dns.records.set("nodes.test", ["127.0.0.1"]);
    const source = { names: [`tcp://nodes.test:${port}`], resolver: dnsResolver({ nameServers: [dns.address] }) };
    const client = await nodesClientOf(source, QUICK);
    dns.records.set("nodes.test", ["127.0.0.1", "127.0.0.2"]);
    await nodesBecome(client, allConnected(2));
    await publishMany(client, "orders");
    expect(await sharesOf(client, "orders")).toEqual([150, 150]);
    const failed = nextEvent(client, "list-failed");
    dns.isFailing = true;
    expect(await failed).toMatchObject({ error: { code: "CONNECT_FAILED" } });
    expect(client.nodes).toHaveLength(2);
    dns.isFailing = false;
    dns.records.set("nodes.test", ["127.0.0.2"]);
    // A node that is listed no more is used as long as it is there.
    await nodesBecome(client, (nodes) => nodes.some(({ isListed }) => !isListed));
    await first.broker.close();
    await nodesBecome(client, (nodes) => nodes.length === 1);
    expect(client.nodes.map(({ url }) => url)).toEqual([`tcp://127.0.0.2:${port}`]);
  });

  it.each([
    ["without a resolver", { names: ["tcp://nodes.test:1"] }],
    ["that are none", { names: ["nodes.test"], resolver: dnsResolver() }],
    ["beside another list", { names: ["tcp://nodes.test:1"], resolver: dnsResolver(), registry: "http://r" }],
  ])("refuses names %s", async (_, source) => {
    await expect(nodesClientOf(source as never)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });
});
