/** What an HTTP engine does with WebSockets, of each engine that this system has. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { SILENT } from "../../src/main/log.js";
import { type Certificate, readCertificates } from "../../src/main/ports/certificate.js";
import type { HttpWebSocket, WebSocketPeer, WebSocketRoute } from "../../src/main/ports/http/engine.js";
import { message, rawWebSocket } from "../e2e/hostile/raw-web-socket.js";
import { ENGINES, openHost } from "../main/ports/http/engines.js";

const MAX_MESSAGE_BYTES = 16 * 1024;
const MIB = 1024 * 1024;
const FILES = {
  certFile: fileURLToPath(new URL("fixtures/localhost-certificate.pem", import.meta.url)),
  keyFile: fileURLToPath(new URL("fixtures/localhost-key.pem", import.meta.url)),
};
const { http: TLS } = readCertificates({ tcpTls: undefined, grpcTls: undefined, httpTls: FILES });

/** Masked with zeros; the longest there is. */
const PING = Buffer.concat([Buffer.from([0x89, 0x80 | 125]), Buffer.alloc(4 + 125)]);

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};
const whole = (bytes: Buffer): number => bytes.length;

/** Keeps what its WebSocket brings. */
class Peer implements WebSocketPeer {
  socket: HttpWebSocket | undefined;
  readonly messages: [string, boolean][] = [];
  bytes = 0;
  drains = 0;
  ends = 0;

  opened(socket: HttpWebSocket): void {
    this.socket = socket;
  }

  message(bytes: Uint8Array, isBinary: boolean): void {
    this.bytes += bytes.length;
    if (bytes.length < 100) this.messages.push([Buffer.from(bytes).toString(), isBinary]);
  }

  drained(): void {
    this.drains++;
  }

  unsent(): void {
    if ((this.socket?.bufferedBytes ?? 0) > MIB) this.socket?.close();
  }

  closed(): void {
    this.ends++;
  }
}

describe.each(ENGINES)("a WebSocket of the engine %s", (name, makeEngine) => {
  const listening = async (accept?: WebSocketRoute["accept"], tls?: Certificate) => {
    const engine = makeEngine(openHost(SILENT), tls);
    onTestFinished(() => engine.close());
    const peers: Peer[] = [];
    const made: WebSocketRoute["accept"] = () => {
      const peer = new Peer();
      peers.push(peer);
      return peer;
    };
    engine.addWebSocket("/mq", { maxMessageBytes: MAX_MESSAGE_BYTES, idleTimeout: 120, accept: accept ?? made });
    engine.add("any", "/*", (_, response) =>
      response.send({ status: "404 Not Found", type: undefined, fields: [] }, "no"),
    );
    const { port } = await engine.open({ host: "127.0.0.1", port: 0 });
    return { engine, peers, port };
  };

  /** Of an engine, with the peer behind it. */
  const connected = async (options: ClientOptions = {}, tls?: Certificate) => {
    const { engine, peers, port } = await listening(undefined, tls);
    const client = new WebSocket(`${tls === undefined ? "ws" : "wss"}://127.0.0.1:${port}/mq`, options);
    client.on("error", () => {});
    const received: Buffer[] = [];
    client.on("message", (bytes: Buffer) => void received.push(bytes));
    const closed = once(client, "close").then(([code, reason]) => [code, String(reason)]);
    await once(client, "open");
    await until(() => peers[0]?.socket !== undefined);
    const [peer] = peers;
    if (peer?.socket === undefined) throw new Error("it is there");
    return { engine, port, client, closed, received, peer, socket: peer.socket };
  };

  it("brings messages as they were sent, and closes", async () => {
    const { engine, client, closed, peer } = await connected();
    expect([engine.plain, engine.webSockets]).toEqual([0, 1]);
    client.send("text");
    client.send(Buffer.from("binary"));
    client.send(Buffer.from("in "), { fin: false });
    client.send(Buffer.from("parts"));
    client.close(4000, "enough");
    await closed;
    await until(() => peer.ends > 0);
    expect(peer.messages).toEqual([
      ["text", false],
      ["binary", true],
      ["in parts", true],
    ]);
    expect(peer.ends).toBe(1);
    await until(() => engine.plain + engine.webSockets === 0);
  });

  it("knows its client's address", async () => {
    expect((await connected()).socket.remoteAddress).toBe("127.0.0.1");
  });

  it("sends one message or several of a buffer, which is the caller's again when it says so", async () => {
    const { received, socket } = await connected();
    const bytes = Buffer.alloc(12);
    for (let i = 0; i < 100; i++) {
      bytes.fill(i);
      // A buffer that is not given back is not written to again.
      if (!socket.send(bytes, (_, start) => start + 4)) throw new Error("what is sent at once is given back");
    }
    await until(() => received.length === 300);
    expect(received.every((part, i) => part.equals(Buffer.alloc(4, Math.floor(i / 3))))).toBe(true);
    socket.send(Buffer.alloc(100_000, 7), whole);
    await until(() => received.length === 301);
    expect(received.at(-1)?.equals(Buffer.alloc(100_000, 7))).toBe(true);
  });

  it("tells how much waits for a client that does not read, and when it has gone", async () => {
    const { client, received, peer, socket } = await connected();
    client.pause();
    for (let i = 0; i < 64; i++) socket.send(Buffer.alloc(MIB, i), whole);
    // Sockets buffer some MiB at the most.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(socket.bufferedBytes).toBeGreaterThan(16 * MIB);
    expect(peer.drains).toBe(0);
    client.resume();
    await until(() => received.length === 64 && socket.bufferedBytes === 0);
    expect(peer.drains).toBeGreaterThan(0);
    expect(received.every((bytes, i) => bytes.length === MIB && bytes[0] === i && bytes[MIB - 1] === i)).toBe(true);
  });

  it("has copied what waits and is given back", async () => {
    const { client, received, socket } = await connected();
    client.pause();
    while (socket.bufferedBytes < MIB) socket.send(Buffer.alloc(MIB), whole);
    const before = received.length;
    const scratch = Buffer.alloc(1024, 1);
    expect(socket.send(scratch.subarray(0, 100), (_, start) => start + 50)).toBe(true);
    scratch.fill(2);
    client.resume();
    await until(() => received.at(-1)?.length === 50 && received.at(-2)?.length === 50);
    expect(received.length).toBeGreaterThan(before + 2);
    for (const part of received.slice(-2)) expect(part.equals(Buffer.alloc(50, 1))).toBe(true);
  });

  it("that can be paused keeps its client from sending, and loses nothing", async () => {
    const { client, peer, socket } = await connected();
    expect(socket.canPause).toBe(name === "node");
    socket.pause();
    const part = Buffer.alloc(MAX_MESSAGE_BYTES, "x");
    for (let i = 0; i < 4096; i++) client.send(part);
    if (socket.canPause) {
      let before = -1;
      while (before !== client.bufferedAmount) {
        before = client.bufferedAmount;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(client.bufferedAmount).toBeGreaterThan(16 * MIB);
      expect(peer.bytes).toBeLessThan(MIB);
    }
    socket.resume();
    await until(() => peer.bytes === 4096 * MAX_MESSAGE_BYTES);
  });

  it("is ended with a code and words, behind what was sent, and brings nothing more", async () => {
    const { client, closed, received, peer, socket } = await connected();
    socket.send(Buffer.from("last"), whole);
    socket.end(1013, "later");
    client.send(Buffer.from("too late"));
    expect(await closed).toEqual([1013, "later"]);
    await until(() => peer.ends > 0);
    expect([received.map(String), peer.messages, peer.ends]).toEqual([["last"], [], 1]);
  });

  it("that is ended is closed though its client says nothing", async () => {
    const { engine, peers, port } = await listening();
    const raw = await rawWebSocket(port);
    onTestFinished(() => void raw.destroy());
    await until(() => peers[0]?.socket !== undefined);
    peers[0]?.socket?.pause();
    peers[0]?.socket?.end(1000);
    await until(() => peers[0]?.ends === 1 && engine.webSockets === 0);
  });

  it("is closed at once", async () => {
    const { closed, peer, socket } = await connected();
    socket.close();
    expect(await closed).toEqual([1006, ""]);
    await until(() => peer.ends > 0);
    expect(peer.ends).toBe(1);
  });

  it("does nothing when it is closed", async () => {
    const { client, peer, socket } = await connected();
    client.terminate();
    await until(() => peer.ends > 0);
    expect(socket.send(Buffer.from("late"), whole)).toBe(true);
    socket.pause();
    socket.resume();
    socket.end(1000);
    socket.close();
    expect([socket.bufferedBytes, peer.ends]).toEqual([0, 1]);
  });

  it.each([
    ["in one", [MAX_MESSAGE_BYTES + 1]],
    ["in parts", [MAX_MESSAGE_BYTES, 1]],
  ])("ends with a message that is too long: %s", async (_, lengths) => {
    const { client, closed, peer } = await connected();
    client.send(Buffer.alloc(MAX_MESSAGE_BYTES));
    for (const [i, length] of lengths.entries()) client.send(Buffer.alloc(length), { fin: i === lengths.length - 1 });
    // uWebSockets.js has no closing handshake for it.
    expect((await closed)[0]).toBe(name === "uws" ? 1006 : 1009);
    expect(peer.bytes).toBe(MAX_MESSAGE_BYTES);
  });

  it("ends with bytes that are no message, and others go on", async () => {
    const { engine, peers, port } = await listening();
    const [bad, good] = [await rawWebSocket(port), await rawWebSocket(port)];
    onTestFinished(() => void good.destroy());
    await until(() => engine.webSockets === 2);
    bad.resume().write(Buffer.alloc(1000, 0xff));
    await once(bad, "close");
    good.write(message(Buffer.from("fine")));
    await until(() => peers.some(({ messages }) => messages.length === 1));
    await until(() => engine.webSockets === 1);
    expect(good.destroyed).toBe(false);
  });

  it("answers pings", async () => {
    const { client } = await connected();
    client.ping("there?");
    expect(String((await once(client, "pong"))[0])).toBe("there?");
  });

  it("tells of answers to pings that heap up, or closes a client that does not read them", async () => {
    const { peers, port } = await listening();
    const socket = await rawWebSocket(port);
    onTestFinished(() => void socket.destroy());
    const [peer] = peers;
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => PING));
    // More than the system keeps for both sides.
    for (let mebibytes = 0; mebibytes < 64 && peer?.ends === 0; mebibytes += pings.length / MIB) {
      await new Promise((resolve) => socket.write(pings, resolve));
    }
    expect(peer?.ends).toBe(1);
  });

  it("is not had where nobody is behind it: the answer is that of the one who refused", async () => {
    const { engine, port } = await listening((request, response) => {
      response.onAborted(() => {});
      response.send({ status: "403 Forbidden", type: "text/plain", fields: [["X-Query", request.query]] }, "not you");
      return undefined;
    });
    const client = new WebSocket(`ws://127.0.0.1:${port}/mq?who`);
    client.on("error", () => {});
    const [, answer] = await once(client, "unexpected-response");
    expect([answer.statusCode, answer.headers["x-query"]]).toEqual([403, "who"]);
    let text = "";
    for await (const part of answer) text += String(part);
    expect(text).toBe("not you");
    client.terminate();
    await until(() => engine.plain + engine.webSockets === 0);
  });

  it("is not had on another path", async () => {
    const { port } = await listening();
    const client = new WebSocket(`ws://127.0.0.1:${port}/other`);
    client.on("error", () => {});
    const [, answer] = await once(client, "unexpected-response");
    expect(answer.statusCode).toBe(404);
    client.terminate();
  });

  it("is closed with its engine", async () => {
    const { engine, closed, peer } = await connected();
    engine.close();
    expect((await closed)[0]).toBe(1006);
    await until(() => peer.ends > 0);
    expect(peer.ends).toBe(1);
  });

  it("goes over TLS", async () => {
    const { client, received, peer, socket } = await connected({ ca: readFileSync(FILES.certFile) }, TLS);
    client.send(Buffer.from("up"));
    await until(() => peer.messages.length === 1);
    socket.send(Buffer.from("down"), whole);
    await until(() => received.length === 1);
    expect(String(received[0])).toBe("down");
  });
});
