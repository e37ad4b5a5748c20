/** No log has anything of a message's body, at any level, whatever door it comes through and whatever is wrong with it. */
import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { expect, it } from "vitest";
import { createLog } from "../../src/cli/log-lines.js";
import { connect } from "../../src/client/index.js";
import { Op } from "../../src/protocol/op.js";
import { CHANNEL_DOORS } from "../conformance/channel-doors.js";
import { request } from "../conformance/gmq-frame-client.js";
import { sized } from "../conformance/gmq-line-wire.js";
import { WebSocketClient } from "../conformance/memmq-wire.js";
import { frame } from "../main/frames.js";
import { PLAIN } from "../tls.js";
import { type TestBroker, testBroker } from "./brokers.js";
import { waysIn } from "./gmq-clients.js";

const MARK = "MARKED-BODY";
const BODY = Buffer.from(`${MARK} of somebody`);

/** What is refused, or breaks a protocol, each time with the mark in it. */
const offences = async ({ tcp, http }: TestBroker): Promise<void> => {
  const head = `POST /push HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
  const form = (body: string): string =>
    `${head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const lines = [
    `\xfe${MARK}`,
    MARK,
    `pub t\n${sized(`{"Body": ${MARK}`)}`,
    `pub t\n${sized(MARK)}`,
    `mpub t\n${sized(MARK)}`,
    `publish ${MARK}/\n${sized(MARK)}`,
    `pub t\n\xff\xff\xff\xff${MARK}`,
  ];
  const frames = [request("push", MARK), request("push", `{"topic":"t","body":${MARK}`), request(MARK, MARK)];
  const hello = frame(Op.HELLO, 1, [1, "test"]);
  const native = [
    Buffer.concat([hello, Buffer.from(MARK.repeat(8))]),
    Buffer.concat([hello, frame(Op.PUBLISH, 2, [MARK, { body: MARK }], Buffer.from(MARK))]),
    Buffer.concat([hello, frame(Op.PUBLISH, 2, [MARK], Buffer.from(MARK))]),
  ];
  const requests = [
    form(`data={"body":${MARK}`),
    form(`data=${MARK}`),
    form(MARK),
    `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n${MARK}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n${MARK}\r\n`,
    `${MARK}\r\n\r\n`,
    `GET /push?data={"body":"${MARK}" HTTP/1.1\r\nHost: ${"x".repeat(10)}\r\nConnection: close\r\n\r\n`,
    `POST /pub?topic=%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 11\r\n\r\n${MARK}`,
  ];
  for (const bytes of [...lines, ...frames, ...native]) await told(tcp, bytes);
  for (const bytes of requests) await told(http, bytes);
  const socket = await WebSocketClient.open(PLAIN, http, "/mq");
  socket.socket.send(Buffer.from(MARK));
  await socket.closed();
};

/** Sends bytes and nothing more, and waits until the broker has had enough. */
const told = async (port: number, bytes: string | Buffer): Promise<void> => {
  const socket = connectSocket(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.end(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  socket.resume();
  await once(socket, "close");
};

it("no log has a body in it, whatever door it comes through and whatever is wrong with it", async () => {
  let text = "";
  const log = createLog("debug", "json", (line) => {
    text += line;
  });
  const at = await testBroker({ log, httpEngine: "node", grpc: { host: "127.0.0.1", port: 0 }, retries: 0 });
  for (const door of CHANNEL_DOORS) {
    const listener = await door.subscribe(at, "heard");
    await door.publish(at, "heard", [BODY]);
    expect(String(await listener.next()), door.name).toBe(String(BODY));
    await listener.close();
  }
  for (const way of await waysIn(at)) {
    await way.push("t", BODY);
    const popped = await way.pop("t");
    expect(String(popped?.body), way.name).toBe(String(BODY));
    await way.ack("t", popped?.id ?? "");
  }
  const client = await connect(`tcp://127.0.0.1:${at.tcp}`);
  await client.publish("dead", BODY);
  const [message] = await client.pop("dead");
  await message?.nack({ reason: "no" });
  await client.close();
  await offences(at);
  await at.broker.close();
  // The doors have said what they could not read.
  expect(text).toContain("speaks an unknown protocol");
  expect(text).toContain("a request cannot be read");
  expect(text.split("\n").filter((line) => line.includes(MARK.slice(1)))).toEqual([]);
});
