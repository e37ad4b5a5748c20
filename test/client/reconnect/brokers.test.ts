/** A client of a list of brokers, over TCP: which of them it is connected to, and what a silent one costs. */
import { expect, it, onTestFinished } from "vitest";
import type { ConnectOptions } from "../../../src/client/arguments/options.js";
import type { Client } from "../../../src/client/client.js";
import { connect } from "../../../src/client/connect.js";
import type { ConnectionStatus } from "../../../src/client/connection/status.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { publishedTo } from "../nodes/scripted-nodes.js";
import { answerTo, bodiesOf, confirm, error, frame, hello, result, ScriptedBroker } from "../scripted-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

const QUICK = { minDelay: 1, maxDelay: 20 };

/** By their brokers, which forget theirs when they stop. */
const urls = new Map<ScriptedBroker, string>();

const scripted = async (greeting: Uint8Array = hello()): Promise<ScriptedBroker> => {
  const broker = await ScriptedBroker.start(greeting);
  urls.set(broker, broker.url);
  return broker;
};

/** Answers everything, and confirms messages. */
const answering = async (): Promise<ScriptedBroker> => {
  const broker = await scripted();
  broker.answer = (seen) => {
    if (seen.op !== Op.PUBLISH) broker.send(answerTo(seen));
    else broker.send(confirm({ request: seen.request, high: 1, low: 100, messages: bodiesOf(seen).length }));
  };
  return broker;
};

const connectTo = async (
  brokers: readonly (ScriptedBroker | string)[],
  options: ConnectOptions = {},
): Promise<Client> => {
  const list = brokers.map((broker) => (typeof broker === "string" ? broker : (urls.get(broker) ?? "")));
  const client = await connect(list, { reconnect: QUICK, ...options });
  onTestFinished(() => client.close());
  return client;
};

const becomes = async (client: Client, type: ConnectionStatus["type"]): Promise<ConnectionStatus> => {
  for await (const status of client.status()) if (status.type === type) return status;
  throw new Error("the client is closed");
};

it("connects to the first of a list that can be had, and moves on to the next when that goes", async () => {
  const unhandled = unhandledRejections();
  const [first, second, third] = await Promise.all([answering(), answering(), answering()]);
  await first.stop();
  const client = await connectTo([first, second, third]);
  expect(await becomes(client, "connected")).toMatchObject({ url: urls.get(second) });
  const consumer = await client.consume("t");
  // It has the message, and goes before it has confirmed it.
  second.answer = ({ op }) => {
    if (op === Op.PUBLISH) void second.stop();
  };
  await client.publish("t", "a");
  await client.publish("t", "b");
  expect(await becomes(client, "connected")).toMatchObject({ url: urls.get(third) });
  expect([publishedTo(second), publishedTo(third)]).toEqual([["a"], ["a", "b"]]);
  // The same number of the same producer, at both of them.
  const [before, after] = [await second.nth(Op.PUBLISH), await third.nth(Op.PUBLISH)];
  expect(after.head).toEqual(before.head);
  expect(after.payload).toEqual(before.payload);
  await third.seen(Op.CONSUME);
  expect(consumer.buffered).toBe(0);
  expect(unhandled).toEqual([]);
});

it("rejects at first with the error of the last of the list, or waits until it is told not to", async () => {
  const gone = await answering();
  await gone.stop();
  const refusing = await scripted(error(0, ERRORS.TOO_MANY_CONNECTIONS.code, "full", true, true));
  await expect(connectTo([gone, refusing])).rejects.toMatchObject({ code: "TOO_MANY_CONNECTIONS" });
  await expect(connectTo([refusing, gone])).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  await expect(connectTo([gone, "tcp://:"])).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  const abort = new AbortController();
  const waiting = connectTo([gone], { reconnect: { ...QUICK, initially: true }, signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
  await expect(connectTo([gone], { reconnect: { ...QUICK, initially: true, timeout: 50 } })).rejects.toMatchObject({
    code: "CONNECT_FAILED",
  });
});

it("notices a broker that is silent, and goes on at the next one", async () => {
  const [silent, other] = await Promise.all([scripted(), answering()]);
  const client = await connectTo([silent, other], { pingInterval: 100 });
  const published = client.publish("t", "a");
  const stats = client.ping();
  expect(await becomes(client, "disconnected")).toMatchObject({ error: { code: "CONNECTION_CLOSED" } });
  // The silent one is tried again first, and takes a connection.
  await Promise.all([published, stats]);
  expect(publishedTo(other)).toEqual(["a"]);
});

it("gives up what a silent broker does not answer, and closes in the time that it has", async () => {
  const unhandled = unhandledRejections();
  const silent = await scripted();
  const client = await connectTo([silent], {
    publishTimeout: 60,
    requestTimeout: 60,
    maxPendingBytes: 17 * 1024 * 1024,
  });
  // More than the kernel takes: what is not written must not hold it up.
  silent.socket.pause();
  const body = new Uint8Array(1024 * 1024);
  const published = Array.from({ length: 16 }, () => client.publish("t", body));
  const outcomes = await Promise.allSettled([...published, client.publishBatch("t", ["x"]), client.stats("t")]);
  const codes = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "taken"));
  expect(codes).toEqual([...Array(17).fill("PUBLISH_TIMEOUT"), "ANSWER_TIMEOUT"]);
  expect(outcomes[0]).toMatchObject({ reason: { message: expect.stringContaining("whether it was stored") } });
  // What is not written is here still: a program that goes on publishing is told so.
  expect(client.pendingBytes).toBeGreaterThan(16 * body.length);
  await expect(client.publish("t", new Uint8Array(body.length))).rejects.toMatchObject({ code: "CLIENT_BUSY" });
  const pop = expect(client.pop("t")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  const start = performance.now();
  await client.close({ timeout: 50 });
  await pop;
  expect(performance.now() - start).toBeLessThan(5_000);
  expect(await client.closed).toBeUndefined();
  expect(unhandled).toEqual([]);
});

it("ignores an answer that comes when nobody waits for it any more", async () => {
  const late = await scripted();
  const client = await connectTo([late], { publishTimeout: 30, requestTimeout: 30 });
  await expect(client.publish("t", "x")).rejects.toMatchObject({ code: "PUBLISH_TIMEOUT" });
  await expect(client.ping()).rejects.toMatchObject({ code: "ANSWER_TIMEOUT" });
  for (const seen of [await late.nth(Op.PUBLISH), await late.nth(Op.PING)]) late.send(answerTo(seen));
  late.answer = (seen) => late.send(answerTo(seen));
  await client.ping();
  expect(client.pendingBytes).toBe(0);
  expect(late.frames.filter(({ op }) => op === Op.HELLO)).toHaveLength(1);
});

it("is closed by an error of the broker that is about what its program does", async () => {
  const broker = await answering();
  const client = await connectTo([broker]);
  broker.answer = ({ request }) => broker.send(error(request, ERRORS.BAD_FRAME.code, "nonsense", false, true));
  await expect(client.stats("t")).rejects.toMatchObject({ code: "BAD_FRAME" });
  broker.socket.end();
  expect(await client.closed).toMatchObject({ code: "BAD_FRAME" });
});

it("ends the subscription that was too slow, and goes on with the others", async () => {
  const broker = await answering();
  const client = await connectTo([broker]);
  const slow = await client.subscribe("slow", { overflow: "disconnect" });
  const other = await client.subscribe("other");
  const { length } = broker.frames;
  broker.answer = (seen) =>
    broker.send(seen.op === Op.SUBSCRIBE ? result(seen.request, { epoch: "e", position: 0 }) : answerTo(seen));
  broker.send(error(0, ERRORS.SLOW_SUBSCRIBER.code, "too slow", false, true));
  broker.socket.end();
  expect(await slow.closed).toMatchObject({ code: "SLOW_SUBSCRIBER" });
  await broker.seen(Op.SUBSCRIBE, 3);
  expect(broker.frames.slice(length).flatMap(({ op, head }) => (op === Op.SUBSCRIBE ? [head[0]] : []))).toEqual([
    "other",
  ]);
  broker.send(frame(Answer.CHANNEL_LOST, 0, ["other", 0]));
  await client.ping();
  expect(other.lost).toBe(0);
});

it("sends no frame to a broker that would not take one so large", async () => {
  const [large, small] = await Promise.all([answering(), scripted(hello({ maxFrameBytes: 2_000 }))]);
  small.answer = (seen) => small.send(answerTo(seen));
  const client = await connectTo([large, small]);
  large.answer = ({ op }) => {
    if (op === Op.PUBLISH) void large.stop();
  };
  const tooLarge = expect(client.publish("t", "x".repeat(3_000))).rejects.toMatchObject({ code: "FRAME_TOO_LARGE" });
  const fits = client.publish("u", "y");
  await Promise.all([tooLarge, fits]);
  expect(publishedTo(small)).toEqual(["y"]);
});
