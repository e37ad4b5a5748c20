/** What an HTTP engine does with requests and their answers, of each engine that this system has. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request as secureRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { SILENT } from "../../src/main/log.js";
import { type Certificate, readCertificates } from "../../src/main/ports/certificate.js";
import type { AnswerHead, EngineHost, HttpEngine, RequestHandler } from "../../src/main/ports/http/engine.js";
import { isAnswered, sendParts, sendRaw, statusOf } from "../e2e/raw-http.js";
import { ENGINES, openHost } from "../main/ports/http/engines.js";

const LOCAL = { host: "127.0.0.1", port: 0 };
const HOST = "Host: localhost\r\n";
const PLAIN: AnswerHead = { status: undefined, type: "text/plain", fields: [] };
const FILES = {
  certFile: fileURLToPath(new URL("fixtures/localhost-certificate.pem", import.meta.url)),
  keyFile: fileURLToPath(new URL("fixtures/localhost-key.pem", import.meta.url)),
};
const { http: TLS } = readCertificates({ tcpTls: undefined, grpcTls: undefined, httpTls: FILES });

const get = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`;
const post = (body: string, headers = ""): string =>
  `POST /path HTTP/1.1\r\n${HOST}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
const bodyOf = (answer: string): string => answer.slice(answer.indexOf("\r\n\r\n") + 4);
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  socket.on("error", () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  return socket;
};

describe.each(ENGINES)("the engine %s", (name, makeEngine) => {
  /** An engine that runs `handler` for /path and answers `rest` for all else. */
  const listening = async (handler: RequestHandler, host: Partial<EngineHost> = {}, tls?: Certificate) => {
    const engine: HttpEngine = makeEngine({ ...openHost(SILENT), ...host }, tls);
    onTestFinished(() => engine.close());
    engine.add("any", "/path", (request, response) => {
      response.onAborted(() => {});
      handler(request, response);
    });
    engine.add("any", "/*", (_, response) => response.send(PLAIN, "rest"));
    const { port } = await engine.open(LOCAL);
    return { engine, port };
  };

  it("says which it is", async () => {
    expect((await listening(() => {})).engine.name).toBe(name);
  });

  describe("a request", () => {
    it("has a method, a query as it was sent, and headers in their order, with lower names", async () => {
      const seen: unknown[] = [];
      const { port } = await listening((request, response) => {
        const headers: string[] = [];
        request.eachHeader((header, value) => void headers.push(`${header}=${value}`));
        seen.push(request.method, request.query, request.header("x-one"), request.header("x-none"), headers);
        response.send(PLAIN, "ok");
      });
      await sendRaw(port, get("/path?a=%20b&c?d", "X-One: 1\r\nX-Two: 2\r\nx-one: 3\r\n"), isAnswered);
      expect(seen).toEqual(["get", "a=%20b&c?d", "1", "", ["host=localhost", "x-one=1", "x-two=2", "x-one=3"]]);
    });

    it("goes to the path that it names, and to the rest when it names none", async () => {
      const { port } = await listening((request, response) => response.send(PLAIN, `path ${request.query}`));
      const answers: string[] = [];
      for (const path of ["/path", "/path?q", "/path/", "/Path", "/%70ath", "/paths", "/", "//path", "/*"]) {
        answers.push(bodyOf(await sendRaw(port, get(path), isAnswered)));
      }
      expect(answers).toEqual(["path ", "path q", ...Array.from({ length: 7 }, () => "rest")]);
    });

    it("with HEAD goes to a handler of its own", async () => {
      const engine = makeEngine(openHost(SILENT));
      onTestFinished(() => engine.close());
      engine.add("head", "/path", (_, response) => response.send({ ...PLAIN, fields: [["X-Head", "1"]] }, undefined));
      engine.add("any", "/path", (_, response) => response.send(PLAIN, "any"));
      const { port } = await engine.open(LOCAL);
      const head = `HEAD /path HTTP/1.1\r\n${HOST}\r\n`;
      const answers = await sendRaw(port, head + get("/path"), (text) => text.endsWith("any"));
      expect(answers).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*X-Head: 1\r\n[\s\S]*\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*any$/);
    });

    it("that would speak another protocol is one like any other", async () => {
      const bodies: string[] = [];
      const { port } = await listening((_, response) => {
        response.onData((bytes, isLast) => {
          bodies.push(bytes.toString());
          if (isLast) response.send(PLAIN, bodies.join(""));
        });
      });
      const h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
      const answers = await sendRaw(port, post("first", h2c) + get("/x"), (text) => text.endsWith("rest"));
      expect(answers).toMatch(/first[\s\S]*rest$/);
      bodies.length = 0;
      const [head, body] = [post("second", h2c).slice(0, -3), "ond"];
      expect(bodyOf(await sendParts(port, head, body))).toBe("second");
    });

    it("whose first line comes in two segments", async () => {
      const { port } = await listening((_, response) => response.send(PLAIN, "ok"));
      const status = statusOf(await sendParts(port, "GET /pa", `th HTTP/1.1\r\n${HOST}\r\n`));
      // uWebSockets.js takes it for HTTP/1.0.
      expect(status).toBe(name === "uws" ? 505 : 200);
    });
  });

  describe("a body", () => {
    const echoing = () =>
      listening((_, response) => {
        const parts: string[] = [];
        let last = 0;
        response.onData((bytes, isLast) => {
          if (bytes.length > 0) parts.push(bytes.toString());
          if (isLast) last++;
          if (isLast) response.send(PLAIN, JSON.stringify({ parts, last }));
        });
      });
    const read = async (bytes: string): Promise<unknown> => {
      const { port } = await echoing();
      return JSON.parse(bodyOf(await sendRaw(port, bytes, isAnswered)));
    };

    it("that comes in one segment is one part, the last", async () => {
      expect(await read(post("whole"))).toEqual({ parts: ["whole"], last: 1 });
    });

    it.each([
      ["a GET", get("/path")],
      ["a length of 0", post("")],
    ])("that is not there is empty once: %s", async (_, bytes) => {
      expect(await read(bytes)).toEqual({ parts: [], last: 1 });
    });

    it("in chunks is put together", async () => {
      const head = `POST /path HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
      const answer = (await read(`${head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`)) as { parts: string[]; last: number };
      expect([answer.parts.join(""), answer.last]).toEqual(["abcde", 1]);
    });

    it("is asked for where a client waits to be", async () => {
      const { port } = await echoing();
      const answer = sendParts(port, post("body", "Expect: 100-continue\r\n").slice(0, -4), "body");
      expect(await answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    });

    it("that nobody wants is dropped, and the next request is served", async () => {
      const { port } = await listening((_, response) => response.send(PLAIN, "ok"));
      const answers = await sendRaw(port, post("x".repeat(300_000)) + get("/x"), (text) => text.endsWith("rest"));
      expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
    });

    it("waits at its client while it is held, and comes whole when it is not", async () => {
      const total = 64 * 1024 * 1024;
      let received = 0;
      let release = (): void => {};
      const { port } = await listening((_, response) => {
        response.pauseBody();
        release = () => response.resumeBody();
        response.onData((bytes, isLast) => {
          received += bytes.length;
          if (isLast) response.send(PLAIN, "whole");
        });
      });
      const socket = await open(port);
      socket.write(`POST /path HTTP/1.1\r\n${HOST}Content-Length: ${total}\r\n\r\n`);
      socket.write(Buffer.alloc(total));
      let before = -1;
      while (before !== socket.bytesWritten - socket.writableLength || before <= 0) {
        before = socket.bytesWritten - socket.writableLength;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      // Sockets buffer some MiB at the most.
      expect(socket.writableLength).toBeGreaterThan(total / 4);
      expect(received).toBeLessThan(1024 * 1024);
      release();
      expect(String((await once(socket, "data"))[0])).toMatch(/whole$/);
      expect(received).toBe(total);
    });
  });

  describe("an answer", () => {
    it("has its status, its type and its fields", async () => {
      const { port } = await listening((_, response) =>
        response.send({ status: "403 Forbidden", type: "text/x", fields: [["X-A", "b"]] }, "é"),
      );
      const answer = await sendRaw(port, get("/path"), isAnswered);
      expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
      for (const line of ["Content-Type: text/x", "X-A: b", "Content-Length: 2"]) {
        expect(answer).toContain(`\r\n${line}\r\n`);
      }
    });

    it("may come later, and those of a connection one after the other", async () => {
      const { port } = await listening((_, response) => {
        setTimeout(() => response.send(PLAIN, "late"), 20);
      });
      const socket = await open(port);
      for (let i = 0; i < 3; i++) {
        socket.write(get("/path"));
        expect(String((await once(socket, "data"))[0])).toMatch(/late$/);
      }
    });

    it("without a body leaves the connection as it was", async () => {
      const { port } = await listening((_, response) =>
        response.send({ status: "204 No Content", type: undefined, fields: [] }, undefined),
      );
      const answers = await sendRaw(port, get("/path") + get("/x"), (text) => text.endsWith("rest"));
      expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 204", "HTTP/1.1 200"]);
    });

    it("in parts is sent as they come", async () => {
      let goOn = (): void => {};
      const { port } = await listening((_, response) => {
        response.begin(PLAIN, "one ");
        goOn = () => {
          response.write("two ");
          response.end("three");
        };
      });
      const socket = await open(port);
      socket.write(get("/path"));
      let text = "";
      socket.on("data", (bytes: Buffer) => {
        text += bytes.toString();
      });
      await until(() => text.includes("one "));
      expect(text).not.toContain("two");
      goOn();
      await until(() => text.endsWith("0\r\n\r\n"));
      expect(text).toMatch(/transfer-encoding: chunked/i);
      expect(text.replace(/\r\n[0-9a-f]+\r\n/g, "")).toMatch(/one two three/);
    });

    it("after the client has gone, or after another, is nothing", async () => {
      let aborted = 0;
      let isRunning = false;
      let isDone = false;
      const { port } = await listening((_, response) => {
        isRunning = true;
        response.onAborted(() => {
          aborted++;
          response.send(PLAIN, "late");
          response.sendLong(PLAIN, Buffer.alloc(100_000), () => {});
          response.begin(PLAIN, "late");
          response.write("late");
          response.end("late");
          response.reject(PLAIN, "late");
          response.close();
          isDone = true;
        });
      });
      const socket = await open(port);
      socket.write(get("/path"));
      await until(() => isRunning);
      socket.resetAndDestroy();
      await until(() => isDone);
      expect(aborted).toBe(1);
    });

    it("that is the last closes the connection, and what has come behind is not run", async () => {
      let runs = 0;
      const { port } = await listening((_, response) => {
        runs++;
        response.reject({ status: "400 Bad Request", type: "text/plain", fields: [] }, "no");
      });
      const answer = await sendRaw(port, get("/path") + get("/path"));
      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
      expect(bodyOf(answer)).toContain("no");
      expect(runs).toBe(1);
    });

    it("that is broken off is not whole to its client", async () => {
      const { port } = await listening((_, response) => {
        response.begin(PLAIN, "half");
        setImmediate(() => response.close());
      });
      expect(await sendRaw(port, get("/path"))).not.toMatch(/0\r\n\r\n$/);
    });

    it("that is long tells what of it waits, down to nothing", async () => {
      const left: number[] = [];
      const total = 32 * 1024 * 1024;
      const { port } = await listening((_, response) =>
        response.sendLong(PLAIN, Buffer.alloc(total, "x"), (bytes) => void left.push(bytes)),
      );
      const socket = await open(port);
      socket.pause();
      socket.write(get("/path"));
      await until(() => left.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(left.at(-1)).toBeGreaterThan(total / 4);
      let received = 0;
      socket.on("data", (bytes: Buffer) => {
        received += bytes.length;
      });
      socket.resume();
      await until(() => received > total && left.at(-1) === 0);
      expect(left.every((bytes, i) => i === 0 || bytes <= (left[i - 1] ?? 0))).toBe(true);
    });
  });

  describe("sockets", () => {
    it("are counted while they are there", async () => {
      const { engine, port } = await listening(() => {});
      const sockets = [await open(port), await open(port)];
      await until(() => engine.plain === 2);
      for (const socket of sockets) socket.destroy();
      await until(() => engine.plain === 0);
      expect(engine.webSockets).toBe(0);
    });

    it("that are not let in are closed, and not counted", async () => {
      let most = 0;
      const { engine, port } = await listening(() => {}, {
        admitsSocket: () => {
          most = Math.max(most, engine.plain);
          return engine.plain <= 1;
        },
      });
      const first = await open(port);
      const second = await open(port);
      await once(second, "close");
      expect([most, engine.plain, first.destroyed]).toEqual([2, 1, false]);
    });

    it("stay while the port is closed, which is opened again where it was", async () => {
      const { engine, port } = await listening((_, response) => response.send(PLAIN, "ok"));
      const socket = await open(port);
      const ask = async (): Promise<string> => {
        socket.write(get("/path"));
        return String((await once(socket, "data"))[0]);
      };
      expect(await ask()).toMatch(/ok$/);
      for (let i = 0; i < 2; i++) {
        engine.pause();
        expect(engine.isListening).toBe(false);
        await expect(open(port)).rejects.toThrow(/ECONNREFUSED/);
        expect(await ask()).toMatch(/ok$/);
        expect(await engine.open({ host: "127.0.0.1", port })).toEqual({ host: "127.0.0.1", port });
        expect(engine.isListening).toBe(true);
        (await open(port)).destroy();
      }
    });

    it("are all closed in the end", async () => {
      const { engine, port } = await listening((_, response) => void response.begin(PLAIN, "half"));
      const [idle, busy] = [await open(port), await open(port)];
      busy.write(get("/path"));
      await once(busy, "data");
      const closed = Promise.all([once(idle, "close"), once(busy, "close")]);
      engine.close();
      await closed;
      expect(engine.isListening).toBe(false);
    });

    it("are refused at an address that somebody has, in words that tell so", async () => {
      const { port } = await listening(() => {});
      const second = makeEngine(openHost(SILENT));
      onTestFinished(() => second.close());
      await expect(second.open({ host: "127.0.0.1", port })).rejects.toThrow(
        `cannot listen for HTTP on 127.0.0.1:${port}: the port is in use`,
      );
    });
  });

  it("speaks TLS", async () => {
    const { port } = await listening((_, response) => response.send(PLAIN, response.remoteAddress), {}, TLS);
    const outgoing = secureRequest({ host: "127.0.0.1", port, path: "/path", ca: readFileSync(FILES.certFile) });
    outgoing.end();
    const [answer] = await once(outgoing, "response");
    let text = "";
    for await (const part of answer) text += String(part);
    expect(text).toBe("127.0.0.1");
  });
});
