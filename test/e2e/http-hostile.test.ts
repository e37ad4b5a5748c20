/** What programs and strangers write in a request costs that request, and keeps nobody waiting. */
import { connect } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { SILENT } from "../../src/main/log.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { sharedBroker } from "./brokers.js";
import { isAnswered, sendRaw, statusOf } from "./raw-http.js";

const PATHS = [
  "/push",
  "/pop",
  "/ack",
  "/config",
  "/declareQueue",
  "/setIsAutoAck",
  "/getTopicStat",
  "/getAllTopicStat",
  "/getQueuesByTopic",
  "/exitTopic",
  "/ping",
  "/mq",
  "/nothing",
];
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "QUERY", "get", "X!"];
const QUERIES = [
  "",
  "?",
  "?&&",
  "?topic",
  "?topic=a&topic=b",
  "?topic=%",
  "?topic=%zz%E2%82",
  "?topic=%00",
  "?topic=\xff\xfe",
  "?\xff=\xfe",
  `?topic=${"t".repeat(64 * 1024)}`,
  `?${"&".repeat(64 * 1024)}`,
  `?${"a=&".repeat(20_000)}topic=t`,
  `?${"%74&".repeat(16_000)}`,
];

describe.each(ENGINE_NAMES)("on the engine %s", (httpEngine) => {
  const errors: unknown[] = [];
  const log = { ...SILENT, error: (...event: unknown[]) => void errors.push(event) };
  const broker = sharedBroker({ durability: "memory", httpEngine, log });
  beforeEach(() => errors.splice(0));

  describe("any query with any method on any path", () => {
    it.each(PATHS)("has an answer or none, and the broker lives: %s", async (path) => {
      const { http } = broker();
      for (const method of METHODS) {
        for (const query of QUERIES) {
          const request = `${method} ${path}${query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`;
          const status = statusOf(await sendRaw(http, request, isAnswered));
          // 0: closed without an answer, as uWebSockets.js does with what is no request to it.
          expect([0, 200, 400, 404, 413, 431, 505]).toContain(status);
        }
      }
      expect(await sendRaw(http, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n", isAnswered)).toMatch(/OK$/);
      expect(errors).toEqual([]);
    });
  });

  const MIB = 1024 * 1024;
  const fill = (before: string, repeated: string, times: number, after = ""): Buffer =>
    Buffer.concat([Buffer.from(before), Buffer.alloc(repeated.length * times, repeated, "latin1"), Buffer.from(after)]);
  const FORM = "application/x-www-form-urlencoded";
  const MESSAGE = 'data={"topic":"t","body":"';
  const END = '"}';

  /**
   * Bodies that are all one thing, of the size that is allowed. They are read by the same code whichever the engine is: all of them on
   * one, and on the others one of each kind of body.
   */
  const BODIES: readonly (readonly [string, string, () => Buffer, RegExp])[] = [
    ["fields without anything", FORM, () => fill("", "&", 48 * MIB), /data is empty/],
    ["empty fields", FORM, () => fill("", "a=&", 16 * MIB), /data is empty/],
    ["escaped names", FORM, () => fill("", "d%61t&", 8 * MIB), /data is empty/],
    ["JSON behind JSON", FORM, () => fill("data=", '{"35":0},', 5 * MIB), /data is not JSON/],
    ["members", FORM, () => fill('data={"a":[', '{"35":0},', 5 * MIB, '0],"topic":"t"}'), /"code":0/],
    ["depth", FORM, () => fill("data=", '{"a":', 8 * MIB), /nested deeper/],
    ["names", FORM, () => fill("data={", '"a":1,', 7 * MIB, '"topic":"t"}'), /"code":0/],
    ["fields of a message", FORM, () => fill("data={", '"bODY":"",', 4 * MIB, '"topic":"t"}'), /"code":0/],
    ["a name", FORM, () => fill('data={"', "k", 40 * MIB, '":1,"topic":"t"}'), /"code":0/],
    ["__proto__", FORM, () => fill("data={", '"__proto__":{},', 3 * MIB, '"topic":"t"}'), /"code":0/],
    ["digits", FORM, () => fill('data={"topic":"t","delay":1', "0", 40 * MIB, "}"), /not a whole number/],
    ["\\u0000", FORM, () => fill(MESSAGE, "\\u0000", 7 * MIB, END), /"code":0/],
    ["escaped \\u0000", FORM, () => fill(MESSAGE, "%5Cu0000", 5 * MIB, END), /"code":0/],
    ["percent escapes", FORM, () => fill(MESSAGE, "%61", 15 * MIB, END), /"code":0/],
    ["broken percent escapes", FORM, () => fill(MESSAGE, "%", 15 * MIB, END), /"code":0/],
    ["plus signs", FORM, () => fill(MESSAGE, "+", 15 * MIB, END), /"code":0/],
    ["pairs", FORM, () => fill(MESSAGE, "\\ud83d\\ude00", 3 * MIB, END), /"code":0/],
    ["halves of pairs", FORM, () => fill(MESSAGE, "\\ud83d", 5 * MIB, END), /"code":0/],
    ["no UTF-8", FORM, () => fill(MESSAGE, "\xff", 5 * MIB, END), /"code":0/],
    [
      "parts",
      "multipart/form-data; boundary=b",
      () => fill("", '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n', 800_000),
      /data is empty/,
    ],
    [
      "parameters of a part",
      "multipart/form-data; boundary=b",
      () => fill("", `--b\r\nContent-Disposition: form-data${';a="\\'.repeat(800)}\r\n\r\n\r\n`, 10_000),
      /data is empty/,
    ],
    [
      "what is nearly a boundary",
      `multipart/form-data; boundary=${"b".repeat(250)}`,
      () => fill(`--${"b".repeat(250)}\r\n\r\n`, `\r\n--${"b".repeat(249)}\r`, 150_000),
      /data is empty/,
    ],
  ];

  /** Times in which a client beside it was answered, as long as `work` goes on; in milliseconds, the longest first. */
  const beside = async <T>(
    port: number,
    work: Promise<T>,
  ): Promise<{ readonly result: T; readonly longest: number[] }> => {
    const socket = connect(port, "127.0.0.1").setNoDelay();
    const times: number[] = [];
    let isDone = false;
    const finished = work.finally(() => {
      isDone = true;
    });
    do {
      const start = performance.now();
      await new Promise<void>((resolve) => {
        socket.once("data", () => resolve());
        socket.write("GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n");
      });
      times.push(performance.now() - start);
    } while (!isDone);
    socket.destroy();
    return { result: await finished, longest: times.sort((a, b) => b - a) };
  };

  /** Generous beside the 50 ms that a request may take: these machines are shared, and this process is busy as well. */
  const LONG = 1_000;

  describe("a body of many", () => {
    it.each(httpEngine === ENGINE_NAMES[0] ? BODIES : BODIES.filter(([what]) => ["members", "parts"].includes(what)))(
      "%s keeps nobody waiting",
      async (_, type, make, expected) => {
        const { http } = broker();
        const body = make();
        const head = `POST /push HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
        const { result, longest } = await beside(
          http,
          sendRaw(http, Buffer.concat([Buffer.from(head), body]), isAnswered),
        );
        expect(result).toMatch(expected);
        expect(longest[0]).toBeLessThan(LONG);
      },
      30_000,
    );

    it("characters that JSON escapes comes out as it went in, and keeps nobody waiting", async () => {
      const { http } = broker();
      await fetch(`http://127.0.0.1:${http}/exitTopic?topic=t`);
      const body = fill(MESSAGE, "\\u0001%C3%A9", 2 * MIB, END);
      const head = `POST /push HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM}\r\nContent-Length: ${body.length}\r\n\r\n`;
      expect(await sendRaw(http, Buffer.concat([Buffer.from(head), body]), isAnswered)).toMatch(/"code":0/);
      const popped = fetch(`http://127.0.0.1:${http}/pop?topic=t`).then((answer) => answer.text());
      const { result, longest } = await beside(http, popped);
      const { data } = JSON.parse(result) as { readonly data: { readonly body: string; readonly retry_count: number } };
      expect(data.body === "\u0001é".repeat(2 * MIB)).toBe(true);
      expect(data.retry_count).toBe(0);
      expect(longest[0]).toBeLessThan(LONG);
    }, 30_000);
  });
});
