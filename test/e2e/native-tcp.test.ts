import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorName } from "../../src/protocol/errors.js";
import { unpackHead } from "../../src/protocol/head.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { entries, type Frame, frame, receiptsOf } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const expectError = ({ op, request, head }: Frame, kind: ErrorName, of: number): void => {
  const { code, retryable, closes } = ERRORS[kind];
  expect({ op, request, head: [head[0], head[2], head[3]] }).toEqual({
    op: Answer.ERROR,
    request: of,
    head: [code, retryable, closes],
  });
  expect(head[1]).toMatch(/\w{3}/);
};

const resultOf = ({ op, payload }: Frame): readonly unknown[] => {
  expect(op).toBe(Answer.RESULT);
  return unpackHead(payload, 0, payload.length);
};

/** Sends, and reads until the connection closes. */
const lastWords = async (port: number, ...frames: readonly Buffer[]): Promise<Frame[]> => {
  const client = await NativeClient.open(port);
  client.send(...frames);
  await client.closed;
  return client.frames;
};

const HELLO = frame(Op.HELLO, 1, [1, "test"]);

describe("the native protocol over TCP", () => {
  it("answers HELLO with what binds a client", async () => {
    const { tcp } = await testBroker({ node: 7, shards: 2, maxInFlight: 99 });
    const client = await NativeClient.open(tcp);
    client.send(HELLO);
    const { op, request, head } = await client.next();
    expect([op, request]).toEqual([Op.HELLO, 1]);
    expect(head).toEqual([
      1,
      expect.stringMatching(/^ringmq\/\d+\.\d+\.\d+/),
      7,
      2,
      {
        maxMessageBytes: 16_777_216,
        maxFrameBytes: 16_842_752,
        maxBatchMessages: 4_096,
        maxInFlight: 99,
        maxNameBytes: 255,
      },
    ]);
  });

  it("carries a message from a publisher to a consumer that acks it", async () => {
    const { tcp } = await testBroker();
    const publisher = await NativeClient.greeted(tcp);
    const consumer = await NativeClient.greeted(tcp);
    consumer.send(frame(Op.CONSUME, 2, ["orders", "", 10], undefined, 1));
    expect(receiptsOf(await consumer.next())).toEqual([{ request: 2, requests: 1, messages: 0 }]);
    publisher.send(frame(Op.PUBLISH, 2, ["orders"], entries("one", "two")));
    expect(receiptsOf(await publisher.next())).toEqual([{ request: 2, requests: 1, messages: 2 }]);
    const { op, request, payload } = await consumer.next();
    expect([op, request]).toEqual([Answer.MESSAGES, 2]);
    expect(payload.includes("one") && payload.includes("two")).toBe(true);
    const selection = Buffer.concat([payload.subarray(0, 12), payload.subarray(16, 20)]);
    consumer.send(frame(Op.ACK, 3, ["orders"], selection));
    expect(receiptsOf(await consumer.next())).toEqual([{ request: 3, requests: 1, messages: 2 }]);
  });

  it("takes frames byte by byte, and several in one write", async () => {
    const { tcp } = await testBroker();
    const client = await NativeClient.open(tcp);
    const bytes = Buffer.concat([HELLO, frame(Op.PUBLISH, 2, ["bytes"], entries("x")), frame(Op.PING, 3)]);
    for (const byte of bytes) client.socket.write(Buffer.of(byte));
    expect((await client.next()).op).toBe(Op.HELLO);
    const answers = [await client.next(), await client.next()];
    expect(new Set(answers.map(({ op }) => op))).toEqual(new Set([Answer.CONFIRM, Answer.RESULT]));

    client.send(...Array.from({ length: 1_000 }, (_, i) => frame(Op.PUBLISH, 10 + i, ["bytes"], entries(`${i}`))));
    let messages = 0;
    while (messages < 1_000) for (const receipt of receiptsOf(await client.next())) messages += receipt.messages;
    expect(messages).toBe(1_000);
  });

  it("answers each of two connections whose frames interleave", async () => {
    const { tcp } = await testBroker({ shards: 2 });
    const clients = [await NativeClient.greeted(tcp), await NativeClient.greeted(tcp)];
    const confirmed = clients.map(() => new Set<number>());
    for (let i = 0; i < 300; i++) {
      for (const [which, client] of clients.entries()) {
        client.send(frame(Op.PUBLISH, 100 + i, [`topic-${(i + which) % 7}`], entries(`${which}:${i}`)));
      }
    }
    for (const [which, client] of clients.entries()) {
      const mine = confirmed[which] ?? new Set();
      while (mine.size < 300) {
        for (const { request, requests } of receiptsOf(await client.next())) {
          for (let i = 0; i < requests; i++) mine.add(request + i);
        }
      }
      expect(Math.min(...mine)).toBe(100);
      expect(Math.max(...mine)).toBe(399);
    }
  });

  it("answers PING, and TOPICS of a shard by its number", async () => {
    const { tcp } = await testBroker({ shards: 2 });
    const client = await NativeClient.greeted(tcp);
    expect(resultOf(await client.ask(Op.PING, 5))).toEqual([null]);
    for (const shard of [0, 1]) {
      expect(resultOf(await client.ask(Op.TOPICS, 6, [shard]))).toEqual([[[], false]]);
    }
    expectError(await client.ask(Op.TOPICS, 7, [2]), "BAD_HEAD", 7);
  });

  it("refuses what cannot be a request, each with its code, and closes where the code says so", async () => {
    const { tcp } = await testBroker({ maxFrameBytes: 2_000, maxMessageBytes: 1_000 });
    const closing: readonly [Buffer[], ErrorName, number][] = [
      [[frame(Op.HELLO, 1, [2])], "UNSUPPORTED_VERSION", 1],
      [[frame(Op.HELLO, 1, ["one"])], "UNSUPPORTED_VERSION", 1],
      [[frame(Op.PING, 4)], "HANDSHAKE_REQUIRED", 4],
      [[Buffer.from([0, 0, 0, 7, 1, 2, 3, 4])], "BAD_FRAME", 0],
      [[HELLO, HELLO], "HANDSHAKE_REQUIRED", 1],
      [[HELLO, frame(Op.PUBLISH, 0, ["t"], entries("x"))], "BAD_FRAME", 0],
      [[HELLO, frame(Op.PUBLISH, 9, ["t"], Buffer.alloc(2_000))], "FRAME_TOO_LARGE", 9],
      [[HELLO, frame(Op.POP, 8, ["t", "", 1, 60_000]), frame(Op.POP, 8, ["t"])], "DUPLICATE_REQUEST", 8],
      [[HELLO, frame(Op.POP, 8, ["t", "", 1, 60_000]), frame(Op.PING, 8)], "DUPLICATE_REQUEST", 8],
    ];
    for (const [frames, kind, request] of closing) {
      const words = await lastWords(tcp, ...frames);
      expectError(words.at(-1) ?? words[0] ?? readNothing(), kind, request);
      expect(words).toHaveLength(frames.includes(HELLO) ? 2 : 1);
    }

    const client = await NativeClient.greeted(tcp);
    expectError(await client.ask(0x7f, 2), "UNKNOWN_OP", 2);
    expectError(await client.ask(Answer.CONFIRM, 3), "UNKNOWN_OP", 3);
    expectError(await client.ask(Op.PUBLISH, 4, [null], entries("x")), "BAD_HEAD", 4);
    expectError(await client.ask(Op.PUBLISH, 5), "BAD_HEAD", 5);
    expectError(await client.ask(Op.PUBLISH, 6, ["t"], Buffer.alloc(3)), "BAD_PAYLOAD", 6);
    expectError(await client.ask(Op.PUBLISH, 7, ["t"], entries("x".repeat(1_001))), "MESSAGE_TOO_LARGE", 7);
    await client.ping();
  });

  it("takes a frame of exactly maxFrameBytes, through a ring that is far smaller", async () => {
    const { tcp, broker } = await testBroker({
      ringBytes: 64 * 1024,
      maxFrameBytes: 200_000,
      maxMessageBytes: 100_000,
    });
    const client = await NativeClient.greeted(tcp);
    const overhead = frame(Op.PUBLISH, 2, ["exact"], entries("", "")).length - 4;
    const bodies = [Buffer.alloc(100_000, 1), Buffer.alloc(100_000 - overhead, 2)] as const;
    const largest = frame(Op.PUBLISH, 2, ["exact"], entries(...bodies));
    expect(largest.readUInt32BE(0)).toBe(broker.options.maxFrameBytes);
    client.send(largest);
    expect(receiptsOf(await client.next())).toEqual([{ request: 2, requests: 1, messages: 2 }]);
  });

  it("hands the limits of a shard to it: each is refused with its code", async () => {
    const { tcp } = await testBroker({
      maxBatchMessages: 3,
      maxNameBytes: 10,
      maxTopics: 2,
      maxQueues: 2,
      maxConsumers: 2,
    });
    const client = await NativeClient.greeted(tcp);
    const ask = async (op: number, request: number, head: readonly unknown[], payload?: Uint8Array): Promise<void> => {
      client.send(frame(op, request, head, payload));
      const {
        op: answer,
        head: [code],
      } = await client.next();
      if (answer !== Answer.CONFIRM) throw new Error(`request ${request} was answered ${answer}, code ${String(code)}`);
    };
    expectError(await client.ask(Op.PUBLISH, 2, ["t"], entries("1", "2", "3", "4")), "TOO_MANY_MESSAGES", 2);
    expectError(await client.ask(Op.PUBLISH, 3, ["elevenbytes"], entries("x")), "BAD_NAME", 3);
    await ask(Op.PUBLISH, 4, ["tenbytes.."], entries("1", "2", "3"));
    await ask(Op.DECLARE_QUEUE, 5, ["second", "a"]);
    expectError(await client.ask(Op.PUBLISH, 6, ["third"], entries("x")), "TOO_MANY_TOPICS", 6);
    await ask(Op.DECLARE_QUEUE, 7, ["second", "b"]);
    expectError(await client.ask(Op.DECLARE_QUEUE, 8, ["second", "c"]), "TOO_MANY_QUEUES", 8);
    await ask(Op.CONSUME, 9, ["second", "a"]);
    client.send(frame(Op.POP, 10, ["second", "a", 1, 60_000]));
    expectError(await client.ask(Op.CONSUME, 11, ["second", "b"]), "TOO_MANY_CONSUMERS", 11);
  });

  it("hands the shares of one connection to it, and how long topics may go unused", async () => {
    const options = { maxTopicsPerConnection: 1, maxConsumersPerConnection: 1, topicIdle: 100 };
    const { tcp } = await testBroker(options);
    const client = await NativeClient.greeted(tcp);
    expect((await client.ask(Op.POP, 2, ["first", "", 1, 1])).op).toBe(Answer.MESSAGES);
    expectError(await client.ask(Op.POP, 3, ["second", "", 1, 1]), "TOO_MANY_TOPICS", 3);
    const other = await NativeClient.greeted(tcp);
    other.send(frame(Op.CONSUME, 2, ["first"]));
    expect((await other.next()).op).toBe(Answer.CONFIRM);
    expectError(await other.ask(Op.CONSUME, 3, ["first"]), "TOO_MANY_CONSUMERS", 3);
    await other.end();
    const topics = async (request: number): Promise<string> =>
      JSON.stringify(resultOf(await client.ask(Op.TOPICS, request, [0])));
    for (let request = 10; (await topics(request)) !== "[[[],false]]"; ) request++;
  });

  it("refuses publishes past its memory, and takes them again when there is room", async () => {
    // With a journal, what does not fit into memory is on disk.
    const { tcp } = await testBroker({ memory: 16 << 20, maxMessageBytes: 1 << 20, durability: "memory" });
    const client = await NativeClient.greeted(tcp);
    const large = entries(Buffer.alloc(1 << 20));
    let refused: Frame | undefined;
    for (let request = 10; refused === undefined; request++) {
      client.send(frame(Op.PUBLISH, request, ["full"], large));
      const answer = await client.next();
      if (answer.op === Answer.ERROR) refused = answer;
    }
    expectError(refused, "MEMORY_FULL", refused.request);
    client.send(frame(Op.PURGE, 5, ["full", "", "all"]), frame(Op.PUBLISH, 6, ["full"], large));
    const receipts = [...receiptsOf(await client.next())];
    if (receipts.length < 2) receipts.push(...receiptsOf(await client.next()));
    expect(receipts.map(({ request }) => request)).toEqual([5, 6]);
  });

  it("refuses a request past maxInFlight, and takes it when another has been answered", async () => {
    const { tcp } = await testBroker({ maxInFlight: 3 });
    const client = await NativeClient.greeted(tcp);
    for (const request of [10, 11, 12]) client.send(frame(Op.POP, request, ["empty", "", 1, 60_000]));
    expectError(await client.ask(Op.POP, 13, ["empty"]), "TOO_MANY_IN_FLIGHT", 13);
    const other = await NativeClient.greeted(tcp);
    other.send(frame(Op.PUBLISH, 2, ["empty"], entries("x")));
    expect((await client.next()).request).toBe(10);
    expect((await client.ask(Op.POP, 13, ["empty"])).op).toBe(Answer.MESSAGES);
  });

  it("refuses a connection past maxConnections, and takes one when another has gone", async () => {
    const { tcp, broker } = await testBroker({ maxConnections: 2 });
    const first = await NativeClient.greeted(tcp);
    await NativeClient.greeted(tcp);
    const refused = await NativeClient.open(tcp);
    expectError(await refused.next(), "TOO_MANY_CONNECTIONS", 0);
    await refused.closed;
    await first.end();
    while (broker.connections.size > 1) await new Promise((resolve) => setImmediate(resolve));
    await (await NativeClient.greeted(tcp)).ping();
  });

  it("closes a connection that does not say all of HELLO in time", async () => {
    const { tcp } = await testBroker({ helloTimeout: 100 });
    const slow = await NativeClient.open(tcp);
    slow.send(HELLO.subarray(0, 5));
    const greeted = await NativeClient.greeted(tcp);
    await slow.closed;
    expectError(await slow.next(), "HANDSHAKE_REQUIRED", 0);
    await greeted.ping();
  });

  it("keeps connections that say nothing for as long as there is room", async () => {
    const { tcp, broker } = await testBroker({ helloTimeout: 100, maxConnections: 6 });
    const silent = [await NativeClient.open(tcp), await NativeClient.open(tcp)];
    const hesitant = await NativeClient.open(tcp);
    hesitant.send(Buffer.from("v1"));
    await hesitant.closed;
    while (broker.usage.sockets > 2) await new Promise((resolve) => setImmediate(resolve));
    const [first] = silent;
    first?.send(HELLO);
    expect((await first?.next())?.op).toBe(Op.HELLO);
    await NativeClient.greeted(tcp);
    await NativeClient.greeted(tcp);
    await silent[1]?.closed;
    expect(silent[1]?.frames).toEqual([]);
    await first?.ping();
  });

  it("tells a stranger in plain words what this port speaks", async () => {
    const { tcp } = await testBroker();
    const socket = connect(tcp, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\n\r\n");
    let text = "";
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    await once(socket, "close");
    expect(text).toMatch(/^ringmq: .*native protocol.*\n$/);
  });

  it("gives the shard a consumer's messages back when its connection closes", async () => {
    const { tcp } = await testBroker();
    const publisher = await NativeClient.greeted(tcp);
    publisher.send(frame(Op.PUBLISH, 2, ["back"], entries("again")));
    await publisher.next();
    const consumer = await NativeClient.greeted(tcp);
    consumer.send(frame(Op.CONSUME, 2, ["back", "", 10]));
    await consumer.next();
    expect((await consumer.next()).payload.includes("again")).toBe(true);
    consumer.socket.destroy();
    const { payload } = await publisher.ask(Op.POP, 3, ["back", "", 1, 10_000]);
    expect(payload.includes("again")).toBe(true);
  });
});

const readNothing = (): never => {
  throw new Error("the broker closed without a word");
};

it("carries out what a client writes in front of its end, however busy the shard is", async () => {
  const { tcp } = await testBroker({ durability: "memory" });
  const client = await NativeClient.greeted(tcp);
  const publishes = Array.from({ length: 30 }, (_, i) =>
    frame(Op.PUBLISH, 2 + i, ["last"], entries("x".repeat(1_000))),
  );
  for (let i = 0; i < 100; i++) {
    const other = await NativeClient.open(tcp);
    other.socket.end(Buffer.concat([frame(Op.HELLO, 1, [1, "short"]), ...publishes]));
    await other.closed;
  }
  // The end of the last of them may still be on its way to the shard.
  let published: unknown;
  for (let request = 2; published !== 3_000 && request < 100; request++) {
    const [statistics] = resultOf(await client.ask(Op.STATS, request, ["last"]));
    published = (statistics as { published: number }).published;
  }
  expect(published).toBe(3_000);
});
