/** A client of nodes that lose their connections, or are killed, has each message stored once. */
import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { connectNodes } from "../../src/client/nodes/connect-nodes.js";
import type { NodesClient } from "../../src/client/nodes/nodes-client.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { started } from "./program.js";

const CLIENTS = 12;
const CUTS = 60;
const KILLS = 4;

/** Passes bytes on to a broker, and cuts each connection after so many bytes of answers as it is told. */
const cutting = async (port: number, bytesBeforeCut: () => number): Promise<{ port: number; cuts: () => number }> => {
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const broker = dial(port, "127.0.0.1");
    let left = bytesBeforeCut();
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    client.pipe(broker);
    broker.on("data", (bytes: Buffer) => {
      const passed = Math.min(left, bytes.length);
      client.write(bytes.subarray(0, passed));
      left -= passed;
      if (left > 0) return;
      cuts++;
      client.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, cuts: () => cuts };
};

/** Publishes until it is told to stop, many at once and each awaited, one by one and in batches. Answers the bodies. */
const publishing = (client: NodesClient, by = "client") => {
  const bodies: string[] = [];
  let duplicates = 0;
  let isOver = false;
  const loop = async (name: string): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      const several = Array.from({ length: 1 + (i % 7) }, (_, k) => `${by} ${name} ${i} ${k}`);
      bodies.push(...several);
      if (i % 5 === 0) await client.publishBatch("orders", several);
      else {
        const receipts = await Promise.all(several.map((body) => client.publish("orders", body)));
        duplicates += receipts.filter(({ duplicate }) => duplicate).length;
      }
    }
  };
  const loops = Promise.all(["a", "b", "c"].map(loop));
  return {
    end: async () => {
      isOver = true;
      await loops;
      return { bodies, duplicates };
    },
  };
};

/** All bodies that are in the topic. */
const stored = async (port: number): Promise<string[]> => {
  const client = await clientOf(port);
  const bodies: string[] = [];
  for (;;) {
    const messages = await client.pop("orders", { max: 4096 });
    if (messages.length === 0) return bodies;
    bodies.push(...messages.map((message) => message.text()));
    await Promise.all(messages.map((message) => message.ack()));
  }
};

it(`whatever answer is lost with its connection, ${CUTS} times`, { timeout: 120_000 }, async () => {
  const { tcp } = await testBroker({ data: testDirectory() });
  let seed = 7;
  const relay = await cutting(tcp, () => {
    seed = (seed * 48_271) % 0x7fff_ffff;
    // Behind the handshake, so that most connections come to publish something.
    return 150 + (seed % 900);
  });
  // Many of them, because each waits longer before it connects again the sooner its connection was lost.
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => connectNodes({ nodes: [{ url: `tcp://127.0.0.1:${relay.port}` }] })),
  );
  const work = clients.map((client, i) => publishing(client, `client ${i}`));
  while (relay.cuts() < CUTS) await Promise.race(clients.map((client) => client.status().next()));
  const done = await Promise.all(work.map((each) => each.end()));
  await Promise.all(clients.map((client) => client.close()));
  const bodies = done.flatMap((each) => each.bodies);
  expect((await stored(tcp)).sort()).toEqual(bodies.sort());
  const duplicates = done.reduce((sum, each) => sum + each.duplicates, 0);
  expect(duplicates).toBeGreaterThan(0);
});

it(`when its node is killed, ${KILLS} times`, { timeout: 120_000 }, async () => {
  const data = testDirectory();
  const start = (tcp: number, shards: number) =>
    started(["--tcp", `127.0.0.1:${tcp}`, "--http", "127.0.0.1:0", "--shards", String(shards), "--data", data]);
  let broker = await start(0, 2);
  const { tcp } = broker;
  const client = await connectNodes({ nodes: [{ url: `tcp://127.0.0.1:${tcp}` }] });
  const work = publishing(client);
  for (let kill = 0; kill < KILLS; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 300 + 200 * kill));
    broker.child.kill("SIGKILL");
    await broker.exit;
    broker = await start(tcp, 1 + (kill % 3));
  }
  const { bodies } = await work.end();
  await client.close();
  expect((await stored(tcp)).sort()).toEqual(bodies.sort());
});

/** One node refuses what its queue has no room for, while newer messages are taken by it; the other takes what it refused. */
it.each([0, 1])(
  "what was refused is taken later, where a topic remembers %i messages",
  { timeout: 60_000 },
  async (dedupMessages) => {
    const brokers = [await testBroker({ node: 1 }), await testBroker({ node: 2 })];
    const readers = await Promise.all(brokers.map(({ tcp }) => clientOf(tcp)));
    await Promise.all(readers.map((reader) => reader.configure("orders", { maxLength: 3, dedupMessages })));
    const client = await connectNodes({ nodes: brokers.map(({ tcp }) => ({ url: `tcp://127.0.0.1:${tcp}` })) });
    const bodies: string[] = [];
    const publishes: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      const several = [`${i} a`, `${i} b`];
      bodies.push(...several, `${i}`);
      publishes.push(client.publishBatch("orders", several), client.publish("orders", `${i}`));
      await client.onEachNode((node) => node.ping());
    }
    let isOver = false;
    const published = Promise.all(publishes).finally(() => {
      isOver = true;
    });
    const read: string[] = [];
    const readAll = async (): Promise<void> => {
      for (let isDry = false; !isDry; ) {
        isDry = isOver;
        for (const reader of readers) {
          const messages = await reader.pop("orders", { max: 2, wait: 20 });
          if (messages.length > 0) isDry = false;
          read.push(...messages.map((message) => message.text()));
          await Promise.all(messages.map((message) => message.ack()));
        }
      }
    };
    await Promise.all([published, readAll()]);
    await client.close();
    expect(read.sort()).toEqual(bodies.sort());
  },
);
