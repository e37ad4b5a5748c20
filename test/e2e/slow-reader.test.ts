import { describe, expect, it } from "vitest";
import { unpackHead } from "../../src/protocol/head.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { readRuns } from "../../src/protocol/run.js";
import { requestAll } from "../conformance/native-requests.js";
import { entries, type Frame, frame, receiptsOf } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const LIMIT = 256 * 1024;
const TOPICS = Array.from({ length: 64 }, (_, i) => `topic-${i}`);
/** 64 MB in all: many times the limit, and for each shard twice what its outbox holds. */
const MESSAGES = 16;
const BODY_BYTES = 64_000;

const inFlightOf = ({ payload }: Frame): number => {
  const [value] = unpackHead(payload, 0, payload.length);
  const [, digits = ""] = /"inFlight":(\d+)/.exec(JSON.stringify(value)) ?? [];
  return Number(digits);
};

const publishAll = async (client: NativeClient): Promise<void> => {
  for (const topic of TOPICS) {
    for (let i = 0; i < MESSAGES; i++) {
      client.send(frame(Op.PUBLISH, 10 + i, [topic], entries(`${i} `.padEnd(BODY_BYTES, "x"))));
    }
    for (let confirmed = 0; confirmed < MESSAGES; ) {
      for (const { messages } of receiptsOf(await client.next())) confirmed += messages;
    }
  }
};

/** How many messages shards have let go, as soon as that stays the same. */
const deliveredAtRest = async (client: NativeClient): Promise<number> => {
  let delivered = 0;
  for (let same = 0; same < 5 || delivered === 0; ) {
    let now = 0;
    for (const topic of TOPICS) now += inFlightOf(await client.ask(Op.STATS, 5, [topic]));
    same = now === delivered ? same + 1 : 0;
    delivered = now;
  }
  return delivered;
};

/** The numbers in the bodies of a MESSAGES frame. */
const numbersOf = ({ payload }: Frame): number[] => {
  const numbers: number[] = [];
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  for (const { start, end } of readRuns(view, 0, payload.length)) {
    for (let at = start; at < end; at += 4 + payload.readUInt32BE(at)) {
      numbers.push(Number.parseInt(payload.toString("latin1", at + 4, at + 8), 10));
    }
  }
  return numbers;
};

describe("a slow reader of many shards", () => {
  it("is held, not cut off, and then gets everything once and in order", async () => {
    const { tcp, broker } = await testBroker({ shards: 8, maxOutgoingBytes: LIMIT, maxMessageBytes: 64 * 1024 });
    const publisher = await NativeClient.greeted(tcp);
    await publishAll(publisher);

    const consumer = await NativeClient.greeted(tcp);
    consumer.socket.pause();
    consumer.send(...TOPICS.map((topic, i) => frame(Op.CONSUME, i + 1, [topic, "", 1_000])));
    expect((await deliveredAtRest(publisher)) * BODY_BYTES).toBeGreaterThan(8 * LIMIT);
    expect(broker.connections.size).toBe(2);

    consumer.socket.resume();
    const received = TOPICS.map((): number[] => []);
    for (let count = 0; count < TOPICS.length * MESSAGES; ) {
      const next = await consumer.next();
      if (next.op !== Answer.MESSAGES) continue;
      const numbers = numbersOf(next);
      received[next.request - 1]?.push(...numbers);
      count += numbers.length;
    }
    await consumer.ping();
    const all = Array.from({ length: MESSAGES }, (_, i) => i);
    expect(received).toEqual(TOPICS.map(() => all));
  });

  it("is answered later when it asks for hundreds of long lists at once", async () => {
    const { tcp, broker } = await testBroker({ shards: 1, maxOutgoingBytes: LIMIT });
    const keys = Array.from({ length: 500 }, (_, i) => `${i}`.padEnd(200, "a"));
    await requestAll(
      tcp,
      keys.map((key) => ({ op: Op.DECLARE_QUEUE, head: ["wide", key] })),
    );

    const neighbour = await NativeClient.greeted(tcp);
    const client = await NativeClient.greeted(tcp);
    client.socket.pause();
    // 100 MB of answers.
    const requests = Array.from({ length: 800 }, (_, i) => 10 + i);
    const ask = (request: number): Buffer =>
      request % 2 === 0 ? frame(Op.STATS, request, ["wide"]) : frame(Op.TOPICS, request, [0, "", 10]);
    client.send(...requests.map(ask));
    for (let i = 0; i < 100; i++) await neighbour.ask(Op.STATS, 1_000 + i, ["wide"]);
    expect(broker.connections.size).toBe(2);

    client.socket.resume();
    const answered: number[] = [];
    while (answered.length < requests.length) {
      const { op, request, head } = await client.next();
      expect(op, String(head)).toBe(Answer.RESULT);
      answered.push(request);
    }
    expect(answered.sort((a, b) => a - b)).toEqual(requests);
  });
});
