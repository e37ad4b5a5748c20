import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Client } from "../../../src/client/client.js";
import { connect } from "../../../src/client/connect.js";
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../../src/protocol/limits.js";
import { Op } from "../../../src/protocol/op.js";
import { type Frame, splitFrames } from "../../main/frames.js";
import { bodiesOf, confirm, hello } from "../scripted-broker.js";

interface Server {
  readonly client: Client;
  readonly socket: WebSocket;
  /** The path that the client requested. */
  readonly path: string | undefined;
  readonly frames: readonly Frame[];
  /** Sizes of the messages. */
  readonly sizes: readonly number[];
}

/** A client over WebSocket, and a server that confirms its publishes. */
const connected = async (path = ""): Promise<Server> => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", skipUTF8Validation: true });
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const accepted = once(server, "connection");
  const frames: Frame[] = [];
  const sizes: number[] = [];
  server.on("connection", (socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.on("message", (data: Buffer) => {
      sizes.push(data.length);
      const split = splitFrames(Buffer.concat([rest, data]));
      rest = split.rest;
      for (const seen of split.frames) {
        frames.push(seen);
        if (seen.op === Op.HELLO) socket.send(hello());
        else socket.send(confirm({ request: seen.request, high: 1, low: 1, messages: bodiesOf(seen).length }));
      }
    });
  });
  const client = await connect(`ws://127.0.0.1:${port}${path}`, { reconnect: false });
  onTestFinished(() => client.close());
  const [socket, request] = await accepted;
  return { client, socket, path: request.url, frames, sizes };
};

/** Gives Node what a browser has. */
const withPlatformSocket = (): void => {
  Reflect.set(globalThis, "WebSocket", WebSocket);
  onTestFinished(() => void Reflect.deleteProperty(globalThis, "WebSocket"));
};

describe.each([
  ["of the package ws", () => {}],
  ["of the platform", withPlatformSocket],
])("the WebSocket %s", (_, prepare) => {
  it("carries one frame after another", async () => {
    prepare();
    const { client, frames } = await connected();
    await Promise.all([client.publish("a", "x"), client.publish("b", "y"), client.publish("a", "z")]);
    expect(frames.map(({ op }) => op)).toEqual([Op.HELLO, Op.PUBLISH, Op.PUBLISH]);
    expect(frames.slice(1).map(bodiesOf)).toEqual([["x", "z"], ["y"]]);
  });

  it("cuts what it sends into messages that the broker takes", async () => {
    prepare();
    const { client, frames, sizes } = await connected();
    const body = "x".repeat(100_000);
    await Promise.all([client.publish("a", body), client.publish("b", "y")]);
    expect(frames.slice(1).map(bodiesOf)).toEqual([[body], ["y"]]);
    expect(Math.max(...sizes)).toBe(MAX_WEBSOCKET_MESSAGE_BYTES);
  });

  it("asks for the broker's path unless it is told another", async () => {
    prepare();
    expect((await connected()).path).toBe("/mq");
    expect((await connected("/behind/a/proxy?key=1")).path).toBe("/behind/a/proxy?key=1");
  });

  it("gives every message once and in order to a broker that did not read for a while", async () => {
    prepare();
    const { client, socket, frames } = await connected();
    socket.pause();
    const body = "x".repeat(1000);
    const receipts: Promise<unknown>[] = [];
    for (let i = 0; i < 20_000; i++) {
      receipts.push(client.publish("orders", `${i} ${body}`));
      if (i % 1000 === 999) await new Promise((resolve) => setImmediate(resolve));
    }
    socket.resume();
    await Promise.all(receipts);
    const numbers = frames
      .slice(1)
      .flatMap(bodiesOf)
      .map((text) => Number.parseInt(text, 10));
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  });

  it("ends when the broker sends text", async () => {
    prepare();
    const { client, socket } = await connected();
    socket.send("text");
    expect(await client.closed).toMatchObject({
      code: "CONNECTION_CLOSED",
      cause: { message: "the broker sent text" },
    });
  });

  it("ends when the broker hangs up", async () => {
    prepare();
    const { client, socket } = await connected();
    socket.terminate();
    expect(await client.closed).toMatchObject({ code: "CONNECTION_CLOSED" });
    await expect(client.publish("a", "x")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it("is closed by its client", async () => {
    prepare();
    const { client, socket } = await connected();
    const closed = once(socket, "close");
    await client.close();
    await closed;
  });
});
