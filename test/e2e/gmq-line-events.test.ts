/** What happens to line clients when something happens to their topic, their channel, or the shard behind them. */
import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { Op } from "../../src/protocol/op.js";
import { LineReader, type Response, send, sized, TYPE } from "../conformance/gmq-line-wire.js";
import { frame } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const client = (port: number): LineReader => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  onTestFinished(() => void socket.destroy());
  return new LineReader(socket);
};

/** The next response that is no sign of life. */
const next = async (reader: LineReader): Promise<Response | undefined> => {
  for (;;) {
    const response = await reader.next();
    if (response?.[0] !== TYPE.ping) return response;
  }
};

const ask = async (reader: LineReader, bytes: string): Promise<Response | undefined> => {
  await send(reader.socket, bytes);
  return next(reader);
};

it("a pop that waits is closed when its topic is deleted", async () => {
  const { tcp } = await testBroker({ durability: "memory" });
  const waiting = client(tcp);
  // The pop behind the first message waits: that message comes from the same request or an earlier one.
  await ask(waiting, `pub t  0\n${sized("a")}`);
  await send(waiting.socket, "pop t default\npop t default\n");
  expect((await waiting.next())?.[0]).toBe(TYPE.message);
  const native = await NativeClient.greeted(tcp);
  let response: Response | undefined;
  const closed = next(waiting).then((last) => {
    response = last;
  });
  for (let request = 2; response === undefined; request++) {
    native.send(frame(Op.DELETE_TOPIC, request, ["t"]));
    await native.next();
  }
  await closed;
  expect(response).toEqual([TYPE.error, "E_INVALID_READ - closed."]);
  expect(await waiting.next()).toBeUndefined();
  await native.end();
});

it("a subscriber hears on after the shard of its channel was restarted", async () => {
  const { broker, tcp } = await testBroker();
  const [subscriber, publisher] = [client(tcp), client(tcp)];
  expect(await ask(subscriber, "subscribe news\n")).toEqual([TYPE.result, "ok"]);
  await broker.supervisor.kill(0);
  // Until the shard is back publishing is refused, and until it is subscribed again there is nobody.
  let answer: Response | undefined;
  while (answer?.[1] !== "ok") answer = await ask(publisher, `publish news\n${sized("later")}`);
  expect(await next(subscriber)).toEqual([TYPE.channel, "later"]);
});

it("commands that a shard has not answered when it dies are answered with an error, and the connection goes on", async () => {
  const { broker, tcp } = await testBroker();
  const reader = client(tcp);
  await ask(reader, `pub t  0\n${sized("a")}`);
  await reader.socket.write(`pop t default\npop t default\n`);
  expect((await next(reader))?.[0]).toBe(TYPE.message);
  await broker.supervisor.kill(0);
  const [type, text] = (await next(reader)) ?? [0, ""];
  expect(type).toBe(TYPE.error);
  expect(text).toMatch(/^E_INVALID_POP - /);
  let answer: Response | undefined;
  while (answer?.[0] !== TYPE.result) answer = await ask(reader, `pub t  0\n${sized("b")}`);
});
