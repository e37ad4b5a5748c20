import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { Access } from "../../../../src/main/access/access.js";
import { failure } from "../../../../src/main/front-ends/gmq/http/envelope.js";
import { type Log, SILENT } from "../../../../src/main/log.js";
import { AddressShares } from "../../../../src/main/ports/address-shares.js";
import { Admission } from "../../../../src/main/ports/http/admission.js";
import { BodyDeadlines, takeBody } from "../../../../src/main/ports/http/body-intake.js";
import type { HttpEngine } from "../../../../src/main/ports/http/engine.js";
import { HttpEntrance, type HttpHandler } from "../../../../src/main/ports/http/entrance.js";
import type { RefusalBody } from "../../../../src/main/ports/http/exchange.js";
import { HttpGuard } from "../../../../src/main/ports/http/guard.js";
import { isAnswered, sendRaw, statusOf } from "../../../e2e/raw-http.js";
import { ENGINES, openHost } from "./engines.js";

const errors: [object, string][] = [];
const log: Log = { ...SILENT, error: (fields, text) => void errors.push([fields, text]) };
const bodyOf = (answer: string): string => answer.slice(answer.indexOf("\r\n\r\n") + 4);

let handle: HttpHandler = () => {};
let engine: HttpEngine;
let port = 0;

describe.each(ENGINES)("%s", (_, makeEngine) => {
  beforeAll(async () => {
    engine = makeEngine(openHost(log));
    const guard = new HttpGuard({ listensOn: "127.0.0.1", allowOrigin: [], allowHost: [] });
    const shares = new AddressShares(100);
    const admission = new Admission({ isFull: false, shares, reserve: () => true, release: () => {} });
    const entrance = new HttpEntrance(engine, guard, admission, log, failure, new Access([], log));
    entrance.add("/path", (exchange, request) => handle(exchange, request));
    entrance.add("/ping", (exchange) => exchange.reply(undefined, undefined, "OK"));
    entrance.add("/one", (exchange) => exchange.send("1"), { methods: ["get", "delete"] });
    const refusal: RefusalBody = (text, status) => `${status} means: ${text}`;
    entrance.add("/own", (exchange, request) => handle(exchange, request), { methods: ["get"], refusal });
    entrance.addWebSocket("/own", { maxMessageBytes: 1_024, reservedBytes: 0, refusal }, () => undefined);
    entrance.addRest();
    ({ port } = await engine.open({ host: "127.0.0.1", port: 0 }));
  });
  afterAll(() => engine.close());

  const HEAD = "POST /path HTTP/1.1\r\nHost: localhost\r\n";
  const LENGTH_4 = `${HEAD}Content-Length: 4\r\n\r\nbody`;
  const PING = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";

  const boom = new Error("boom");
  const fail = (): never => {
    throw boom;
  };

  it("refuses methods that a path does not take, and says which it takes", async () => {
    const ask = (method: string): Promise<string> =>
      sendRaw(port, `${method} /one HTTP/1.1\r\nHost: localhost\r\n\r\n`, isAnswered);
    const answers = await Promise.all(["GET", "DELETE", "HEAD", "POST", "OPTIONS"].map(ask));
    expect(answers.map(statusOf)).toEqual([200, 200, 200, 405, 405]);
    expect(answers[3]).toMatch(/\r\nallow: HEAD, GET, DELETE\r\n/i);
    expect(answers[3]).toContain(failure("this path takes GET and DELETE"));
  });

  it("refuses requests to a path in the words of the path, whoever refuses them", async () => {
    handle = fail;
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    const key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    const ask = async (method: string, ...fields: string[]): Promise<string> =>
      bodyOf(await sendRaw(port, `${method} /own HTTP/1.1\r\n${fields.join("")}\r\n`, isAnswered));
    const foreign = "Host: localhost\r\nOrigin: https://evil.example\r\n";
    expect(await ask("GET", "Host: evil.example\r\n")).toMatch(/^403 Forbidden means: this broker is not called/);
    expect(await ask("GET", foreign, upgrade, key)).toMatch(/^403 Forbidden means: pages of https:\/\/evil.example/);
    expect(await ask("GET", "Host: localhost\r\nHost: localhost\r\n")).toContain(
      "400 Bad Request means: the request has two Host headers",
    );
    expect(await ask("POST", "Host: localhost\r\n")).toBe("405 Method Not Allowed means: this path takes GET");
    expect(await ask("GET", "Host: localhost\r\n")).toMatch(/^500 Internal Server Error means: the broker failed/);
    const elsewhere = await sendRaw(port, "GET /path HTTP/1.1\r\nHost: evil.example\r\n\r\n", isAnswered);
    expect(JSON.parse(bodyOf(elsewhere))).toMatchObject({ code: 1, data: null });
  });

  describe("what is thrown on behalf of a request", () => {
    const answered: readonly (readonly [string, HttpHandler])[] = [
      ["by its handler", fail],
      ["by its promise", async () => fail()],
      ["by a promise later", () => new Promise((resolve) => setImmediate(resolve)).then(fail)],
      ["when its body comes", (exchange) => exchange.onData(fail)],
      ["when its answer comes", (exchange) => void setImmediate(exchange.guarded(fail), undefined)],
      ["by what it runs later", (exchange) => void setImmediate(() => exchange.run(fail))],
    ];
    it.each(answered)(
      "%s is answered with 500 and logged with its stack, and the connection goes on",
      async (_, handler) => {
        errors.length = 0;
        handle = handler;
        const answer = await sendRaw(port, LENGTH_4, isAnswered);
        expect(statusOf(answer)).toBe(500);
        expect(JSON.parse(bodyOf(answer))).toMatchObject({ code: 1, data: null });
        expect(errors).toEqual([[{ error: boom }, "/path failed"]]);
        expect(await sendRaw(port, PING, isAnswered)).toMatch(/OK$/);
      },
    );

    const broken: readonly (readonly [string, HttpHandler])[] = [
      ["a part of it", (exchange) => exchange.write("half").then(fail)],
      [
        "none of it",
        (exchange) => {
          exchange.onGone(fail);
          exchange.abort();
        },
      ],
    ];
    it.each(broken)("when the client has %s closes its connection, and no other", async (_, handler) => {
      errors.length = 0;
      handle = handler;
      // To the end of the connection.
      expect(await sendRaw(port, LENGTH_4)).not.toMatch(/0\r\n\r\n$/);
      expect(errors.length).toBe(1);
      expect(await sendRaw(port, PING, isAnswered)).toMatch(/OK$/);
    });

    test("behind a whole answer changes nothing of it", async () => {
      errors.length = 0;
      handle = (exchange) => {
        exchange.send("{}");
        fail();
      };
      expect(await sendRaw(port, LENGTH_4 + PING, (text) => text.endsWith("OK"))).toMatch(/^HTTP\/1\.1 200 OK/);
      expect(errors.length).toBe(1);
    });
  });

  test("HEAD does nothing, and says whether the path is there", async () => {
    handle = fail;
    const head = (path: string): string => `HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const answers = await sendRaw(port, head("/path") + head("/none") + PING, (text) => text.endsWith("OK"));
    expect(answers.match(/^HTTP\/1.1 \d+/gm)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 200"]);
  });

  describe("a body", () => {
    test("that does not get on closes its connection, and one that does comes whole", async () => {
      const deadlines = new BodyDeadlines(50);
      const [opened, released]: [string[], string[]] = [[], []];
      handle = (exchange, request) => {
        const name = request.query;
        let size = 0;
        takeBody(exchange, deadlines, 1 << 20, () => {
          opened.push(name);
          return {
            write: (bytes) => {
              size += bytes.length;
            },
            end: () => exchange.send(String(size)),
            tooLarge: () => exchange.send("too large"),
            release: () => void released.push(name),
          };
        });
      };
      const bytes = 200_000;
      // As much in each chunk as a period asks for, and each chunk within a period.
      const steady = connect(port, "127.0.0.1");
      let text = "";
      steady.setEncoding("latin1").on("data", (part: string) => {
        text += part;
      });
      const head = (query: string): string =>
        `POST /path?${query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`;
      steady.write(head("steady"));
      let sent = 0;
      const timer = setInterval(() => {
        const part = Math.min(4096, bytes - sent);
        sent += part;
        steady.write("x".repeat(part));
      }, 5);
      // The broker ends this one.
      expect(await sendRaw(port, `${head("idle")}x`)).toBe("");
      expect(await sendRaw(port, head("silent"))).toBe("");
      while (!text.endsWith(String(bytes))) await new Promise((resolve) => setImmediate(resolve));
      clearInterval(timer);
      steady.destroy();
      // Of a body of which nothing has come uWebSockets.js tells as well.
      expect(released.sort()).toEqual(opened.sort());
      expect(opened).toEqual(expect.arrayContaining(["idle", "steady"]));
      expect(deadlines.size).toBe(0);
    });
  });
});
