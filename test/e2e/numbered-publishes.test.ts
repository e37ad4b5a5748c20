/** Messages that their producer numbers are taken once, however often they are sent, whatever happens in between. */
import { describe, expect, it } from "vitest";
import { parseId } from "../../src/protocol/id.js";
import { Answer, DUPLICATE, ONE_BY_ONE, Op } from "../../src/protocol/op.js";
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

  send({ topic = "t", producer = "p", sequence, answered, bodies, flags = 0 }: Numbered): void {
    const payload = Buffer.concat([numbers(sequence, answered), entries(...bodies)]);
    const publish = frame(Op.PUBLISH, ++this.#request, [topic, null, null, null, producer], payload);
    publish.writeUInt8(flags, 5);
    this.native.send(publish);
  }

  /** The receipts of the next CONFIRM, the next RESULT, or the code of the next ERROR. */
  async answer(): Promise<readonly Receipt[] | number | unknown> {
    const { op, flags, head, payload } = await this.native.next();
    if (op === Answer.ERROR) return head[0];
    if (op === Answer.RESULT) return head[0] ?? payload;
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

  async publish(numbered: Numbered): Promise<readonly Receipt[] | number | unknown> {
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
    expect(fates).toMatchObject({ length: expect.any(Number) });
    await client.configure("t", { maxLength: 0 });
    producer.send({ sequence: 0, bodies, flags: ONE_BY_ONE });
    await producer.answer();
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
});
