import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { expect, it } from "vitest";
import { WIRES } from "../tls.js";
import { testBroker } from "./brokers.js";
import { clientOf } from "./clients.js";

const CLIENTS = 60;

/** A request of gmq's first generation. */
const framed = (name: string, data: string): string =>
  `v111\0${String.fromCharCode(name.length)}\0${String.fromCharCode(data.length)}${name}${data}`;

const POPS = [
  ["the line protocol", "pop work default\n"],
  ["the line protocol's second generation", "pop work\n"],
  ["frames", framed("pop", "work")],
] as const;

const closes = (socket: Socket): unknown => socket.destroy();
/** TLS has no reset of its own. */
const resets = (socket: Socket): unknown => (socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy());

const LEAVES = [
  ["closes", closes],
  ["resets the connection", resets],
] as const;

const CASES = WIRES.flatMap((wire) =>
  POPS.flatMap(([protocol, pop]) =>
    LEAVES.map(([how, leave]) => [`${protocol} (${wire.name})`, how, pop, leave, wire] as const),
  ),
);

it.each(CASES)(
  "a message is not held for a client of %s that pops it and %s",
  async (_protocol, _how, pop, leave, wire) => {
    const { tcp } = await testBroker(wire.broker);
    const client = await clientOf(tcp, wire);
    await client.configure("work", { retries: 1000 });
    await client.publishBatch(
      "work",
      Array.from({ length: CLIENTS }, (_, i) => `${i}`),
    );
    for (let i = 0; i < CLIENTS; i++) {
      const socket = await wire.connect(tcp);
      socket.on("error", () => {});
      socket.write(pop, () => leave(socket));
      await once(socket, "close");
    }
    // Far below the TTR, which is a minute.
    const bodies = new Set<string>();
    while (bodies.size < CLIENTS) {
      for (const message of await client.pop("work", { max: CLIENTS, wait: 5_000 })) {
        bodies.add(message.text());
        await message.ack();
      }
    }
    expect(bodies.size).toBe(CLIENTS);
    const { queues } = await client.stats("work");
    expect(queues).toMatchObject([{ ready: 0, inFlight: 0, deadLetters: 0 }]);
  },
  20_000,
);

it("one that ends its side and listens gets its message whole, and keeps it", async () => {
  const { tcp } = await testBroker();
  const client = await clientOf(tcp);
  await client.publish("work", "hello");
  const socket = connect({ port: tcp, host: "127.0.0.1", allowHalfOpen: true });
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes.toString("latin1");
  });
  socket.end("pop work\n");
  await once(socket, "close");
  expect(heard).toMatch(/^\0\x65\0\0\0.\{"id":"\d+","body":"hello","retry_count":0\}$/);
  const { queues } = await client.stats("work");
  expect(queues).toMatchObject([{ ready: 0, inFlight: 1 }]);
});
