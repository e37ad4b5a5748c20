/** What the engine on node:http has to see to by itself over TLS. */
import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { type Log, SILENT } from "../../../../src/main/log.js";
import { readCertificates } from "../../../../src/main/ports/certificate.js";
import type { HttpResponse } from "../../../../src/main/ports/http/engine.js";
import { NodeEngine } from "../../../../src/main/ports/http/node-engine.js";
import { Authority, writeCertificate } from "../../../certificates.js";
import { makeDirectory, removeDirectory } from "../../../directories.js";
import { openHost } from "./engines.js";

const IDLE = 300;
const PLAIN = { status: undefined, type: undefined, fields: [] };
const authority = await Authority.create();

let directory = "";
let engine: NodeEngine;
let port = 0;
let lines: string[] = [];
let handle: (response: HttpResponse) => void = () => {};

beforeEach(async () => {
  directory = makeDirectory();
  lines = [];
  const note = (_: object, text: string) => void lines.push(text);
  const log: Log = { ...SILENT, debug: note, warn: note };
  const files = writeCertificate(directory, await authority.issue());
  const { http } = readCertificates({ tcpTls: undefined, grpcTls: undefined, httpTls: files });
  engine = new NodeEngine(openHost(log), http, IDLE);
  engine.add("any", "/path", (_, response) => handle(response));
  ({ port } = await engine.open({ host: "127.0.0.1", port: 0 }));
});
afterEach(() => {
  engine.close();
  removeDirectory(directory);
});

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));

const open = async (): Promise<TLSSocket> => {
  const socket = connect({ host: "127.0.0.1", port, ca: authority.cert });
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
};

it("closes a connection whose handshake comes byte by byte", async () => {
  const socket = connectPlain(port, "127.0.0.1").setNoDelay();
  socket.on("error", () => {});
  const gone = closed(socket);
  const begin = performance.now();
  // A record of 512 bytes that begins as a ClientHello does.
  const hello = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), Buffer.alloc(500)]);
  let sent = 0;
  const drip = setInterval(() => void socket.write(hello.subarray(sent, ++sent)), IDLE / 10);
  await gone;
  clearInterval(drip);
  expect(performance.now() - begin).toBeLessThan(IDLE * 5);
  await until(() => engine.plain === 0);
});

it("does not close one whose handshake is over for having had a slow one", async () => {
  handle = (response) => setTimeout(() => response.send(PLAIN, "late"), 3 * IDLE);
  const socket = await open();
  socket.write("GET /path HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(String((await once(socket, "data"))[0])).toMatch(/late$/);
});

it("ignores an upgrade to what it does not serve, and reads on", async () => {
  handle = (response) => response.send(PLAIN, "ok");
  const socket = await open();
  const head = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  socket.write(`GET /path HTTP/1.1\r\n${head}`);
  expect(String((await once(socket, "data"))[0])).toMatch(/ok$/);
  socket.write("GET /path HTTP/1.1\r\nHost: localhost\r\n\r\n");
  expect(String((await once(socket, "data"))[0])).toMatch(/ok$/);
  socket.destroy();
  await until(() => engine.plain === 0);
});

it("knows that an answer is being sent", async () => {
  handle = (response) => response.sendLong(PLAIN, Buffer.alloc(64 * 1024 * 1024), () => {});
  const socket = await open();
  socket.pause();
  socket.write("GET /path HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until(() => engine.isSending);
  socket.destroy();
  await until(() => !engine.isSending);
});

it("closes a client that speaks plain HTTP, and says so", async () => {
  const socket = connectPlain(port, "127.0.0.1").on("error", () => {});
  const gone = closed(socket);
  socket.write("GET /path HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await gone;
  expect(lines).toEqual([
    "a client speaks plain HTTP on the HTTP port, which speaks TLS: it must use https:// or wss://",
  ]);
  await until(() => engine.plain === 0);
});
