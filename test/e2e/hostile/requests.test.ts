import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { frame } from "../../main/frames.js";
import { clientOf } from "../clients.js";
import { NativeClient } from "../native-client.js";
import { entryWithHeaders, nested, rawFrame, referenceBomb } from "./bombs.js";
import { beside, type HostileBroker, hostileBroker } from "./neighbour.js";

/** Sends bytes to the HTTP port; what comes back until the other side closes, or an answer is there. */
const exchange = (port: number, bytes: string | Buffer): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    let answer = "";
    const done = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(5_000, done);
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      if (answer.includes("\r\n\r\n")) setImmediate(done);
    });
    socket.on("error", done);
    socket.on("close", done);
  });

const ROUTES = [
  "/push",
  "/pop",
  "/ack",
  "/config",
  "/declareQueue",
  "/setIsAutoAck",
  "/exitTopic",
  "/getTopicStat",
  "/getQueuesByTopic",
  "/getAllTopicStat",
  "/ping",
  "/mq",
  "/nowhere",
];
const QUERIES = ["", "?", "?&&", "?topic", "?topic=a&topic=b", "?topic=%", "?topic=%ff%zz%2", "?topic=\xff\xfe", "?="];
const METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"];

const post = (type: string, body: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST /push HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
    ),
    body,
  ]);

const FORM = "application/x-www-form-urlencoded";

const memory = async (broker: HostileBroker): Promise<void> => {
  const client = await clientOf(broker.tcp);
  await client.ping();
};

describe("one request costs itself and not the broker", () => {
  it("whatever its path, query and method", async () => {
    const broker = await hostileBroker();
    await beside(broker, async () => {
      for (const method of METHODS) {
        const requests = ROUTES.flatMap((path) => QUERIES.map((query) => `${method} ${path}${query}`));
        await Promise.all(requests.map((line) => exchange(broker.http, `${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`)));
      }
      for (const path of ROUTES) {
        await exchange(broker.http, `GET ${path}?topic=${"a".repeat(65_536)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      }
    });
    await memory(broker);
  });

  it("when its form or its JSON is large and means nothing", async () => {
    const broker = await hostileBroker();
    const forms = [
      Buffer.alloc(16 << 20, "&"),
      Buffer.alloc(16 << 20, "="),
      Buffer.alloc(16 << 20, "a"),
      Buffer.alloc(16 << 20, "%"),
      Buffer.from(`data=${"+".repeat(16 << 20)}`),
      Buffer.from(`data=[${'{"35":0},'.repeat(5_000_000)}0]`),
      Buffer.from(`data=${"[".repeat(8 << 20)}`),
      Buffer.from(`data={"a":${"1".repeat(8 << 20)}}`),
      Buffer.from(`data={"topic":"t","body":"${"\\u0041".repeat(2 << 20)}"}`),
      Buffer.from(`data={${'"\\u0062ody":"",'.repeat(1 << 20)}"topic":"t"}`),
    ];
    await beside(broker, async () => {
      for (const form of forms) expect(await exchange(broker.http, post(FORM, form))).toMatch(/^HTTP\/1\.1 /);
      const part = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n';
      await exchange(broker.http, post("multipart/form-data; boundary=x", Buffer.from(part.repeat(100_000))));
    });
  }, 60_000);

  it("when its head or its headers refer to themselves", async () => {
    const broker = await hostileBroker();
    const innocent = await clientOf(broker.tcp);
    await innocent.publish("headers", "before");
    await beside(broker, async () => {
      const stranger = await NativeClient.open(broker.tcp);
      stranger.send(rawFrame(Op.HELLO, 1, referenceBomb([1])));
      // Only its version and its name are looked at.
      expect([Op.HELLO, Answer.ERROR]).toContain((await stranger.next()).op);
      const client = await NativeClient.greeted(broker.tcp);
      for (const [i, op] of [Op.CONFIGURE, Op.STATS, Op.POP, Op.CONSUME, Op.SUBSCRIBE, Op.TOPICS].entries()) {
        const head = referenceBomb([op === Op.TOPICS ? 0 : "hostile"]);
        client.send(rawFrame(op, 2 + i, head));
        const answer = await client.answer(2 + i);
        expect([op, answer.op, answer.head[0]]).toEqual([op, Answer.ERROR, ERRORS.BAD_HEAD.code]);
      }
      client.send(rawFrame(Op.CONFIGURE, 20, nested(60_000)));
      expect((await client.answer(20)).op).toBe(Answer.ERROR);
      for (const [i, topic] of ["headers", "neighbour"].entries()) {
        // What a neighbour does not look into does not hurt it.
        if (topic === "neighbour") continue;
        client.send(frame(Op.PUBLISH, 30 + i, [topic], entryWithHeaders(referenceBomb([]))));
        await client.next();
      }
    });
    const read: string[] = [];
    for (const message of await innocent.pop("headers", { max: 10 })) {
      try {
        read.push(`${message.text()} ${Object.keys(message.headers).length}`);
      } catch (error) {
        read.push(`${message.text()} ${(error as { code?: string }).code}`);
      }
    }
    expect(read).toEqual(["before 0", "hostile BAD_PAYLOAD"]);
  });
});
