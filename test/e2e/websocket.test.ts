import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { BrokerOptions } from "../../src/main/options.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../src/protocol/limits.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { entries, type Frame, frame, readFrame, receiptsOf } from "../main/frames.js";
import { testBroker as anyBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const HELLO = frame(Op.HELLO, 1, [1, "test"]);
const LIMIT = MAX_WEBSOCKET_MESSAGE_BYTES;

/** A WebSocket that reads one frame from each message; what it sends has messages as long as may be. */
const open = async (port: number, path = "/mq") => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  const frames: Frame[] = [];
  let changed = (): void => {};
  socket.on("message", (message: Buffer, isBinary: boolean) => {
    if (!isBinary) throw new Error("the broker sends binary messages only");
    expect(message.length).toBe(4 + message.readUInt32BE(0));
    frames.push(readFrame(message));
    changed();
  });
  const closed = once(socket, "close").then(([code]) => code as number);
  await once(socket, "open");
  let next = 0;
  return {
    socket,
    closed,
    frames,
    send: (...sent: readonly Buffer[]) => {
      for (const bytes of sent) {
        for (let at = 0; at < bytes.length; at += LIMIT) socket.send(bytes.subarray(at, at + LIMIT));
      }
    },
    next: async (): Promise<Frame> => {
      while (frames.length <= next) {
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
      const frame = frames[next];
      next++;
      if (frame === undefined) throw new Error("the frame is there");
      return frame;
    },
  };
};

describe.each(ENGINE_NAMES)("on the engine %s", (httpEngine) => {
  const testBroker = (options: Partial<BrokerOptions> = {}) => anyBroker({ httpEngine, ...options });

  describe("the native protocol over WebSocket", () => {
    it("carries frames both ways", async () => {
      const { http } = await testBroker();
      const client = await open(http);
      client.send(HELLO, frame(Op.PUBLISH, 2, ["ws"], entries("a", "b")), frame(Op.POP, 3, ["ws", "", 2, 10_000]));
      expect((await client.next()).op).toBe(Op.HELLO);
      expect(receiptsOf(await client.next())).toEqual([{ request: 2, requests: 1, messages: 2 }]);
      const { op, payload } = await client.next();
      expect(op).toBe(Answer.MESSAGES);
      expect(payload.includes("a")).toBe(true);
      client.socket.close();
      await client.closed;
    });

    it("keeps the order of small and large messages that came together", async () => {
      const { http } = await testBroker();
      const client = await open(http);
      const bodies = Array.from({ length: 60 }, (_, i) => String(i).padEnd(i % 7 === 3 ? 40_000 : 10, "."));
      client.send(HELLO, ...bodies.map((body, i) => frame(Op.PUBLISH, i + 2, ["order"], entries(body))));
      client.send(frame(Op.POP, 100, ["order", "", 100, 10_000, 2 ** 24]));
      let answer = await client.next();
      while (answer.op !== Answer.MESSAGES) answer = await client.next();
      const text = answer.payload.toString("latin1");
      const places = bodies.map((body) => text.indexOf(body));
      expect(places.every((place) => place >= 0)).toBe(true);
      expect(places).toEqual([...places].sort((a, b) => a - b));
      client.socket.close();
      await client.closed;
    });

    it("takes what came before a connection closed", async () => {
      const { http, tcp } = await testBroker();
      const client = await open(http);
      client.send(HELLO);
      await client.next();
      client.send(frame(Op.PUBLISH, 2, ["last"], entries("words")));
      client.socket.close();
      await client.closed;
      const other = await NativeClient.greeted(tcp);
      const { payload } = await other.ask(Op.POP, 5, ["last", "", 1, 10_000]);
      expect(payload.includes("words")).toBe(true);
    });

    it("carries a message as large as may be", async () => {
      const { http } = await testBroker();
      const client = await open(http);
      const body = Buffer.alloc(16_777_216, 7);
      client.send(HELLO, frame(Op.PUBLISH, 2, ["large"], entries(body)), frame(Op.POP, 3, ["large", "", 1, 10_000]));
      await client.next();
      expect(receiptsOf(await client.next())).toEqual([{ request: 2, requests: 1, messages: 1 }]);
      expect((await client.next()).payload.subarray(-body.length).equals(body)).toBe(true);
      client.socket.close();
      await client.closed;
    });

    it("closes on a text message", async () => {
      const { http } = await testBroker();
      const client = await open(http);
      client.socket.send("hello");
      expect(await client.closed).toBe(1003);
    });

    it("takes a frame that is cut over messages, and several frames in one", async () => {
      const { http } = await testBroker();
      const client = await open(http);
      const bytes = Buffer.concat([HELLO, ...[2, 3].map((request) => frame(Op.PING, request))]);
      for (const byte of bytes) client.socket.send(Uint8Array.of(byte));
      client.socket.send(Buffer.alloc(0));
      client.socket.send(Buffer.concat([frame(Op.PING, 4), frame(Op.PING, 5), frame(Op.PING, 6).subarray(0, 7)]));
      client.socket.send(frame(Op.PING, 6).subarray(7));
      for (let request = 1; request <= 6; request++) expect((await client.next()).request).toBe(request);
      client.socket.close();
      await client.closed;
    });

    it("ends a connection whose message is too long", async () => {
      const { http } = await testBroker();
      const client = await open(http);
      client.send(HELLO);
      await client.next();
      client.socket.send(Buffer.concat([frame(Op.PUBLISH, 2, ["t"], entries(Buffer.alloc(LIMIT)))]));
      // uWebSockets.js has no closing handshake for it.
      expect(await client.closed).toBe(httpEngine === "uws" ? 1006 : 1009);
      expect(client.frames).toHaveLength(1);
    });

    it("refuses a frame that is too long", async () => {
      const { http } = await testBroker({ maxFrameBytes: 2_000 });
      const client = await open(http);
      client.send(HELLO, frame(Op.PUBLISH, 2, ["t"], Buffer.alloc(3_000)));
      await client.next();
      const answer = await client.next();
      expect([answer.request, answer.head[0]]).toEqual([2, ERRORS.FRAME_TOO_LARGE.code]);
      await client.closed;
    });

    it("refuses a frame before HELLO that is longer than a HELLO needs", async () => {
      const { http } = await testBroker();
      const client = await open(http);
      client.send(frame(Op.HELLO, 1, [1, "n".repeat(5_000)]));
      expect((await client.next()).head[0]).toBe(ERRORS.HANDSHAKE_REQUIRED.code);
      await client.closed;
    });

    it("is refused where its half message has no room, and has room again when others have gone", async () => {
      // Three quarters of it are for reservations: two of them.
      const { http } = await testBroker({ maxFrameBytes: 8_192, maxMessageBytes: 4_096, maxAssemblyBytes: 3 * LIMIT });
      const [first, second] = [await open(http), await open(http)];
      const refused = await open(http);
      expect((await refused.next()).head[0]).toBe(ERRORS.TOO_MANY_CONNECTIONS.code);
      expect(await refused.closed).toBe(1013);
      first.socket.close();
      await first.closed;
      const third = await open(http);
      for (const client of [second, third]) {
        client.send(HELLO);
        expect((await client.next()).op).toBe(Op.HELLO);
        client.socket.close();
        await client.closed;
      }
    });

    it("counts among maxConnections, together with TCP", async () => {
      const { http, tcp } = await testBroker({ maxConnections: 1 });
      const first = await NativeClient.greeted(tcp);
      const refused = await open(http);
      expect((await refused.next()).head[0]).toBe(ERRORS.TOO_MANY_CONNECTIONS.code);
      expect(await refused.closed).toBe(1013);
      await first.ping();
    });

    it("does not share its port with another broker", async () => {
      const { http } = await testBroker();
      const second = testBroker({ http: { host: "127.0.0.1", port: http } });
      await expect(second).rejects.toThrow(`cannot listen for HTTP on 127.0.0.1:${http}: the port is in use`);
    });

    it("has 404 and plain words for any path that is not there", async () => {
      const { http } = await testBroker();
      for (const path of ["/", "/mq", "/nosuch"]) {
        const answer = await fetch(`http://127.0.0.1:${http}${path}`);
        expect([answer.status, await answer.text()]).toEqual([404, "not found"]);
      }
    });
  });
});
