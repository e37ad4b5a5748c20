import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { RingmqError } from "../../../src/client/base/error.js";
import { connect } from "../../../src/client/connect.js";
import { Answer, GIVE_BACK, Op } from "../../../src/protocol/op.js";
import {
  answerTo,
  begun,
  confirm,
  connected,
  entries,
  error,
  frame,
  hello,
  result,
  runs,
  ScriptedBroker,
  settled,
} from "../scripted-broker.js";

const code = (reason: unknown): unknown => (reason instanceof RingmqError ? reason.code : reason);

/** A port where nobody listens. */
const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
};

describe("connecting", () => {
  it("says who it is and learns what the broker allows", async () => {
    const { client, broker } = await connected({ name: "billing" }, hello({ maxBatchMessages: 9 }));
    expect(await broker.nth(Op.HELLO)).toMatchObject({ request: 1, head: [1, "billing"] });
    expect(client.info).toMatchObject({ server: "scripted", nodeId: 1, shards: 1, limits: { maxBatchMessages: 9 } });
    expect(client.info.limits.maxMessageBytes).toBe(16 * 1024 * 1024);
  });

  it.each([
    ["is refused", error(1, 2, "another version", false, true), "UNSUPPORTED_VERSION"],
    ["meets a broker of another version", hello({}, 2), "UNSUPPORTED_VERSION"],
    ["meets a broker that says something else first", result(1), "HANDSHAKE_REQUIRED"],
    ["meets a broker whose limits are none", hello({ maxFrameBytes: -1 }), "BAD_HEAD"],
    ["meets something that is no broker", Buffer.from("SSH-2.0-OpenSSH\r\n"), "CONNECT_FAILED"],
  ])("fails when it %s", async (_, greeting, expected) => {
    const broker = await ScriptedBroker.start(greeting);
    expect(code(await connect(broker.url).catch((reason: unknown) => reason))).toBe(expected);
  });

  it("fails when nobody listens, or the broker hangs up", async () => {
    await expect(connect(`tcp://127.0.0.1:${await freePort()}`)).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    await expect(connect(`ws://127.0.0.1:${await freePort()}`)).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    await expect(connect(`tcp://127.0.0.1:${port}`)).rejects.toMatchObject({ code: "CONNECT_FAILED", retryable: true });
  });

  it("fails when the broker does not answer in time", async () => {
    const broker = await ScriptedBroker.start(undefined);
    await expect(connect(broker.url, { connectTimeout: 20 })).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  });

  it("is given up by a signal, whose reason is the cause", async () => {
    const broker = await ScriptedBroker.start(undefined);
    const abort = new AbortController();
    const reason = new Error("enough");
    const aborted = { name: "RingmqError", code: "ABORTED", retryable: false, cause: reason };
    const refused = expect(connect(broker.url, { signal: abort.signal })).rejects.toMatchObject(aborted);
    await broker.nth(Op.HELLO);
    abort.abort(reason);
    await refused;
    await expect(connect(broker.url, { signal: abort.signal })).rejects.toMatchObject(aborted);
    await expect(connect("ws://127.0.0.1:1", { signal: abort.signal })).rejects.toMatchObject(aborted);
    await expect(connect(broker.url, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
      cause: { name: "AbortError" },
    });
  });
});

describe("what a broker may not send", () => {
  const cases: readonly (readonly [string, (request: number) => Buffer, string])[] = [
    ["an answer that nobody waits for", () => confirm({ request: 99 }), "BAD_FRAME"],
    ["an answer of another kind", (request) => confirm({ request }), "BAD_FRAME"],
    ["messages for a request that wants none", (request) => frame(Answer.MESSAGES, request), "BAD_FRAME"],
    ["a settlement of nothing", (request) => settled(request, 1), "BAD_FRAME"],
    ["an operation that it has not", (request) => frame(0x99, request), "BAD_FRAME"],
    ["a receipt for no request", () => confirm({ request: 2, requests: 0 }), "BAD_FRAME"],
    ["a receipt for all requests there are", () => confirm({ request: 2, requests: 0xffff_ffff }), "BAD_FRAME"],
    ["receipts that are cut short", () => frame(Answer.CONFIRM, 0, [], Buffer.alloc(19)), "BAD_FRAME"],
    ["no receipts", () => frame(Answer.CONFIRM, 0), "BAD_FRAME"],
    ["faults that are cut short", (request) => frame(Answer.SETTLED, request, [0], Buffer.alloc(5)), "BAD_FRAME"],
    ["a count that is none", (request) => frame(Answer.SETTLED, request, ["many"]), "BAD_FRAME"],
    ["an error that nobody waits for", () => error(99, 19, "no such topic", false, false), "BAD_FRAME"],
    [
      "messages of a channel that are none",
      () => frame(Answer.CHANNEL_MESSAGES, 0, ["c"], Buffer.alloc(3)),
      "BAD_FRAME",
    ],
    ["messages of a channel without a name", () => frame(Answer.CHANNEL_MESSAGES, 0, [], entries("x")), "BAD_FRAME"],
    ["a length that is none", () => Buffer.alloc(4), "BAD_FRAME"],
    ["a frame above every limit", () => Buffer.alloc(4, 0x7f), "FRAME_TOO_LARGE"],
    [
      "a head that is no list",
      (request) => {
        const bytes = result(request);
        bytes.writeUInt8(0xc1, 12);
        return bytes;
      },
      "BAD_HEAD",
    ],
  ];

  it.each(cases)("ends the connection and leaves nobody waiting: %s", async (_, answer, expected) => {
    const { client, broker } = await connected();
    broker.answer = ({ op, request }) => {
      if (op === Op.PING) broker.send(answer(request));
    };
    const waiting = [client.ping(), client.publish("t", "x"), client.pop("t", { wait: 1000 }), client.stats("t")];
    const outcomes = await Promise.allSettled(waiting);
    for (const outcome of outcomes) {
      expect(outcome.status === "rejected" && code(outcome.reason)).toBe("CONNECTION_CLOSED");
    }
    expect(code(await client.closed)).toBe(expected);
    await expect(client.ping()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it.each([
    ["that is cut short", Buffer.alloc(31)],
    ["whose entries are cut short", runs({ high: 1, low: 1, delivery: 1, bodies: ["abc"] }).subarray(0, -1)],
    ["of more messages than it has", Buffer.from(runs({ high: 1, low: 1, delivery: 1, bodies: [] }))],
  ])("ends the connection: a run %s", async (_, payload) => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(frame(Answer.MESSAGES, request, [], payload));
    await expect(client.pop("t")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(code(await client.closed)).toBe("BAD_FRAME");
  });

  it("ends the connection: confirmations of other messages than were published", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(confirm({ request, messages: 3 }));
    await expect(client.publish("t", "x")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    expect(code(await client.closed)).toBe("BAD_FRAME");
  });
});

describe("a connection that ends", () => {
  it("leaves nobody waiting, whatever for", async () => {
    const { client, broker } = await connected({ maxPendingBytes: 1000 });
    broker.answer = ({ op, request }) => {
      if (op === Op.CONSUME) broker.send(begun(request));
      else if (op === Op.SUBSCRIBE) broker.send(confirm({ request }));
    };
    const consumer = await client.consume("t");
    const subscription = await client.subscribe("c");
    const waiting: Promise<unknown>[] = [
      consumer.next(),
      subscription.next(),
      client.publish("t", new Uint8Array(900)),
    ];
    waiting.push(client.ready(), client.ackById("t", "1"));
    await broker.nth(Op.PUBLISH);
    broker.socket.destroy();
    for (const outcome of await Promise.allSettled(waiting)) {
      expect(outcome.status === "rejected" && code(outcome.reason)).toBe("CONNECTION_CLOSED");
    }
    expect(await client.closed).toMatchObject({ code: "CONNECTION_CLOSED", retryable: true });
  });

  it("tells why the broker closed it", async () => {
    const { client, broker } = await connected();
    broker.send(error(0, 32, "too slow", true, true));
    broker.socket.end();
    expect(await client.closed).toMatchObject({ code: "SLOW_SUBSCRIBER", message: "too slow" });
  });

  it("fails the request that closes it with its own error, and the others with that as the cause", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ op, request }) => {
      if (op !== Op.STATS) return;
      broker.send(error(request, 34, "twice", false, true));
      broker.socket.end();
    };
    const ping = client.ping();
    await expect(client.stats("t")).rejects.toMatchObject({ code: "DUPLICATE_REQUEST" });
    await expect(ping).rejects.toMatchObject({ code: "CONNECTION_CLOSED", cause: { code: "DUPLICATE_REQUEST" } });
  });

  it("tells a code of a newer broker by its number", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(error(request, 4711, "too new", true, false));
    await expect(client.ping()).rejects.toMatchObject({
      code: "UNKNOWN_ERROR",
      retryable: true,
      message: "too new (code 4711)",
    });
  });
});

describe("closing", () => {
  it("sends what was asked for, and rejects what is not answered", async () => {
    const { client, broker } = await connected();
    const publish = client.publish("t", "x");
    const closing = client.close();
    await expect(publish).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await closing;
    await broker.nth(Op.PUBLISH);
    expect(await client.closed).toBeUndefined();
    await expect(client.publish("t", "x")).rejects.toMatchObject({ code: "CLIENT_CLOSED", retryable: false });
    await client.close();
  });

  it("does not wait for a broker that does not hang up", async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.write(hello()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const client = await connect(`tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
    await client.close();
  });

  it("is what asyncDispose does", async () => {
    const { client } = await connected();
    await client[Symbol.asyncDispose]();
    expect(await client.closed).toBeUndefined();
  });
});

describe("draining", () => {
  it("lets loops read what has come and publish, waits for every answer, then closes", async () => {
    const { client, broker } = await connected();
    const held: (() => void)[] = [];
    broker.answer = ({ op, request }) => {
      if (op === Op.CONSUME) {
        const payload = runs({ high: 1, low: 10, delivery: 7, bodies: ["a", "b"] });
        broker.send(begun(request), frame(Answer.MESSAGES, request, [], payload));
      } else if (op === Op.PING) broker.send(result(request));
      else if (op === Op.SEEN) return;
      else if (op === Op.PUBLISH) held.push(() => broker.send(confirm({ request, high: 1, low: 50 })));
      else broker.send(confirm({ request, messages: 2 }));
    };
    const consumer = await client.consume("t");
    const published: Promise<unknown>[] = [];
    const loop = (async () => {
      for await (const message of consumer) {
        published.push(client.publish("copies", message.body));
        void message.ack();
      }
    })();
    const drained = client.drain();
    await expect(client.consume("t")).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    await expect(client.pop("t")).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    await broker.seen(Op.ACK, 2);
    for (let i = 0; i < 5; i++) await client.ping();
    for (const answer of held) answer();
    await Promise.all([drained, loop]);
    expect(await Promise.all(published)).toHaveLength(2);
    expect(await client.closed).toBeUndefined();
  });

  it("gives back what nobody reads", async () => {
    const { client, broker } = await connected();
    broker.answer = (seen) => {
      const { op, request } = seen;
      broker.send(answerTo(seen));
      if (op !== Op.CONSUME) return;
      broker.send(frame(Answer.MESSAGES, request, [], runs({ high: 1, low: 10, delivery: 7, bodies: ["a", "b"] })));
    };
    await client.consume("t");
    await client.drain();
    expect((await broker.nth(Op.STOP)).flags).toBe(GIVE_BACK);
  });

  it("ends in time though the broker does not answer", async () => {
    const { client } = await connected();
    const ping = expect(client.ping()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await client.drain({ timeout: 20 });
    await ping;
  });

  it("begins by itself when the broker says goodbye", async () => {
    const { client, broker } = await connected();
    broker.send(frame(Answer.GOODBYE, 0, ["maintenance"]));
    expect(await client.closed).toMatchObject({ code: "SHUTTING_DOWN", message: "maintenance", retryable: true });
  });
});
