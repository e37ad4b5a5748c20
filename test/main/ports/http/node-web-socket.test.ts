/** How a WebSocket of ws finds out that nobody is at its other side, in a time of its own. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { SILENT } from "../../../../src/main/log.js";
import { NodeWebSocket } from "../../../../src/main/ports/http/node-web-socket.js";

const IDLE = 120_000;

const connected = async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong: false });
  onTestFinished(() => {
    client.terminate();
    server.close();
  });
  const [[accepted, request]] = await Promise.all([
    once(server, "connection") as Promise<[WebSocket, IncomingMessage]>,
    once(client, "open"),
  ]);
  const messages: Uint8Array[] = [];
  const peer = {
    opened: () => {},
    message: (bytes: Uint8Array) => void messages.push(bytes),
    drained: () => {},
    unsent: () => {},
    closed: () => {},
  };
  let pings = 0;
  client.on("ping", () => pings++);
  const socket = new NodeWebSocket(accepted, request.socket, peer, IDLE, 0, SILENT);
  // Of what the handshake has brought.
  socket.sweep(0);
  return { accepted, client, socket, messages, pings: () => pings, closed: once(client, "close") };
};

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

it("pings once, and closes when nothing comes of it", async () => {
  const { accepted, socket, pings, closed } = await connected();
  socket.sweep(IDLE - 8_001);
  socket.sweep(IDLE - 8_000);
  socket.sweep(IDLE - 1);
  await until(() => pings() > 0);
  expect(accepted.readyState).toBe(WebSocket.OPEN);
  socket.sweep(IDLE);
  await closed;
  expect(pings()).toBe(1);
});

it("takes whatever comes for a sign of life, a pong as well", async () => {
  const { accepted, client, socket, messages, pings } = await connected();
  socket.sweep(IDLE - 8_000);
  await until(() => pings() === 1);
  client.pong();
  await once(accepted, "pong");
  socket.sweep(IDLE - 1);
  socket.sweep(IDLE + 100_000);
  expect(accepted.readyState).toBe(WebSocket.OPEN);
  client.send("words");
  await until(() => messages.length === 1);
  socket.sweep(IDLE + 110_000);
  socket.sweep(2 * IDLE + 101_999);
  expect(pings()).toBe(1);
  expect(accepted.readyState).toBe(WebSocket.OPEN);
});

it("does not take one for dead that it does not read", async () => {
  const { accepted, socket } = await connected();
  socket.pause();
  socket.sweep(10 * IDLE);
  socket.sweep(20 * IDLE);
  expect(accepted.readyState).toBe(WebSocket.OPEN);
  socket.resume();
  socket.sweep(21 * IDLE - 1);
  expect(accepted.readyState).toBe(WebSocket.OPEN);
});
