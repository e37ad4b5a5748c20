/** What the engine on node:http has to see to by itself: silent and hostile clients, and those that send ahead. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { SILENT } from "../../../../src/main/log.js";
import type { HttpResponse } from "../../../../src/main/ports/http/engine.js";
import { NodeEngine } from "../../../../src/main/ports/http/node-engine.js";
import { isAnswered, sendRaw, statusOf } from "../../../e2e/raw-http.js";
import { openHost } from "./engines.js";

const IDLE = 100;
const PLAIN = { status: undefined, type: undefined, fields: [] };
const GET = "GET /path HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST = "POST /path HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n";

let engine: NodeEngine;
let port = 0;
let handle: (response: HttpResponse) => void = () => {};

beforeEach(async () => {
  engine = new NodeEngine(openHost(SILENT), undefined, IDLE);
  engine.add("any", "/path", (_, response) => handle(response));
  ({ port } = await engine.open({ host: "127.0.0.1", port: 0 }));
});
afterEach(() => engine.close());

const open = async (): Promise<Socket> => {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
};
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

it("closes a connection on which nothing comes, whatever has come", async () => {
  handle = (response) => response.onData(() => {});
  expect(await sendRaw(port, "")).toBe("");
  // It depends on which of two timers is first.
  expect([0, 408]).toContain(statusOf(await sendRaw(port, "GET /path HTTP/1.1\r\nHost: ")));
  expect(await sendRaw(port, POST)).toBe("");
  expect(await sendRaw(port, `${POST}some`)).toBe("");
  handle = (response) => response.send(PLAIN, "ok");
  expect(await sendRaw(port, GET)).toMatch(/ok$/);
});

it("closes a connection whose head comes byte by byte", async () => {
  const socket = await open();
  let text = "";
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  const closed = once(socket, "close");
  socket.write("GET /path HTTP/1.1\r\nA: ");
  const timer = setInterval(() => socket.write("x"), IDLE / 10);
  await closed;
  clearInterval(timer);
  expect(statusOf(text)).toBe(408);
});

it("closes a connection whose client does not read its answer", async () => {
  let aborted = 0;
  handle = (response) => {
    response.onAborted(() => aborted++);
    response.sendLong(PLAIN, Buffer.alloc(64 * 1024 * 1024), () => {});
  };
  const socket = await open();
  socket.pause();
  socket.write(GET);
  await until(() => aborted > 0);
  expect(aborted).toBe(1);
});

it("tells all that wait for answers when their client goes, not only the first", async () => {
  let waiting = 0;
  let aborted = 0;
  handle = (response) => {
    waiting++;
    response.onAborted(() => aborted++);
    if (waiting === 2) response.sendLong(PLAIN, Buffer.alloc(1024 * 1024), () => {});
  };
  const socket = await open();
  socket.write(`${GET}${GET}${POST}some`);
  await until(() => waiting === 3);
  socket.resetAndDestroy();
  await until(() => aborted > 0);
  await pause(0);
  expect(aborted).toBe(3);
});

const CHANGES = [
  ["CONNECT", "CONNECT somewhere:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["another protocol", "GET /path HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"],
] as const;

it.each(CHANGES)("answers what is under way, and then 400, when %s is asked for behind it", async (_, change) => {
  const body = Buffer.alloc(16 * 1024 * 1024, "x");
  handle = (response) => response.sendLong(PLAIN, body, () => {});
  const socket = await open();
  socket.write(GET + change);
  // More than the system takes at once.
  socket.pause();
  await pause(IDLE / 2);
  let text = "";
  for await (const bytes of socket) text += String(bytes);
  expect(text.indexOf("HTTP/1.1 400")).toBeGreaterThan(body.length);
});

it.each(CHANGES)("closes a connection that asked for %s and does not read", async (_, change) => {
  let aborted = 0;
  handle = (response) => {
    response.onAborted(() => aborted++);
    response.sendLong(PLAIN, Buffer.alloc(64 * 1024 * 1024), () => {});
  };
  const socket = await open();
  socket.pause();
  socket.write(GET + change);
  await until(() => aborted > 0);
  await until(() => engine.plain === 0);
});

it("waits for its own handlers", async () => {
  let later = (): void => {};
  handle = (response) => {
    later = () => response.send(PLAIN, "late");
  };
  const socket = await open();
  socket.write(GET);
  await pause(4 * IDLE);
  later();
  expect(String((await once(socket, "data"))[0])).toMatch(/late$/);
});

it("waits for a body that a handler holds, and no longer than that", async () => {
  let later = (): void => {};
  handle = (response) => {
    response.pauseBody();
    response.onData((_, isLast) => {
      if (isLast) response.send(PLAIN, "whole");
    });
    later = () => response.resumeBody();
  };
  const socket = await open();
  socket.write(POST);
  await pause(4 * IDLE);
  later();
  socket.write("0123456789");
  expect(String((await once(socket, "data"))[0])).toMatch(/whole$/);

  const abandoned = sendRaw(port, POST);
  await pause(2 * IDLE);
  later();
  expect(await abandoned).toBe("");
});

it("answers what is no request with 400 behind the answers to what came before, and closes", async () => {
  const waiting: HttpResponse[] = [];
  handle = (response) => void waiting.push(response);
  const answers = sendRaw(port, `${GET}${GET}TRASH\r\n\r\n${GET}`);
  await until(() => waiting.length === 2);
  // The second first.
  for (const [i, response] of [...waiting.entries()].reverse()) response.send(PLAIN, `answer ${i}`);
  const text = await answers;
  expect(text.match(/HTTP\/1\.1 \d+|answer \d/g)).toEqual([
    "HTTP/1.1 200",
    "answer 0",
    "HTTP/1.1 200",
    "answer 1",
    "HTTP/1.1 400",
  ]);
  expect(waiting.length).toBe(2);
});

it.each([
  ["a head that is too long", `GET /path HTTP/1.1\r\nHost: localhost\r\nA: ${"x".repeat(17_000)}\r\n\r\n`, 431],
  ["no HTTP", "\x00\x01\x02\x03\r\n\r\n", 400],
  ["CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ["no host", "GET /path HTTP/1.1\r\nA: b\r\n\r\n", 400],
])("refuses %s, closes, and does not run what is behind", async (_, bytes, status) => {
  let runs = 0;
  handle = () => runs++;
  const answer = await sendRaw(port, bytes + GET);
  expect([answer.match(/HTTP\/1\.1 \d+/g), runs]).toEqual([[`HTTP/1.1 ${status}`], 0]);
});

it("runs nothing behind a request that is to be the last", async () => {
  let runs = 0;
  handle = (response) => {
    runs++;
    setImmediate(() => response.send(PLAIN, "ok"));
  };
  for (const last of [
    "GET /path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET /path HTTP/1.0\r\n\r\n",
  ]) {
    runs = 0;
    expect((await sendRaw(port, last + GET)).match(/HTTP\/1\.1 \d+|ok/g)).toEqual(["HTTP/1.1 200", "ok"]);
    expect(runs).toBe(1);
  }
});

it("shows all headers that there are, however many", async () => {
  let seen = 0;
  engine.add("any", "/headers", (request, response) => {
    request.eachHeader(() => seen++);
    response.send(PLAIN, "ok");
  });
  await sendRaw(port, `GET /headers HTTP/1.1\r\nHost: localhost\r\n${"A:\r\n".repeat(3_000)}\r\n`, isAnswered);
  expect(seen).toBe(3_001);
});

it("closes a connection that sends far ahead of its answers", async () => {
  const waiting: HttpResponse[] = [];
  handle = (response) => void waiting.push(response);
  const socket = await open();
  socket.write(GET.repeat(1024));
  await until(() => waiting.length === 1024);
  expect(socket.destroyed).toBe(false);
  socket.write(GET);
  await once(socket, "close");
  expect(waiting.length).toBe(1024);
});
