/** gmq's HTTP API where it is stretched: large bodies, clients that go, more topics than fit in an answer. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Broker, startBroker } from "../../dist/index.js";
import { SILENT } from "../../dist/main/log.js";
import { heldBytes } from "../../dist/main/native/gathered-body.js";
import { Op } from "../../src/protocol/op.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { exchange, type HttpAnswer } from "./http-exchange.js";
import { requestAll } from "./native-requests.js";

const MAX_MESSAGE_BYTES = 1024 * 1024;
const FORM = { "content-type": "application/x-www-form-urlencoded" };

let data = "";
let broker: Broker;
let port = 0;
let tcpPort = 0;
const errors: unknown[] = [];

describe.each(ENGINE_NAMES)("on the engine %s", (httpEngine) => {
  beforeAll(async () => {
    data = makeDirectory();
    const free = { host: "127.0.0.1", port: 0 };
    broker = await startBroker({
      httpEngine,
      tcp: free,
      http: free,
      data,
      shards: 2,
      memory: 256 * 1024 * 1024,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      log: { ...SILENT, error: (...event: unknown[]) => errors.push(event) },
    });
    port = broker.addresses.http?.port ?? 0;
    tcpPort = broker.addresses.tcp?.port ?? 0;
  });
  afterAll(async () => {
    await broker.close();
    removeDirectory(data);
  });

  const push = (topic: string, body: string): Promise<HttpAnswer> =>
    exchange(port, {
      method: "POST",
      path: "/push",
      headers: FORM,
      body: `data=${encodeURIComponent(JSON.stringify({ topic, body }))}`,
    });
  const pop = (topic: string): Promise<HttpAnswer> => exchange(port, { method: "GET", path: `/pop?topic=${topic}` });
  const message = (answer: HttpAnswer): unknown => JSON.parse(answer.body).msg;

  /** Turns of the event loop until a condition holds. */
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };

  describe("a body of the greatest size", () => {
    test("goes in and comes out whole", async () => {
      const body = "é%".repeat(MAX_MESSAGE_BYTES / 4) + "x".repeat(MAX_MESSAGE_BYTES / 4);
      expect(Buffer.byteLength(body)).toBe(MAX_MESSAGE_BYTES);
      expect(message(await push("large", body))).toBe("success");
      expect(JSON.parse((await pop("large")).body).data.body).toBe(body);
      expect(heldBytes()).toBe(0);
    });

    test("and one byte is refused", async () => {
      expect(message(await push("larger", "x".repeat(MAX_MESSAGE_BYTES + 1)))).toBe(
        `body is above ${MAX_MESSAGE_BYTES} bytes`,
      );
      expect(message(await pop("larger"))).toBe("no message");
    });
  });

  describe("a request that is too large to be a message", () => {
    test("is read to its end and refused, and the connection goes on", async () => {
      const limit = MAX_MESSAGE_BYTES * 3 + 64 * 1024;
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const answer = await exchange(
        port,
        { method: "POST", path: "/push", headers: FORM, body: `data=${"x".repeat(limit)}` },
        agent,
      );
      expect(message(answer)).toBe(`the request is above ${limit} bytes`);
      const next = await exchange(port, { method: "GET", path: "/ping" }, agent);
      expect(next.body).toBe("OK");
      agent.destroy();
      expect(heldBytes()).toBe(0);
    });
  });

  describe("a client that goes", () => {
    const open = async (text: string): Promise<Socket> => {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.write(text);
      return socket;
    };

    test("in the middle of a body leaves nothing behind", async () => {
      const socket = await open(
        "POST /push HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
          `Content-Length: 1000000\r\n\r\ndata={"topic":"t","body":"${"x".repeat(200_000)}`,
      );
      await until(() => heldBytes() > 0);
      socket.destroy();
      await until(() => heldBytes() === 0);
      expect(message(await push("after", "b"))).toBe("success");
    });

    test("before its answer does not disturb the others", async () => {
      const leave = async (path: string): Promise<void> => {
        const socket = await open(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        socket.destroy();
      };
      for (let i = 0; i < 50; i++) {
        await Promise.all(
          ["/pop?topic=t", "/getAllTopicStat", "/config?topic=t&mode=1", "/setIsAutoAck?topic=t"].map(leave),
        );
      }
      expect(message(await push("others", "b"))).toBe("success");
      expect(message(await pop("others"))).toBe("success");
      expect(errors).toEqual([]);
    });
  });

  describe("a topic with the most queues and the longest names", () => {
    const QUEUES = 1024;
    const topic = "m".repeat(255);
    const key = (i: number): string => `k${i}-`.padEnd(255, "x");

    beforeAll(() =>
      requestAll(
        tcpPort,
        Array.from({ length: QUEUES }, (_, i) => ({ op: Op.DECLARE_QUEUE, head: [topic, key(i)] })),
      ),
    );

    test("tells its statistics and its queues", async () => {
      const statistics = await exchange(port, { method: "GET", path: `/getTopicStat?topic=${topic}` });
      expect(JSON.parse(statistics.body).data).toMatchObject({ name: topic, queue_num: QUEUES });
      const queues = await exchange(port, { method: "GET", path: `/getQueuesByTopic?topic=${topic}` });
      expect(Object.keys(JSON.parse(queues.body).data).length).toBe(QUEUES);
      const all = await exchange(port, { method: "GET", path: "/getAllTopicStat" });
      expect(JSON.parse(all.body).data).toContainEqual(expect.objectContaining({ name: topic, queue_num: QUEUES }));
    });
  });

  describe("the statistics of all topics", () => {
    const TOPICS = 20_000;
    const name = (i: number): string => `all-${String(i).padStart(6, "0")}-${"x".repeat(230)}`;

    beforeAll(() =>
      requestAll(
        tcpPort,
        Array.from({ length: TOPICS }, (_, i) => ({ op: Op.CONFIGURE, head: [name(i), {}] })),
      ),
    );

    const names = (body: string): string[] =>
      JSON.parse(body)
        .data.map((topic: { readonly name: string }) => topic.name)
        .filter((topic: string) => topic.startsWith("all-"));

    test("come in one answer, ordered by name, each once", async () => {
      const answer = await exchange(port, { method: "GET", path: "/getAllTopicStat" });
      expect(answer.type).toBe("application/json");
      expect(answer.body.startsWith('{"code":0,"data":[{"name":"')).toBe(true);
      expect(answer.body.endsWith('}],"msg":"success"}')).toBe(true);
      expect(names(answer.body)).toEqual(Array.from({ length: TOPICS }, (_, i) => name(i)));
    });

    test("for a client that does not read keep nobody else waiting", async () => {
      const outgoing = request({ host: "127.0.0.1", port, path: "/getAllTopicStat" });
      outgoing.end();
      const [answer] = await once(outgoing, "response");
      answer.pause();
      const other = await exchange(port, { method: "GET", path: "/getAllTopicStat" });
      expect(names(other.body).length).toBe(TOPICS);
      answer.setEncoding("utf8");
      let body = "";
      for await (const part of answer) body += part;
      expect(names(body).length).toBe(TOPICS);
    });
  });
});
