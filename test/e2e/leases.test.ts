import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { unpackResult } from "../../src/protocol/head.js";
import { AHEAD, Answer, GIVE_BACK, Op, RENEW, REPORTS } from "../../src/protocol/op.js";
import { readRuns } from "../../src/protocol/run.js";
import { SELECTION_BYTES, writeSelection } from "../../src/protocol/selection.js";
import { entries, type Frame, frame, receiptsOf } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

interface Message {
  readonly body: string;
  readonly high: number;
  readonly low: number;
  readonly delivery: number;
  readonly retry: number;
}

const messagesOf = ({ payload }: Frame): Message[] => {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return readRuns(view, 0, payload.length).flatMap((run) => {
    const messages: Message[] = [];
    for (let at = run.start; at < run.end; ) {
      const end = at + 4 + view.getUint32(at);
      const { idHigh: high, delivery, retry } = run;
      messages.push({
        body: `${payload.subarray(at + 4, end)}`,
        high,
        low: run.idLow + messages.length,
        delivery,
        retry,
      });
      at = end;
    }
    return messages;
  });
};

const selections = (...messages: readonly (Message | undefined)[]): Buffer => {
  const payload = Buffer.alloc(messages.length * SELECTION_BYTES);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  messages.forEach((message, i) => {
    if (message === undefined) throw new Error("there is no such message");
    writeSelection(view, i * SELECTION_BYTES, message.high, message.low, 1, message.delivery);
  });
  return payload;
};

const statsOf = async (client: NativeClient, topic = "t"): Promise<Record<string, unknown>> => {
  const { payload } = await client.ask(Op.STATS, 900, [topic]);
  return unpackResult(payload, 0, payload.length)[0] as Record<string, unknown>;
};

const CONSUMER = 7;

/** A client whose program is the test: it consumes from the topic `t`, and reports. */
class Worker {
  private constructor(readonly client: NativeClient) {}

  static async begin(tcp: number, credit: number, flags = REPORTS): Promise<Worker> {
    const client = await NativeClient.greeted(tcp);
    client.send(frame(Op.CONSUME, CONSUMER, ["t", "", credit], undefined, flags));
    return new Worker(client);
  }

  /** The next `count` messages. */
  async receive(count: number): Promise<Message[]> {
    const messages: Message[] = [];
    while (messages.length < count) {
      const next = await this.client.answer(CONSUMER);
      if (next.op === Answer.MESSAGES) messages.push(...messagesOf(next));
    }
    return messages;
  }

  see(message: Message | undefined, flags = 0): void {
    const payload = message === undefined ? undefined : selections(message);
    this.client.send(frame(Op.SEEN, 0, ["t", "", CONSUMER], payload, flags));
  }

  /** The shard has heard all that was sent to it. */
  async isHeard(): Promise<void> {
    await this.client.ask(Op.STATS, 901, ["t"]);
  }

  async die(): Promise<void> {
    this.client.socket.resetAndDestroy();
    await this.client.closed;
  }
}

const publish = async (client: NativeClient, count: number, topic = "t"): Promise<void> => {
  const bodies = Array.from({ length: count }, (_, i) => `${i}`);
  client.send(frame(Op.PUBLISH, 2, [topic], entries(...bodies)));
  await client.next();
};

/** Milliseconds between two looks at what a broker does by itself, which has other work as well. */
const LOOK_EVERY = 10;

/** Waits until nobody holds a message: the topic's statistics. */
const released = async (client: NativeClient): Promise<Record<string, unknown>> => {
  for (;;) {
    const stats = await statsOf(client);
    if ((stats["queues"] as { inFlight: number }[])[0]?.inFlight === 0) return stats;
    await delay(LOOK_EVERY);
  }
};

/** Waits until nobody holds a message; then what there is, in order: `body` or `body+retry`. */
const rest = async (client: NativeClient, count: number): Promise<string[]> => {
  await released(client);
  const all = messagesOf(await client.ask(Op.POP, 902, ["t", "", count + 1]));
  return all.map(({ body, retry }) => (retry === 0 ? body : `${body}+${retry}`));
};

/** A worker that was sent the first six of ten messages. */
const sixOfTen = async (config: object = {}) => {
  const { tcp } = await testBroker();
  const publisher = await NativeClient.greeted(tcp);
  await publisher.ask(Op.CONFIGURE, 3, ["t", config]);
  await publish(publisher, 10);
  const worker = await Worker.begin(tcp, 6);
  return { publisher, worker, messages: await worker.receive(6) };
};

describe("a client that reports and dies", () => {
  it("has failed on what its program was handed; the rest is at the head again, as it was", async () => {
    const { publisher, worker, messages } = await sixOfTen();
    worker.see(messages[2]);
    await worker.isHeard();
    await worker.die();
    expect(await rest(publisher, 10)).toEqual(["3", "4", "5", "6", "7", "8", "9", "0+1", "1+1", "2+1"]);
  });

  it("is told the broker's clock and its topic's TTR in answer to its CONSUME", async () => {
    const { tcp } = await testBroker();
    const client = await NativeClient.greeted(tcp);
    client.send(frame(Op.CONSUME, CONSUMER, ["t"], undefined, REPORTS));
    const before = Date.now();
    const { op, payload } = await client.answer(CONSUMER);
    expect(op).toBe(Answer.RESULT);
    const [value] = unpackResult(payload, 0, payload.length);
    expect(value).toEqual({ now: expect.any(Number), ttr: 60_000, autoAck: false });
    expect(Math.abs((value as { now: number }).now - before)).toBeLessThan(30_000);
    // Its number is taken as long as it lives.
    client.send(frame(Op.STATS, CONSUMER, ["t"]));
    await client.closed;
    expect(client.frames.at(-1)).toMatchObject({ op: Answer.ERROR, head: [34, expect.any(String), false, true] });
  });

  it("on a topic with auto-ack has had what its program was handed; the rest is there still", async () => {
    const { publisher, worker, messages } = await sixOfTen({ autoAck: true });
    worker.see(messages[2]);
    await worker.isHeard();
    await worker.die();
    expect(await rest(publisher, 10)).toEqual(["3", "4", "5", "6", "7", "8", "9"]);
  });

  it("again and again at the same message: that one is dead after its limit, and no other has a retry", async () => {
    const { tcp } = await testBroker();
    const publisher = await NativeClient.greeted(tcp);
    await publisher.ask(Op.CONFIGURE, 3, ["t", { retries: 3 }]);
    await publish(publisher, 100);
    const done: string[] = [];
    let deaths = 0;
    for (let dead = 0; dead === 0; ) {
      const worker = await Worker.begin(tcp, 20, REPORTS | RENEW);
      for (let isAlive = true; isAlive; ) {
        for (const message of await worker.receive(1)) {
          worker.see(message);
          if (message.body === "50") {
            isAlive = false;
            break;
          }
          expect(message.retry).toBe(0);
          worker.client.send(frame(Op.ACK, 10 + done.length, ["t", ""], selections(message)));
          done.push(message.body);
        }
      }
      await worker.isHeard();
      await worker.die();
      deaths++;
      dead = (await released(publisher))["dead"] as number;
    }
    const { retried, queues } = await statsOf(publisher);
    expect([deaths, retried, queues]).toMatchObject([4, 4, [{ deadLetters: 1 }]]);
    const left = await rest(publisher, 100);
    expect([...done, ...left].sort()).toEqual(
      Array.from({ length: 100 }, (_, i) => `${i}`)
        .filter((i) => i !== "50")
        .sort(),
    );
  }, 30_000);
});

describe("a client that reports and leaves", () => {
  it("gives back with its STOP what lies ahead", async () => {
    const { publisher, worker, messages } = await sixOfTen();
    worker.see(messages[0]);
    worker.client.send(frame(Op.STOP, 8, ["t", "", CONSUMER], undefined, GIVE_BACK));
    for (let next = await worker.client.next(); ; next = await worker.client.next()) {
      const receipt = next.op === Answer.CONFIRM ? receiptsOf(next).find(({ request }) => request === 8) : undefined;
      if (receipt === undefined) continue;
      expect(receipt.messages).toBe(5);
      break;
    }
    worker.client.send(frame(Op.ACK, 9, ["t", ""], selections(messages[0])));
    expect(receiptsOf(await worker.client.next())).toMatchObject([{ request: 9, messages: 1 }]);
    expect(await rest(publisher, 10)).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("gives back with RELEASE what it names", async () => {
    const { publisher, worker, messages } = await sixOfTen();
    worker.client.send(
      frame(Op.CREDIT, 0, ["t", "", CONSUMER, -100]),
      frame(Op.RELEASE, 8, ["t", ""], selections(...messages.slice(3), ...messages.slice(1, 3))),
      frame(Op.STOP, 9, ["t", "", CONSUMER]),
    );
    worker.client.send(frame(Op.ACK, 10, ["t", ""], selections(messages[0])));
    await worker.isHeard();
    expect(await rest(publisher, 10)).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  });
});

describe("a client that reports what is not so", () => {
  it("moves nothing of its own by it, and nothing of others", async () => {
    const { tcp } = await testBroker();
    const publisher = await NativeClient.greeted(tcp);
    await publish(publisher, 10);
    const honest = await Worker.begin(tcp, 5);
    const kept = await honest.receive(5);
    const liar = await Worker.begin(tcp, 5);
    const messages = await liar.receive(5);
    const [last] = messages.slice(-1);
    if (last === undefined) throw new Error("five messages were sent");
    liar.see(messages[0]);
    for (const beyond of [1, 1000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0]) {
      liar.see({ ...last, low: 0xffff_ff00, delivery: (last.delivery + beyond) >>> 0 });
    }
    const to = (head: readonly unknown[], payload?: Uint8Array, flags = 0): void =>
      liar.client.send(frame(Op.SEEN, 0, head, payload, flags));
    to(["t", "", 1], selections(last));
    to(["t", "", CONSUMER], selections(kept[4]));
    to(["t", "", 0xffff_ffff], selections(last), AHEAD);
    to(["t", "", CONSUMER], Buffer.alloc(15));
    to(["t", "", CONSUMER], Buffer.alloc(32));
    to(["t", "", CONSUMER, 5], selections(last));
    to([], selections(last));
    liar.client.send(frame(Op.CREDIT, 0, ["t", "", CONSUMER, -(2 ** 32 - 1)]));
    liar.client.send(frame(Op.CREDIT, 0, ["t", "", CONSUMER, -(2 ** 32)]));
    liar.client.send(frame(Op.CREDIT, 0, ["t", "", CONSUMER, 0]));
    for (let i = 0; i < 3; i++) liar.client.send(frame(Op.CREDIT, 0, ["t", "", CONSUMER, -(2 ** 32 - 1)]));
    await liar.isHeard();
    await liar.die();
    honest.see(kept[0]);
    await honest.isHeard();
    await honest.die();
    expect(await rest(publisher, 10)).toEqual(
      expect.arrayContaining(["1", "2", "3", "4", "6", "7", "8", "9", "0+1", "5+1"]),
    );
  });

  it("is refused a RELEASE of more messages than a request may select", async () => {
    const { tcp } = await testBroker();
    const client = await NativeClient.greeted(tcp);
    await publish(client, 3);
    const taken = messagesOf(await client.ask(Op.POP, 3, ["t", "", 3]));
    const payload = Buffer.alloc(17 * SELECTION_BYTES);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    for (let i = 0; i < 17; i++) writeSelection(view, i * SELECTION_BYTES, i + 1, 0, i < 16 ? 4096 : 1, 0);
    const { op, head } = await client.ask(Op.RELEASE, 4, ["t", ""], payload);
    expect([op, head[0]]).toEqual([Answer.ERROR, 9]);
    client.send(frame(Op.RELEASE, 5, ["t", ""], payload.subarray(0, 16 * SELECTION_BYTES)));
    expect(await client.next()).toMatchObject({ op: Answer.SETTLED, request: 5, head: [0] });
    client.send(frame(Op.RELEASE, 6, ["t", ""], selections(...taken)));
    expect(receiptsOf(await client.next())).toMatchObject([{ request: 6, messages: 3 }]);
    expect(await client.ask(Op.RELEASE, 7, ["t", ""], selections(...taken))).toMatchObject({ op: Answer.SETTLED });
  });
});
