import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { expect, it, onTestFinished } from "vitest";
import { loadDefinition } from "../../src/grpc/definition.js";
import { HalfReceived } from "../../src/grpc/half-received.js";
import { Sockets } from "../../src/grpc/sockets.js";

const POLL = { timeout: 10_000 };

/** A server with a clock and a memory that a test moves. */
const serve = async () => {
  const state = { bytes: 0, now: 0, closed: 0 };
  const sockets = new Sockets();
  const watch = new HalfReceived({
    sockets,
    maxRequestBytes: 1_000,
    maxBytes: 10_000,
    bytes: () => state.bytes,
    now: () => state.now,
    onClosed: (connections) => {
      state.closed += connections;
    },
  });
  const server = new Server({ interceptors: [watch.interceptor] });
  server.addService(
    { ...loadDefinition().mq },
    { Pub: (_call: unknown, answer: (error: null, value: object) => void) => answer(null, {}) },
  );
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer((socket) => {
    sockets.connected(socket);
    injector.injectConnection(socket);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => {
    watch.stop();
    server.forceShutdown();
    listener.close();
  });
  const address = listener.address();
  return { state, watch, port: typeof address === "object" ? (address?.port ?? 0) : 0 };
};

/** A connection with one call of which only a part is sent. */
const halfCall = async (port: number) => {
  const socket: Socket = connect(port, "127.0.0.1");
  const session = connectHttp2(`http://127.0.0.1:${port}`, { createConnection: () => socket });
  session.on("error", () => {});
  const call = session.request({
    ":method": "POST",
    ":path": "/mq.MQ/Pub",
    "content-type": "application/grpc",
    te: "trailers",
  });
  call.on("error", () => {});
  call.write(Buffer.from([0, 0, 0, 0, 7, 0x0a, 1]));
  onTestFinished(() => session.destroy());
  return { call, closed: new Promise<string>((resolve) => socket.once("close", () => resolve("closed"))) };
};

it("closes connections with the oldest requests that do not get on, and only while memory is short", async () => {
  const { state, watch, port } = await serve();
  const old = await halfCall(port);
  await expect.poll(() => watch.size, POLL).toBe(1);
  state.now = 5_000;
  const young = await halfCall(port);
  await expect.poll(() => watch.size, POLL).toBe(2);
  watch.look();
  expect(state.closed).toBe(0);
  state.bytes = 20_000;
  watch.look();
  expect(await old.closed).toBe("closed");
  expect(state.closed).toBe(1);
  await expect.poll(() => watch.size, POLL).toBe(1);
  // The other one is too young to be called slow, and becomes whole.
  young.call.end(Buffer.from([0x74, 0x12, 2, 0x61, 0x62]));
  const [headers] = await once(young.call, "response");
  expect(headers[":status"]).toBe(200);
  expect(watch.size).toBe(0);
});

it("closes no more connections than the memory that is wanted", async () => {
  const { state, watch, port } = await serve();
  await halfCall(port);
  await expect.poll(() => watch.size, POLL).toBe(1);
  await halfCall(port);
  await expect.poll(() => watch.size, POLL).toBe(2);
  state.now = 2_000;
  state.bytes = 10_500;
  watch.look();
  expect(state.closed).toBe(1);
  await expect.poll(() => watch.size, POLL).toBe(1);
});
