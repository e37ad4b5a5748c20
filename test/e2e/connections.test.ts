/** Who is connected: over the native protocol, over HTTP, and as `ringmq connections` tells it. */
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Client, ConnectionInfo } from "../../src/client/index.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { frame } from "../main/frames.js";
import { sharedBroker, testBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { NativeClient } from "./native-client.js";
import { Shell } from "./shell.js";

const { connect } = (await import(
  "../../dist/client/index.js" as string
)) as typeof import("../../src/client/index.js");

const broker = sharedBroker({ shards: 2 });

const named = async (url: string, name: string, reconnect = true): Promise<Client> => {
  const client = await connect(url, reconnect ? { name } : { name, reconnect: false });
  onTestFinished(() => client.close());
  return client;
};

const listOf = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
};

const all = (client: Client): Promise<ConnectionInfo[]> => listOf(client.connections());

const byName = async (client: Client, name: string): Promise<ConnectionInfo> => {
  const [found, another] = (await all(client)).filter((connection) => connection.name === name);
  if (found === undefined || another !== undefined) throw new Error(`not one connection is called ${name}`);
  return found;
};

const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
  }
};

describe("the connections of a broker", () => {
  it("are told with their protocol, address, name, age and traffic", async () => {
    const { tcp, http } = broker();
    const before = Date.now();
    const ours = await named(`tcp://127.0.0.1:${tcp}`, "ours");
    await named(`ws://127.0.0.1:${http}`, "page");
    const line = connectSocket(tcp, "127.0.0.1");
    onTestFinished(() => void line.destroy());
    line.write("pub ");
    await once(line, "connect");
    await ours.publish("traffic", "x".repeat(10_000));
    const found = await until(async () => {
      const connections = await all(ours);
      return connections.some(({ protocol }) => protocol === "gmq-line") ? connections : undefined;
    });
    expect(found.map(({ protocol }) => protocol)).toEqual(expect.arrayContaining(["tcp", "websocket", "gmq-line"]));
    expect(found.map(({ id }) => id)).toEqual(found.map(({ id }) => id).sort((a, b) => a - b));
    const own = found.find(({ name }) => name === "ours");
    expect(own).toMatchObject({ protocol: "tcp", user: "", unanswered: 1, consumers: 0, held: false, unsentBytes: 0 });
    expect(own?.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(own?.since).toBeGreaterThanOrEqual(before);
    expect(own?.receivedBytes).toBeGreaterThan(10_000);
    expect(own?.sentBytes).toBeGreaterThan(50);
    expect(found.find(({ protocol }) => protocol === "gmq-line")?.address).toBe(`127.0.0.1:${line.localPort}`);
    // A rate is there when a sweep has measured it.
    const rate = await until(async () => {
      await ours.publish("traffic", "x".repeat(10_000));
      return (await byName(ours, "ours")).receivedRate || undefined;
    });
    expect(rate).toBeGreaterThan(10_000);
  });

  it("are told with consumers, over pages and shards, and one whose client reads nothing is held", async () => {
    const { tcp, broker: own } = await testBroker({ shards: 2, maxOutgoingBytes: 64 * 1024 });
    const client = await clientOf(tcp);
    await using consumer = await client.consume("work", { queue: "default" });
    for (let i = 0; i < 120; i++) await NativeClient.greeted(tcp);
    expect(await all(client)).toHaveLength(121);
    await client.publish("work", "x");
    for await (const message of consumer) {
      const [one] = await listOf(client.consumers());
      expect(one).toMatchObject({ topic: "work", queue: "default", pop: false, inFlight: 1 });
      expect(own.connections.find(one?.connection ?? 0)?.info.consumers).toBe(1);
      await message.ack();
      break;
    }
    const reader = await NativeClient.greeted(tcp);
    reader.socket.pause();
    await client.publishBatch("flood", Array(250).fill("x".repeat(50_000)));
    reader.send(frame(Op.CONSUME, 7, ["flood", "", 400]));
    const held = await until(async () => (await all(client)).find((connection) => connection.held));
    expect(held).toMatchObject({ protocol: "tcp", consumers: 1 });
    expect(held.unsentBytes).toBeGreaterThan(64 * 1024);
    const flood = (await listOf(client.consumers())).find(({ topic }) => topic === "flood");
    expect(flood).toMatchObject({ connection: held.id, state: "held" });
  });

  it("can be closed: the client hears why, and what it held is ready again", async () => {
    const { tcp } = broker();
    const client = await clientOf(tcp);
    const victim = await named(`tcp://127.0.0.1:${tcp}`, "victim", false);
    await client.publish("held", "x");
    const consumer = await victim.consume("held");
    const [taken] = [(await consumer[Symbol.asyncIterator]().next()).value];
    expect(taken?.text()).toBe("x");
    const { id } = await byName(client, "victim");
    expect(await client.closeConnection(id)).toBe(true);
    expect((await victim.closed)?.code).toBe("CLOSED_BY_OPERATOR");
    expect(await client.closeConnection(id)).toBe(false);
    await until(async () => ((await client.stats("held")).queues[0]?.ready === 1 ? true : undefined));
    // One that reconnects is there again, as another connection.
    const lasting = await named(`tcp://127.0.0.1:${tcp}`, "lasting");
    const first = await byName(client, "lasting");
    await client.closeConnection(first.id);
    await lasting.publish("held", "y");
    expect((await byName(client, "lasting")).id).toBeGreaterThan(first.id);
    // And the own one, which has the answer first.
    const suicidal = await named(`tcp://127.0.0.1:${tcp}`, "suicidal", false);
    expect(await suicidal.closeConnection((await byName(client, "suicidal")).id)).toBe(true);
    await expect(client.closeConnection(0)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });

  it("are told over HTTP, where they can be closed too", async () => {
    const { tcp, http } = broker();
    const at = (path: string, method = "GET"): Promise<Response> =>
      fetch(`http://127.0.0.1:${http}${path}`, { method });
    const victim = await named(`tcp://127.0.0.1:${tcp}`, "for http", false);
    await using _ = await victim.consume("of-http");
    const [connections, more] = (await (await at("/connections?max=1000")).json()) as [ConnectionInfo[], boolean];
    expect(more).toBe(false);
    expect(connections.map(({ protocol }) => protocol)).toContain("http");
    const { id, consumers } = connections.find(({ name }) => name === "for http") ?? { id: 0, consumers: 0 };
    expect(consumers).toBe(1);
    const lists = await Promise.all([0, 1].map(async (shard) => (await at(`/consumers?shard=${shard}`)).json()));
    expect(lists.flatMap((page) => (page as [{ topic: string }[]])[0])).toContainEqual(
      expect.objectContaining({ topic: "of-http", connection: id, client: "for http" }),
    );
    expect(await (await at(`/connections?id=${id}`, "DELETE")).json()).toEqual({ count: 1 });
    expect((await victim.closed)?.code).toBe("CLOSED_BY_OPERATOR");
    expect(await (await at(`/connections?id=${id}`, "DELETE")).json()).toEqual({ count: 0 });
    const nobody = await at("/connections", "DELETE");
    expect([nobody.status, await nobody.json()]).toEqual([
      400,
      { error: { code: "BAD_QUERY", text: "id is missing" } },
    ]);
    const refused = await at("/connections?max=many");
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: { code: "BAD_QUERY", text: "max must be a whole number" } },
    ]);
    expect((await at("/connections?max=5000")).status).toBe(400);
    expect((await at("/connections", "POST")).status).toBe(405);
    expect((await at("/consumers?shard=7")).status).toBe(400);
  });

  it("are told a few times at once, so that whoever asks again and again keeps nobody waiting: BUSY", async () => {
    const { tcp } = broker();
    const client = await NativeClient.greeted(tcp);
    const requests = 1_000;
    client.send(...Array.from({ length: requests }, (_, i) => frame(Op.CONNECTIONS, i + 2, [0, 1_000])));
    let [told, busy] = [0, 0];
    while (told + busy < requests) {
      const { op, head } = await client.next();
      if (op === Answer.RESULT) told++;
      else if (op === Answer.ERROR && head[0] === ERRORS.BUSY.code) busy++;
    }
    expect(told).toBeGreaterThanOrEqual(8);
    // They come in a few reads.
    expect(busy).toBeGreaterThan(requests / 2);
    // Afterwards it is told again.
    expect(await client.ask(Op.CONNECTIONS, requests + 2, [0, 1_000])).toMatchObject({ op: Answer.RESULT });
    client.socket.destroy();
  });
});

it("ringmq connections lists them, and closes one", async () => {
  const { tcp } = broker();
  const shell = new Shell(undefined, { RINGMQ_SERVER: `tcp://127.0.0.1:${tcp}` });
  const painter = await NativeClient.open(tcp);
  painter.send(frame(Op.HELLO, 1, [1, "red \u001b[31m"]));
  await painter.next();
  const victim = await named(`tcp://127.0.0.1:${tcp}`, "listed", false);
  await victim.publish("listed", "x");
  await using consumer = await victim.consume("listed", { prefetch: 3 });
  await consumer[Symbol.asyncIterator]().next();
  const lines = (await shell.output("ringmq connections --json")).trim().split("\n");
  const rows = lines.map((line) => JSON.parse(line) as ConnectionInfo & { inFlight: number; credit: number });
  const row = rows.find(({ name }) => name === "listed");
  expect(row).toMatchObject({ consumers: 1, inFlight: 1, credit: 2 });
  const table = await shell.output("ringmq connections");
  expect(table).toMatch(/^\d+ connections\n *id +protocol +user +unanswered /);
  expect(table).toContain(" listed\n");
  expect(table).toContain(" red ");
  expect(table).not.toContain("\u001b");
  expect(await shell.output(`ringmq connections --close ${row?.id}`)).toBe(`closed ${row?.id}\n`);
  expect((await victim.closed)?.code).toBe("CLOSED_BY_OPERATOR");
  const { text, exit } = shell.program(`ringmq connections --close ${row?.id}`);
  expect([await exit, text.err]).toEqual([1, `error: there is no connection ${row?.id}\n`]);
});
