/** Pages in browsers are not clients, and no request hides in another. */
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { BrokerOptions } from "../../src/main/options.js";
import { exchange } from "../conformance/http-exchange.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { sharedBroker, type TestBroker, testBroker } from "./brokers.js";
import { isAnswered, sendParts, sendRaw, statusOf } from "./raw-http.js";

const PATHS = [
  "/push",
  "/pop?topic=t",
  "/ack?topic=t&msgId=1",
  "/config?topic=made",
  "/declareQueue?topic=made",
  "/setIsAutoAck?topic=t",
  "/getTopicStat?topic=t",
  "/getAllTopicStat",
  "/getQueuesByTopic?topic=t",
  "/exitTopic?topic=t",
  "/ping",
  "/nothing",
  "/mq",
];
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** Puts a message into topic `t`. Returns the port. */
const withMessage = async ({ http }: TestBroker): Promise<number> => {
  const body = 'data={"topic":"t","body":"b"}';
  const pushed = await exchange(http, { method: "POST", path: "/push", headers: FORM, body });
  expect(pushed.body).toMatch(/"code":0/);
  return http;
};

const ask = (port: number, path: string, headers: Readonly<Record<string, string>>, method = "GET") =>
  sendRaw(
    port,
    `${method} ${path} HTTP/1.1\r\n${Object.entries({ Host: `127.0.0.1:${port}`, ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("")}\r\n`,
    (text) => isAnswered(text) || (method === "HEAD" && /\r\n\r\n$/.test(text)),
  );

/** What the topics are: unchanged when nothing was run. */
const topics = async (port: number): Promise<string> =>
  (await exchange(port, { method: "GET", path: "/getAllTopicStat" })).body;

const upgrade = async (port: number, headers: Readonly<Record<string, string>>): Promise<number> => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/mq`, { headers });
  const status = await Promise.race([
    once(socket, "open").then(() => 101),
    new Promise<number>((resolve) =>
      socket.once("unexpected-response", (_, answer) => resolve(answer.statusCode ?? 0)),
    ),
  ]);
  socket.on("error", () => {});
  socket.terminate();
  return status;
};

describe.each(ENGINE_NAMES)("on the engine %s", (httpEngine) => {
  const usual = { durability: "memory", httpEngine } as const;
  const shared = sharedBroker(usual);
  /** A broker with a message in topic `t`: one of its own where it has options, and else the same for all. */
  const brokerWithMessage = async (options?: Partial<BrokerOptions>): Promise<number> =>
    withMessage(options === undefined ? shared() : await testBroker({ ...usual, ...options }));

  describe("a page of another site", () => {
    it.each([
      ["a foreign origin", { Origin: "https://evil.example" }],
      ["no origin of its own", { Origin: "null" }],
      ["an origin that is empty", { Origin: "" }],
      ["an origin that is not ASCII", { Origin: "http://\xff" }],
      ["another port of this machine", { Origin: "http://127.0.0.1:1" }],
      ["an image", { "Sec-Fetch-Site": "cross-site" }],
      ["an image of another port", { "Sec-Fetch-Site": "same-site" }],
    ])("is refused on every path: %s", async (_, headers) => {
      const port = await brokerWithMessage();
      const before = await topics(port);
      for (const path of PATHS) {
        for (const method of ["GET", "POST", "OPTIONS", "DELETE", "HEAD"]) {
          const answer = await ask(port, path, headers, method);
          expect(`${method} ${path} ${statusOf(answer)}`).toBe(`${method} ${path} 403`);
          if (method !== "HEAD") expect(answer).toMatch(/--allow-origin/);
          expect(answer.toLowerCase()).not.toContain("access-control");
        }
      }
      expect(await topics(port)).toBe(before);
    });

    it("cannot send a form, and the connection goes on", async () => {
      const port = await brokerWithMessage();
      const before = await topics(port);
      const body = 'data={"topic":"t","body":"b"}';
      const both =
        `POST /push HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nContent-Type: ${FORM["content-type"]}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      const answers = await sendRaw(port, both, (text) => text.endsWith("OK"));
      expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 403", "HTTP/1.1 200"]);
      expect(await topics(port)).toBe(before);
    });

    it("has no WebSocket", async () => {
      const port = await brokerWithMessage();
      expect(await upgrade(port, {})).toBe(101);
      expect(await upgrade(port, { Origin: `http://127.0.0.1:${port}` })).toBe(101);
      for (const headers of [
        { Origin: "https://evil.example" },
        { Origin: "null" },
        { "Sec-Fetch-Site": "cross-site" },
        { Host: "evil.example" },
      ]) {
        expect(await upgrade(port, headers)).toBe(403);
      }
    });
  });

  describe("who is not a page of another site", () => {
    it("asks as ever: programs, the broker's own pages, and an address that is typed", async () => {
      const port = await brokerWithMessage();
      for (const headers of [
        {},
        { Origin: `http://127.0.0.1:${port}` },
        { Origin: `HTTPS://127.0.0.1:${port}` },
        { Origin: `http://localhost:${port}`, Host: `LocalHost:${port}` },
        { Origin: `http://127.0.0.1:${port}`, "Sec-Fetch-Site": "same-origin" },
        { "Sec-Fetch-Site": "none" },
      ]) {
        const answer = await ask(port, "/ping", headers);
        expect(answer).toMatch(/^HTTP\/1.1 200 OK[\s\S]*OK$/);
        expect(answer.toLowerCase()).not.toContain("access-control");
      }
    });
  });

  describe("an origin that is allowed", () => {
    const allowOrigin = ["https://console.example", "http://Localhost:3000"];

    it("is told so by every answer, and no other is", async () => {
      const port = await brokerWithMessage({ allowOrigin });
      for (const path of PATHS) {
        const answer = await ask(port, path, { Origin: "https://console.example", "Sec-Fetch-Site": "cross-site" });
        expect(statusOf(answer)).not.toBe(403);
        expect(answer).toMatch(/^Access-Control-Allow-Origin: https:\/\/console\.example\r$/m);
        expect(answer).toMatch(/^Vary: Origin\r$/m);
      }
      expect(statusOf(await ask(port, "/ping", { Origin: "http://localhost:3000" }))).toBe(200);
      expect(statusOf(await ask(port, "/ping", { Origin: "https://console.example.evil" }))).toBe(403);
      expect(statusOf(await ask(port, "/ping", { "Sec-Fetch-Site": "cross-site" }))).toBe(403);
      expect(await upgrade(port, { Origin: "https://console.example" })).toBe(101);
      expect(await upgrade(port, { Origin: "https://evil.example" })).toBe(403);
    });

    it("may ask before it asks, which runs nothing", async () => {
      const port = await brokerWithMessage({ allowOrigin });
      const before = await topics(port);
      for (const path of PATHS) {
        const headers = { Origin: "https://console.example", "Access-Control-Request-Method": "POST" };
        const answer = await ask(port, path, headers, "OPTIONS");
        expect(statusOf(answer)).toBe(204);
        expect(answer).toMatch(/^Access-Control-Allow-Methods: .*POST.*\r$/m);
        expect(answer).toMatch(/^Access-Control-Allow-Headers: \*, Authorization\r$/m);
      }
      expect(await topics(port)).toBe(before);
    });

    it("is each one with a star", async () => {
      const port = await brokerWithMessage({ allowOrigin: ["*"] });
      expect(await ask(port, "/ping", { Origin: "null" })).toMatch(/^Access-Control-Allow-Origin: \*\r$/m);
      expect(statusOf(await ask(port, "/ping", { "Sec-Fetch-Site": "cross-site" }))).toBe(200);
      expect(statusOf(await ask(port, "/ping", { Host: "evil.example", Origin: "http://evil.example" }))).toBe(403);
    });

    it("is told by a long answer and by one in parts", async () => {
      const port = await brokerWithMessage({ allowOrigin: ["*"] });
      for (const size of [40_000, 400_000]) {
        const body = `data={"topic":"long","body":"${"x".repeat(size)}"}`;
        await exchange(port, { method: "POST", path: "/push", headers: FORM, body });
        const answer = await sendRaw(
          port,
          "GET /pop?topic=long HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a.example\r\n\r\n",
          (text) => text.includes('"msg":"success"}'),
        );
        expect(answer).toMatch(/^Access-Control-Allow-Origin: \*\r$/m);
      }
    });
  });

  describe("a Host", () => {
    const statuses = async (port: number, hosts: readonly string[]): Promise<string[]> => {
      const found: string[] = [];
      for (const host of hosts) found.push(`${host} ${statusOf(await ask(port, "/ping", { Host: host }))}`);
      return found;
    };
    const own = ["localhost", "LOCALHOST.:9504", "127.0.0.1", "127.0.0.1:80", "[::1]:9504", "192.168.1.4", "[fe80::1]"];
    const foreign = [
      "evil.example",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "[evil]",
      "",
      "a:b",
      "\xff",
      "1.2.3.4.5",
    ];
    const with200 = own.map((host) => `${host} 200`);
    const with403 = foreign.map((host) => `${host} 403`);

    it("on loopback is an address or localhost", async () => {
      const port = await brokerWithMessage();
      const before = await topics(port);
      expect(await statuses(port, own)).toEqual(with200);
      expect(await statuses(port, foreign)).toEqual(with403);
      for (const path of PATHS) expect(statusOf(await ask(port, path, { Host: "evil.example" }))).toBe(403);
      expect(await topics(port)).toBe(before);
    });

    it("may be a name that was allowed", async () => {
      const port = await brokerWithMessage({ allowHost: ["Broker.example", "other"] });
      expect(await statuses(port, ["broker.example:1", "BROKER.example.", "other"])).toEqual([
        "broker.example:1 200",
        "BROKER.example. 200",
        "other 200",
      ]);
      expect(await statuses(port, [...own, ...foreign])).toEqual([...with200, ...with403]);
    });

    it("is anything where other machines reach the port, unless names were given", async () => {
      const open = await brokerWithMessage({ http: { host: "0.0.0.0", port: 0 } });
      expect(await statuses(open, ["evil.example", "x"])).toEqual(["evil.example 200", "x 200"]);
      const named = await brokerWithMessage({ http: { host: "0.0.0.0", port: 0 }, allowHost: ["x"] });
      expect(await statuses(named, ["evil.example", "x", "127.0.0.1"])).toEqual([
        "evil.example 403",
        "x 200",
        "127.0.0.1 200",
      ]);
    });
  });

  describe("a request whose end is not certain", () => {
    const smuggled = "GET /exitTopic?topic=t HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const post = (headers: string): string => `POST /push HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;

    it.each([
      ["two lengths", post(`Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n`), 400],
      ["two lengths, the other first", post(`Content-Length: ${smuggled.length}\r\nContent-Length: 0\r\n`), 400],
      ["an empty length", post("Content-Length:\r\n"), 400],
      ["two codings", `${post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n")}0\r\n\r\n`, 400],
      ["another coding", `${post("Transfer-Encoding: gzip, chunked\r\n")}0\r\n\r\n`, 400],
      ["two hosts", "GET /ping HTTP/1.1\r\nHost: localhost\r\nHost: 127.0.0.1\r\n\r\n", 400],
      // What the engine decides.
      [
        "a length and a coding",
        `${post(`Content-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked\r\n`)}0\r\n\r\n`,
        400,
      ],
      ["a length that is no number", post("Content-Length: 1x\r\n"), 400],
      ["lengths in one header", post(`Content-Length: 0, ${smuggled.length}\r\n`), 400],
      ["no coding that is known", post("Transfer-Encoding: identity\r\n"), 400],
      ["no host", "GET /ping HTTP/1.1\r\nA: b\r\n\r\n", 400],
      // Node serves it, and closes the connection.
      ["HTTP/1.0", "GET /ping HTTP/1.0\r\nHost: localhost\r\n\r\n", httpEngine === "uws" ? 505 : 200],
    ])("is refused with %s, its connection closed, and what is behind it not run", async (_, request, status) => {
      const port = await brokerWithMessage();
      const before = await topics(port);
      for (const behind of ["", smuggled, smuggled + smuggled]) {
        // To the end of the connection: the broker closes it.
        const answer = await sendRaw(port, request + behind);
        expect(statusOf(answer)).toBe(status);
        // Where uWebSockets.js finds the fault as well, it says so behind that.
        expect(new Set(answer.match(/HTTP\/1\.1 \d+/g))).toEqual(new Set([`HTTP/1.1 ${status}`]));
      }
      expect(await topics(port)).toBe(before);
    });

    const form = 'data={"topic":"t","body":"b"}';
    const size = form.length.toString(16);
    const chunked = post(`Content-Type: ${FORM["content-type"]}\r\nTransfer-Encoding: chunked\r\n`);

    if (httpEngine === "uws") {
      it("may say the same length twice", async () => {
        const port = await brokerWithMessage();
        const body = 'data={"topic":"t","body":"b"}';
        const length = `Content-Length: ${body.length}\r\n`;
        const answer = await sendRaw(
          port,
          post(`Content-Type: ${FORM["content-type"]}\r\n${length}${length}`) + body,
          isAnswered,
        );
        expect(answer).toMatch(/"code":0/);
      });

      it("is not run when uWebSockets.js takes it for one that is not whole: it has no answer and is closed", async () => {
        const port = await brokerWithMessage();
        const before = await topics(port);
        const exit = "GET /exitTopic?topic=t HTTP/1.1\r\n";
        const requests = [
          `${exit}Host: localhost\r\nA: b\0c\r\n\r\n`,
          `${exit}Host: localhost\r\nA: b\r\n c\r\n\r\n`,
          `${exit}\r\n`,
          `${chunked}${size};a=b\r\n${form}\r\n0\r\n\r\n`,
          `${chunked}${size}\r\n${form}\r\n0;a\r\n\r\n`,
        ];
        expect(await Promise.all(requests.map((request) => sendRaw(port, request)))).toEqual(requests.map(() => ""));
        expect(await sendRaw(port, `${chunked}${size};a="b"\r\n${form}\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400/);
        expect(await topics(port)).toBe(before);
      });

      it("is run with trailers, which are taken for another one and close the connection", async () => {
        const port = await brokerWithMessage();
        const before = await topics(port);
        const answer = await sendRaw(port, `${chunked}${size}\r\n${form}\r\n0\r\nA: b\r\n\r\n`);
        expect(answer).toMatch(/HTTP\/1\.1 505/);
        expect(await topics(port)).not.toBe(before);
      });

      it("is taken for HTTP/1.0 when its first line comes in two segments", async () => {
        expect(
          statusOf(await sendParts(await brokerWithMessage(), "GET /pi", "ng HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ).toBe(505);
      });
    } else {
      it.each([
        ["a NUL byte", "Host: localhost\r\nA: b\0c\r\n"],
        ["a line that continues one", "Host: localhost\r\nA: b\r\n c\r\n"],
        ["no header", ""],
        ["the same length twice", "Host: localhost\r\nContent-Length: 0\r\nContent-Length: 0\r\n"],
        ["no name", "Host: localhost\r\n: b\r\n"],
      ])("is refused with %s in its head, and what is behind it not run", async (_, headers) => {
        const port = await brokerWithMessage();
        const before = await topics(port);
        for (const behind of ["", smuggled]) {
          const answer = await sendRaw(port, `GET /exitTopic?topic=t HTTP/1.1\r\n${headers}\r\n${behind}`);
          expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
        }
        expect(await topics(port)).toBe(before);
      });

      it.each([
        ["chunk extensions", `${chunked}${size};a=b\r\n${form}\r\n0\r\n\r\n`],
        ["quoted chunk extensions", `${chunked}${size};a="b"\r\n${form}\r\n0\r\n\r\n`],
        ["an extension of the last chunk", `${chunked}${size}\r\n${form}\r\n0;a\r\n\r\n`],
        ["trailers", `${chunked}${size}\r\n${form}\r\n0\r\nA: b\r\n\r\n`],
      ])("is not one in chunks with %s", async (_, request) => {
        const port = await brokerWithMessage();
        const ping = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
        const answers = await sendRaw(port, request + ping, (text) => text.endsWith("OK"));
        expect(answers).toMatch(/"code":0/);
      });

      it("is not one whose first line comes in two segments", async () => {
        const answer = await sendParts(await brokerWithMessage(), "GET /pi", "ng HTTP/1.1\r\nHost: localhost\r\n\r\n");
        expect(statusOf(answer)).toBe(200);
      });
    }
  });
});
