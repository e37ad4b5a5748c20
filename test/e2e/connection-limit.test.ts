import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { BrokerOptions } from "../../src/main/options.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { Op } from "../../src/protocol/op.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { frame, readFrame } from "../main/frames.js";
import { testBroker as anyBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { NativeClient } from "./native-client.js";

const open = async (port: number): Promise<Socket> => {
  const socket = createConnection(port, "127.0.0.1");
  // One that is closed at once may be reset.
  socket.on("error", () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  return socket;
};

const ping = async (socket: Socket): Promise<string> => {
  socket.write("GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return String((await once(socket, "data"))[0]);
};

describe.each(ENGINE_NAMES)("on the engine %s", (httpEngine) => {
  const testBroker = (options: Partial<BrokerOptions> = {}) => anyBroker({ httpEngine, ...options });

  it("HTTP connections count among maxConnections, and far too many of them are closed", async () => {
    const { tcp, http } = await testBroker({ maxConnections: 2 });
    const sockets = [await open(http), await open(http)];
    for (const socket of sockets) expect(await ping(socket)).toContain("200 OK");
    const { code } = ERRORS.TOO_MANY_CONNECTIONS;
    expect((await (await NativeClient.open(tcp)).next()).head[0]).toBe(code);
    const refused = new WebSocket(`ws://127.0.0.1:${http}/mq`);
    const [message] = (await once(refused, "message")) as [Buffer];
    expect(readFrame(message).head[0]).toBe(code);
    await once(refused, "close");

    for (let i = 0; i < 100; i++) {
      const socket = await open(http);
      sockets.push(socket);
      expect(await ping(socket)).toContain("200 OK");
    }
    const excess = await open(http);
    await once(excess, "close");

    for (const socket of sockets) socket.destroy();
    // That the broker has noticed shows in that it lets the next ones in.
    for (const wanted of ["tcp", "tcp"]) {
      for (let answer: number = Op.PING; answer !== Op.HELLO; ) {
        const client = await NativeClient.open(tcp);
        client.send(frame(Op.HELLO, 1, [1, wanted]));
        answer = (await client.next()).op;
      }
    }
  });

  it("a WebSocket counts once, as long as it is there", async () => {
    const { http, broker } = await testBroker({ maxConnections: 2 });
    for (let i = 0; i < 5; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${http}/mq`);
      await once(socket, "open");
      expect(broker.isFull).toBe(false);
      const another = new WebSocket(`ws://127.0.0.1:${http}/mq`);
      await once(another, "open");
      while (!broker.isFull) await new Promise((resolve) => setImmediate(resolve));
      socket.close();
      another.close();
      while (broker.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
      expect(broker.isFull).toBe(false);
    }
  });
});

it("a worker whose lease thread gets no connection keeps its leases over its own", async () => {
  const { tcp } = await anyBroker({ maxConnections: 1, maxConnectionsPerAddress: 1 });
  const client = await clientOf(tcp);
  await client.configure("jobs", { ttr: 400 });
  await client.publish("jobs", "x");
  let runs = 0;
  const worker = await client.work("jobs", async (message) => {
    runs++;
    while (Date.now() < message.deadline + 400) await turn();
  });
  while (worker.processed + worker.lost === 0) await turn();
  await worker.drain();
  expect([runs, worker.processed, worker.lost]).toEqual([1, 1, 0]);
  expect((await client.stats("jobs")).acked).toBe(1);
});
