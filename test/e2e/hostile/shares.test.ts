import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Op } from "../../../src/protocol/op.js";
import { entries, frame } from "../../main/frames.js";
import { clientOf } from "../clients.js";
import { NativeClient } from "../native-client.js";
import { beside, hostileBroker } from "./neighbour.js";

/** Requests that are sent at once. */
const PIECE = 1_000;

/** Sends requests in pieces, and waits until the last is answered. */
const flood = async (client: NativeClient, count: number, make: (i: number) => Buffer): Promise<void> => {
  for (let from = 0; from < count; from += PIECE) {
    client.send(...Array.from({ length: Math.min(PIECE, count - from) }, (_, i) => make(from + i)));
    await client.ping();
  }
};

describe("nobody has all of what there is for everybody", () => {
  it("consumers, waiting pops and subscriptions", async () => {
    const broker = await hostileBroker("--max-consumers", "2000");
    await beside(broker, async () => {
      const greedy = await NativeClient.greeted(broker.tcp);
      await flood(greedy, 3_000, (i) => frame(Op.CONSUME, 10 + i, [`c${i % 10}`, "", 1]));
      await flood(greedy, 3_000, (i) => frame(Op.POP, 10_000 + i, [`p${i % 10}`, "", 1, 60_000]));
      await flood(greedy, 3_000, (i) => frame(Op.SUBSCRIBE, 20_000 + i, [`s${i}`]));
      const modest = await clientOf(broker.tcp);
      for (let i = 0; i < 100; i++) await modest.subscribe(`mine${i}`);
      const consumer = await modest.consume("mine");
      await modest.publish("mine", "hello");
      expect((await consumer.next()).value?.text()).toBe("hello");
      greedy.socket.destroy();
    });
  }, 60_000);

  it("topics", async () => {
    const broker = await hostileBroker("--max-topics", "2000");
    await beside(broker, async () => {
      const greedy = await NativeClient.greeted(broker.tcp);
      await flood(greedy, 5_000, (i) => frame(Op.PUBLISH, 10 + i, [`t${i}`], entries("x")));
      const modest = await clientOf(broker.tcp);
      for (let i = 0; i < 100; i++) await modest.publish(`mine${i}`, "hello");
      greedy.socket.destroy();
    });
  }, 60_000);

  it("numbers of topics that nobody uses again", async () => {
    const broker = await hostileBroker("--topic-idle", "1s");
    await beside(broker, async () => {
      const asker = await NativeClient.greeted(broker.tcp);
      for (let from = 0; from < 50_000; from += PIECE) {
        const topicOf = (i: number): string => `asked${from + i}`;
        await flood(asker, PIECE, (i) => frame(Op.POP, 10 + from + i, [topicOf(i), "", 1, 1]));
        await flood(asker, PIECE, (i) => frame(Op.PUBLISH, 100_000 + from + i, [topicOf(i)], entries("x")));
        await flood(asker, PIECE, (i) => frame(Op.PURGE, 200_000 + from + i, [topicOf(i), "", "all"]));
        // Not ahead of what the shard has done.
        await asker.ask(Op.TOPICS, 300_000 + from, [0, "", 1]);
      }
      asker.socket.destroy();
    });
    const client = await clientOf(broker.tcp);
    // The neighbour's stays: its publishes are numbered, and remembered for a while.
    for (let left = 1; left > 0; ) {
      left = 0;
      for await (const { name } of client.topics()) if (name.startsWith("asked")) left++;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }, 60_000);

  it("connections", async () => {
    const broker = await hostileBroker("--max-connections", "200");
    await beside(broker, async () => {
      const sockets: Socket[] = [];
      const open = async (port: number): Promise<void> => {
        const socket = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.9" });
        socket.on("error", () => {});
        sockets.push(socket);
        await Promise.race([once(socket, "connect"), once(socket, "close")]);
        socket.write(port === broker.tcp ? frame(Op.HELLO, 1, [1, "greedy"]) : "GET /ping HTTP/1.1\r\n");
      };
      for (let i = 0; i < 300; i++) await open(i % 2 === 0 ? broker.tcp : broker.http);
      for (let i = 0; i < 10; i++) await (await clientOf(broker.tcp)).ping();
      for (const socket of sockets) socket.destroy();
    });
  }, 60_000);
});
