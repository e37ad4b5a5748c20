/** The relay of a page to a node: neither side is read faster than the other takes it, and each ends with the other. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, it, onTestFinished, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { NoTarget, Relay, type RelayTarget } from "../../src/gweb/relay.js";
import { SILENT } from "../../src/main/log.js";
import { NodeEngine } from "../../src/main/ports/http/node-engine.js";

const POLL = { interval: 20, timeout: 20_000 };
const MESSAGE = Buffer.alloc(16 * 1024, 7);
/** 40 MiB. */
const MESSAGES = 2_560;
/** More than sockets and a relay hold together. */
const MAX_HELD = 1_536;

/** A node that accepts, and what it was told when it was connected to. */
const openNode = async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connected = once(server, "connection").then(([socket, request]) => ({ socket: socket as WebSocket, request }));
  return { url: `ws://127.0.0.1:${port}/mq`, connected };
};

/** A page, connected by a relay. */
const openPage = async (find: () => Promise<RelayTarget>) => {
  let ended = 0;
  const relay = new Relay(find, () => void ended++, SILENT);
  const engine = new NodeEngine({ log: SILENT, admitsSocket: () => true, acceptFailed: () => {} });
  engine.addWebSocket("/", { maxMessageBytes: MESSAGE.length, idleTimeout: 120, accept: () => relay });
  const { port } = await engine.open({ host: "127.0.0.1", port: 0 });
  const page = new WebSocket(`ws://127.0.0.1:${port}/`);
  onTestFinished(() => {
    page.terminate();
    engine.close();
  });
  let received: unknown;
  page.once("message", (data) => {
    received = data;
  });
  const closed = once(page, "close").then(([code]) => code as number);
  await once(page, "open");
  return { page, relay, closed, received: () => received, ended: () => ended };
};

const target = (url: string, token?: string) => async (): Promise<RelayTarget> => ({ url, token, ca: undefined });

/** Resolves with what `read` answers when that has not changed for a while. */
const settled = async (read: () => number): Promise<number> => {
  let before = -1;
  let same = 0;
  await expect
    .poll(() => {
      same = read() === before ? same + 1 : 0;
      before = read();
      return same;
    }, POLL)
    .toBeGreaterThan(20);
  return before;
};

/** Sends to somebody who does not read as long as it is taken, then lets him. */
const flood = async (sender: WebSocket, reader: WebSocket): Promise<void> => {
  let sent = 0;
  let received = 0;
  reader.on("message", () => {
    received++;
  });
  reader.pause();
  const send = (): void => {
    if (sent < MESSAGES) sender.send(MESSAGE, send);
    sent++;
  };
  send();
  expect(await settled(() => sent)).toBeLessThan(MAX_HELD);
  reader.resume();
  await expect.poll(() => received, POLL).toBe(MESSAGES);
};

it("lets a page send no more than its node takes", async () => {
  const node = await openNode();
  const { page } = await openPage(target(node.url));
  await flood(page, (await node.connected).socket);
});

it("lets a node send no more than its page takes", async () => {
  const node = await openNode();
  const { page } = await openPage(target(node.url));
  await flood((await node.connected).socket, page);
});

it("carries what was sent before the node was there, shows it the token, and ends it with the page", async () => {
  const node = await openNode();
  const { page, ended } = await openPage(target(node.url, "ringmq_x"));
  page.send(Buffer.from("first"));
  const { socket, request } = await node.connected;
  expect(request.headers.authorization).toBe("Bearer ringmq_x");
  const [first] = await once(socket, "message");
  expect(String(first)).toBe("first");
  page.close();
  await once(socket, "close");
  expect(ended()).toBe(1);
});

it("ends the page with the node, with the console, and when it sends what is no frame", async () => {
  const byNode = await openNode();
  const one = await openPage(target(byNode.url));
  (await byNode.connected).socket.close();
  expect(await one.closed).toBe(1001);
  const byConsole = await openNode();
  const two = await openPage(target(byConsole.url));
  const { socket } = await byConsole.connected;
  const left = once(socket, "close");
  two.relay.close();
  expect(await two.closed).toBe(1001);
  await left;
  const three = await openPage(target((await openNode()).url));
  three.page.send("text");
  expect(await three.closed).toBe(1003);
});

it("tells a page why there is no node, in the native protocol", async () => {
  const refused = async (find: () => Promise<RelayTarget>): Promise<string> => {
    const { closed, received } = await openPage(find);
    expect(await closed).toBe(1013);
    return String(received());
  };
  expect(await refused(() => Promise.reject(new NoTarget("UNAUTHORIZED", "a token is needed")))).toContain(
    "a token is needed",
  );
  expect(await refused(target("ws://127.0.0.1:1/mq"))).toContain("the node cannot be reached: connect ECONNREFUSED");
});

it("waits so long for a node to accept and no longer, whatever that sends meanwhile", async () => {
  const node = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void node.close());
  await once(node, "listening");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const asked = once(node, "connection");
  const { closed, received } = await openPage(target(`ws://127.0.0.1:${(node.address() as AddressInfo).port}/mq`));
  const [socket] = await asked;
  socket.on("error", () => {});
  socket.write("HTTP/1.1 101 ");
  vi.advanceTimersByTime(5_000);
  expect(await closed).toBe(1013);
  expect(String(received())).toContain("the node cannot be reached: it did not accept within 5000 ms");
});
