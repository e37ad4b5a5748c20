/** Messages that their producer numbers are taken once, however often they are sent, whatever happens in between. */
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/protocol/errors.js";
import { unpackResult } from "../../src/protocol/head.js";
import { parseId } from "../../src/protocol/id.js";
import { Answer, DUPLICATE, Durability, ONE_BY_ONE, Op } from "../../src/protocol/op.js";
import { frame } from "../main/frames.js";
import { entries } from "../workers/frames.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { NativeClient } from "./native-client.js";

const numbers = (sequence: number, answered = 0): Buffer => {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt(sequence), 0);
  bytes.writeBigUInt64BE(BigInt(answered), 8);
  return bytes;
};

interface Receipt {
  readonly id: string;
  readonly messages: number;
  readonly durability: number;
  readonly isDuplicate: boolean;
}

interface Numbered {
  readonly topic?: string;
  readonly producer?: string;
  readonly routeKey?: string;
  readonly sequence: number;
  readonly answered?: number;
  readonly bodies: readonly string[];
  readonly flags?: number;
}

class Producer {
  #request = 0;

  private constructor(readonly native: NativeClient) {}

  static async open(port: number): Promise<Producer> {
    return new Producer(await NativeClient.greeted(port));
  }

  /** In one write. */
  send(...publishes: readonly Numbered[]): void {
    this.native.send(...publishes.map((publish) => this.#frame(publish)));
  }

  #frame({ topic = "t", producer = "p", routeKey, sequence, answered, bodies, flags = 0 }: Numbered): Buffer {
    const payload = Buffer.concat([numbers(sequence, answered), entries(...bodies)]);
    return frame(Op.PUBLISH, ++this.#request, [topic, routeKey ?? null, null, null, producer], payload, flags);
  }

  /** The receipts of the next CONFIRM, the next RESULT, or the code of the next ERROR. */
  async answer(): Promise<unknown> {
    const { op, flags, head, payload } = await this.native.next();
    if (op === Answer.ERROR) return head[0];
    if (op === Answer.RESULT) return unpackResult(payload, 0, payload.length)[0];
    const receipts: Receipt[] = [];
    for (let at = 0; at < payload.length; at += 20) {
      receipts.push({
        id: String(payload.readBigUInt64BE(at + 8)),
        messages: payload.readUInt32BE(at + 16),
        durability: flags & ~DUPLICATE,
        isDuplicate: (flags & DUPLICATE) !== 0,
      });
    }
    return receipts;
  }

  async publish(numbered: Numbered): Promise<unknown> {
    this.send(numbered);
    return await this.answer();
  }
}

const taken = (id: unknown, messages: number, isDuplicate: boolean) => [{ id, messages, durability: 3, isDuplicate }];

describe("numbered messages", () => {
  it("are taken once, on whatever connection they come again, and answered with their first ids", async () => {
    const { tcp } = await testBroker({ data: testDirectory() });
    const first = await Producer.open(tcp);
    const bodies = ["a", "b", "c"];
    const receipts = await first.publish({ sequence: 7, bodies });
    expect(receipts).toEqual(taken(expect.any(String), 3, false));
    const [{ id }] = receipts as readonly [Receipt];
    expect(await first.publish({ sequence: 7, bodies })).toEqual(taken(id, 3, true));
    const second = await Producer.open(tcp);
    expect(await second.publish({ sequence: 8, bodies: ["b"] })).toEqual(taken(String(BigInt(id) + 1n), 1, true));
    // Another producer's numbers are its own, and so are those of another topic.
    expect(await second.publish({ producer: "q", sequence: 7, bodies })).toEqual(taken(expect.any(String), 3, false));
    expect(await second.publish({ topic: "u", sequence: 7, bodies })).toEqual(taken(expect.any(String), 3, false));
    const client = await clientOf(tcp);
    expect(await client.stats("t")).toMatchObject({ published: 6, queues: [{ ready: 6 }] });
  });

  it("are taken as far as they were not before", async () => {
    const { tcp } = await testBroker({ data: testDirectory() });
    const producer = await Producer.open(tcp);
    const client = await clientOf(tcp);
    await client.configure("t", { maxLength: 2 });
    await client.declareQueue("t", "default");
    const bodies = ["a", "b", "c", "d"];
    const fates = await producer.publish({ sequence: 0, bodies, flags: ONE_BY_ONE });
    expect(fates).toEqual([
      [2, expect.any(Number), expect.any(Number), Durability.fsync],
      [2, ERRORS.QUEUE_FULL.code, expect.any(String)],
    ]);
    const [[, high, low]] = fates as readonly [readonly number[]];
    await client.configure("t", { maxLength: 0 });
    expect(await producer.publish({ sequence: 0, bodies, flags: ONE_BY_ONE })).toEqual([
      [2, high, low, Durability.fsync | DUPLICATE],
      [2, expect.any(Number), expect.any(Number), Durability.fsync],
    ]);
    expect(await producer.publish({ sequence: 2, bodies: ["c", "d"] })).toEqual(taken(expect.any(String), 2, true));
    const ready = await client.browse("t", { state: "ready", max: 10 });
    expect(ready.map((message) => message.text())).toEqual(bodies);
  });

  it("are known after a restart and with another number of shards, as long as the topic says", async () => {
    const data = testDirectory();
    let running = await testBroker({ data, shards: 2 });
    let producer = await Producer.open(running.tcp);
    const topics = Array.from({ length: 8 }, (_, i) => `topic ${i}`);
    const before = new Map<string, unknown>();
    for (const topic of topics) {
      const [receipt] = (await producer.publish({ topic, sequence: 0, bodies: ["a", "b"] })) as readonly Receipt[];
      before.set(topic, receipt?.id);
    }
    for (const shards of [2, 3, 1]) {
      await running.broker.close();
      running = await testBroker({ data, shards });
      producer = await Producer.open(running.tcp);
      for (const topic of topics) {
        const again = await producer.publish({ topic, sequence: 0, bodies: ["a", "b"] });
        expect(again).toEqual(taken(before.get(topic), 2, true));
      }
    }
    const client = await clientOf(running.tcp);
    for (const topic of topics) expect(await client.stats(topic)).toMatchObject({ queues: [{ ready: 2 }] });
    await client.configure("topic 0", { dedupMessages: 1 });
    await producer.publish({ topic: "topic 0", sequence: 2, bodies: ["c"] });
    await producer.publish({ topic: "topic 0", sequence: 3, bodies: ["d"] });
    expect(await producer.publish({ topic: "topic 0", sequence: 0, bodies: ["a", "b"] })).toBe(43);
  });

  it("are forgotten when the producer says that it knows, and when their topic is deleted", async () => {
    const { tcp } = await testBroker({ data: testDirectory() });
    const producer = await Producer.open(tcp);
    for (const sequence of [0, 1, 2]) await producer.publish({ sequence, answered: sequence, bodies: ["m"] });
    expect(await producer.publish({ sequence: 1, bodies: ["m"] })).toBe(43);
    expect(await producer.publish({ sequence: 2, bodies: ["m"] })).toMatchObject([{ isDuplicate: true }]);
    const client = await clientOf(tcp);
    await client.deleteTopic("t");
    const again = await producer.publish({ sequence: 1, bodies: ["m"] });
    expect(again).toMatchObject([{ isDuplicate: false }]);
    expect(parseId((again as readonly [Receipt])[0].id)).toBeDefined();
  });

  it("are new when their producer had said that it has all answers, also after a restart; not when it has only some", async () => {
    const data = testDirectory();
    let running = await testBroker({ data });
    let producer = await Producer.open(running.tcp);
    const publish = (name: string) => producer.publish({ producer: name, sequence: 0, bodies: ["a", "b"] });
    for (const name of ["all", "some", "none"]) await publish(name);
    producer.native.send(
      frame(Op.ANSWERED, 0, ["t", "all", 2]),
      frame(Op.ANSWERED, 0, ["t", "some", 1]),
      frame(Op.ANSWERED, 0, ["no topic", "all", 2]),
    );
    expect(await publish("none")).toMatchObject([{ isDuplicate: true }]);
    await running.broker.close();
    running = await testBroker({ data, shards: 2 });
    producer = await Producer.open(running.tcp);
    expect(await publish("all")).toMatchObject([{ isDuplicate: false }]);
    expect(await producer.publish({ producer: "some", sequence: 1, bodies: ["b"] })).toMatchObject([
      { isDuplicate: true },
    ]);
    expect(await publish("none")).toMatchObject([{ isDuplicate: true }]);
  });

  it("are answered as they were when their route key reaches no queue any more", async () => {
    const { tcp } = await testBroker({ data: testDirectory() });
    const producer = await Producer.open(tcp);
    const client = await clientOf(tcp);
    await client.declareQueue("t", "a");
    const bodies = ["a", "b", "c"];
    const receipts = await producer.publish({ routeKey: "a", sequence: 1, bodies });
    const [{ id }] = receipts as readonly [Receipt];
    await client.deleteQueue("t", "a");
    expect(await producer.publish({ routeKey: "a", sequence: 1, bodies })).toEqual(taken(id, 3, true));
    // What was not taken is refused, which says nothing of the rest: before it and behind it.
    const [known, refused] = (await producer.publish({ routeKey: "a", sequence: 2, bodies })) as readonly unknown[];
    expect(known).toEqual([2, expect.any(Number), expect.any(Number), 3 | DUPLICATE]);
    expect(refused).toEqual([1, ERRORS.NO_ROUTE.code, expect.any(String)]);
    // Merged requests as well.
    const both = [2, 3].map((sequence) => ({ routeKey: "a", sequence, bodies: ["m"] }));
    producer.send(...both, { routeKey: "a", sequence: 4, bodies: ["new"] });
    expect(await producer.answer()).toMatchObject([{ isDuplicate: true }]);
    expect(await producer.answer()).toBe(ERRORS.NO_ROUTE.code);
    // A pattern that cannot be read any more.
    await client.configure("t", { mode: "pattern" });
    await client.declareQueue("t", "b");
    await producer.publish({ producer: "q", routeKey: "b", sequence: 0, bodies });
    await client.deleteQueue("t", "b");
    expect(await producer.publish({ producer: "q", routeKey: "(", sequence: 0, bodies })).toMatchObject([
      { isDuplicate: true },
    ]);
  });
});
