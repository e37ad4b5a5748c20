import type { Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Op } from "../../../src/protocol/op.js";
import { entries, frame } from "../../main/frames.js";
import { clientOf } from "../clients.js";
import { NativeClient } from "../native-client.js";
import { rawFrame } from "./bombs.js";
import { beside, type HostileBroker, hostileBroker, residentMemory } from "./neighbour.js";
import { message, messageHead, rawWebSocket } from "./raw-web-socket.js";

const MEBIBYTE = 1024 * 1024;
const HELLO = frame(Op.HELLO, 1, [1, "hostile"]);

/** Memory that the broker takes on while `attack` goes on beside a neighbour, in MiB. */
const growth = async (broker: HostileBroker, attack: () => Promise<void>): Promise<number> => {
  const warm = await NativeClient.greeted(broker.tcp);
  await warm.ping();
  const before = residentMemory(broker);
  let most = before;
  const timer = setInterval(() => {
    if (broker.child.exitCode === null) most = Math.max(most, residentMemory(broker));
  }, 20);
  onTestFinished(() => clearInterval(timer));
  await beside(broker, attack);
  clearInterval(timer);
  return most - before;
};

const destroyAll = (sockets: readonly Socket[]): void => {
  for (const socket of sockets) socket.destroy();
};

/** Writes until the other side takes no more for a while, has closed, or all is written. */
const push = (socket: Socket, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    socket.setTimeout(1_000, resolve);
    socket.once("close", () => resolve());
    socket.write(bytes, () => resolve());
  });

describe("what one client makes the broker hold has an owner and a bound", () => {
  it("half of a message on each of 128 WebSockets", async () => {
    const broker = await hostileBroker("--memory", "64mb");
    const half = Buffer.alloc(8 * MEBIBYTE);
    const grown = await growth(broker, async () => {
      const sockets = await Promise.all(Array.from({ length: 128 }, () => rawWebSocket(broker.http)));
      await Promise.all(
        sockets.map(async (socket) => {
          socket.write(message(HELLO));
          await push(socket, Buffer.concat([messageHead(16 * MEBIBYTE), half]));
        }),
      );
      destroyAll(sockets);
    });
    expect(grown).toBeLessThan(200);
  }, 60_000);

  it("subscribers on 400 WebSockets that read nothing", async () => {
    const broker = await hostileBroker("--memory", "64mb");
    const grown = await growth(broker, async () => {
      const sockets = await Promise.all(Array.from({ length: 400 }, () => rawWebSocket(broker.http)));
      for (const socket of sockets) socket.write(message(HELLO));
      for (const socket of sockets) socket.write(message(frame(Op.SUBSCRIBE, 2, ["news"])));
      const publisher = await NativeClient.greeted(broker.tcp);
      const body = "x".repeat(16_000);
      for (let i = 0; i < 300; i++) {
        publisher.send(frame(Op.PUBLISH_CHANNEL, 10 + i, ["news"], entries(body)));
        await publisher.next();
      }
      await publisher.ping();
      destroyAll(sockets);
    });
    expect(grown).toBeLessThan(500);
  }, 60_000);

  it("half of a frame on each of 40 connections, and others publish what is large all the same", async () => {
    const broker = await hostileBroker();
    const large = Buffer.alloc(4 * MEBIBYTE, "x");
    const grown = await growth(broker, async () => {
      const whole = frame(Op.PUBLISH, 2, ["held"], entries(Buffer.alloc(16 * MEBIBYTE - 1_024)));
      const strangers = await Promise.all(Array.from({ length: 40 }, () => NativeClient.greeted(broker.tcp)));
      for (const { socket } of strangers) await push(socket, whole.subarray(0, 8.5 * MEBIBYTE));
      const client = await clientOf(broker.tcp);
      for (let i = 0; i < 3; i++) await client.publish("large", large);
      expect(await client.purge("large")).toBe(3);
      destroyAll(strangers.map(({ socket }) => socket));
    });
    expect(grown).toBeLessThan(600);
  }, 60_000);

  it("thousands of clients with long names", async () => {
    const broker = await hostileBroker("--max-connections", "5000");
    const hello = frame(Op.HELLO, 1, [1, "n".repeat(65_000)]);
    const grown = await growth(broker, async () => {
      const clients: NativeClient[] = [];
      for (let i = 0; i < 2_500; i++) {
        const client = await NativeClient.open(broker.tcp);
        client.send(hello);
        clients.push(client);
      }
      await Promise.all(clients.map((client) => client.next().catch(() => undefined)));
      destroyAll(clients.map(({ socket }) => socket));
    });
    expect(grown).toBeLessThan(120);
  }, 60_000);

  it("requests whose answers are not read", async () => {
    const broker = await hostileBroker("--memory", "64mb");
    const filler = await clientOf(broker.tcp);
    await filler.configure("full", { durability: "memory", retries: 1_000 });
    await filler.publish("full", Buffer.alloc(64 * 1024));
    const grown = await growth(broker, async () => {
      const sockets: Socket[] = [];
      for (let i = 0; i < 30; i++) {
        const { socket } = await NativeClient.greeted(broker.tcp);
        socket.pause();
        const requests: Buffer[] = [];
        for (let j = 0; j < 20_000; j++) requests.push(frame(Op.BROWSE, 2 + j, ["full"]));
        socket.write(Buffer.concat(requests));
        sockets.push(socket);
      }
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      destroyAll(sockets);
    });
    expect(grown).toBeLessThan(500);
  }, 60_000);

  it("a flood of frames that are none", async () => {
    const broker = await hostileBroker();
    const grown = await growth(broker, async () => {
      for (let i = 0; i < 500; i++) {
        const client = await NativeClient.open(broker.tcp);
        client.send(HELLO, rawFrame(i & 0xff, 2, Uint8Array.from([0xdd, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(i)));
        await Promise.race([client.next(), client.closed]).catch(() => undefined);
        client.socket.destroy();
      }
    });
    expect(grown).toBeLessThan(100);
  }, 60_000);
});
