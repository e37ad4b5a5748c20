/** gmq's first generation: waiting, redelivery, dead letters, restarts, and messages of other protocols. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HAS_HEADERS } from "../../src/protocol/entry.js";
import { unpackResult } from "../../src/protocol/head.js";
import { packHeaders } from "../../src/protocol/headers.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { type TestBroker, testBroker, testDirectory } from "../e2e/brokers.js";
import { NativeClient } from "../e2e/native-client.js";
import { entries, frame } from "../main/frames.js";
import { ack, ERROR, FrameClient, JOB, MESSAGE, pop, push, request } from "./gmq-frame-client.js";

const start = (options = {}) => testBroker({ durability: "memory", shards: 2, ...options });

const job = (id: number, ttr: number, consumed = 0, topic = "t"): string =>
  JOB(`{"Id":${id},"Topic":"${topic}","Delay":0,"TTR":${ttr},"Body":"b","Status":3,"ConsumeNum":${consumed}}`);

const pushed = (id: number, ttr = 0, topic = "t"): Buffer => push({ Id: id, Topic: topic, TTR: ttr, Body: "b" });

/** Milliseconds that an answer took. */
const timed = async (work: Promise<unknown>): Promise<number> => {
  const before = performance.now();
  await work;
  return performance.now() - before;
};

/** Statistics of the only queue of a topic. */
const queueOf = async ({ tcp }: TestBroker, topic: string): Promise<Record<string, unknown>> => {
  const client = await NativeClient.greeted(tcp);
  const { payload } = await client.ask(Op.STATS, 2, [topic]);
  await client.end();
  const [statistics] = unpackResult(payload, 0, payload.length) as readonly { queues: Record<string, unknown>[] }[];
  return statistics?.queues[0] ?? {};
};

/** An entry with headers. */
const entryWith = (headers: Record<string, unknown>, body: string): Buffer => {
  const packed = packHeaders(headers);
  const bytes = Buffer.alloc(6 + packed.length + body.length);
  bytes.writeUInt32BE(HAS_HEADERS + bytes.length - 4, 0);
  bytes.writeUInt16BE(packed.length, 4);
  bytes.set(packed, 6);
  bytes.write(body, 6 + packed.length);
  return bytes;
};

/** A request that a CONFIRM answers. */
const confirmed = async (
  native: NativeClient,
  op: number,
  topic: string,
  payload?: Uint8Array,
  queue?: string,
): Promise<void> => {
  native.send(frame(op, 9, queue === undefined ? [topic] : [topic, queue], payload));
  expect((await native.next()).op).toBe(Answer.CONFIRM);
};

describe("a pop that finds nothing", () => {
  it("waits three seconds, then says so", async () => {
    const client = await FrameClient.open(await start());
    const took = await timed(client.ask(pop("t")).then((answer) => expect(answer).toBe(MESSAGE("nothing"))));
    expect(took).toBeGreaterThan(2_900);
    expect(took).toBeLessThan(3_500);
  });

  it("waits for several topics three seconds too", async () => {
    const client = await FrameClient.open(await start());
    const took = await timed(client.ask(pop("t,u,v")).then((answer) => expect(answer).toBe(MESSAGE("nothing"))));
    expect(took).toBeGreaterThan(2_900);
    expect(took).toBeLessThan(3_500);
  });

  it.each(["t", "a,t,b"])("gets a job of %s as soon as it comes", async (topics) => {
    const broker = await start();
    const [waiting, other] = [await FrameClient.open(broker), await FrameClient.open(broker)];
    const times: number[] = [];
    for (let i = 1; i < 20; i++) {
      waiting.send(pop(topics));
      await new Promise((resolve) => setTimeout(resolve, i * 5));
      expect(waiting.answers).toEqual([]);
      const both = Promise.all([other.ask(pushed(i)), waiting.hears()]);
      times.push(await timed(both.then(([, answers]) => expect(answers).toEqual([job(i, 0)]))));
    }
    // A machine may be busy with something else now and then.
    expect(times.toSorted((a, b) => a - b)[9]).toBeLessThan(50);
  });

  it("carries nothing out behind it", async () => {
    const broker = await start();
    const [waiting, other] = [await FrameClient.open(broker), await FrameClient.open(broker)];
    waiting.send(pop("a,t"), pushed(1, 0, "u"), pop("u"));
    while (broker.broker.connections.values()[0]?.inFlight === 0) await new Promise(setImmediate);
    // It closes its side, so it gets what there is and waits no longer.
    other.socket.end(pop("u"));
    expect(await other.hears()).toEqual([MESSAGE("nothing")]);
    expect(await waiting.hears(3)).toEqual([MESSAGE("nothing"), MESSAGE("1"), job(1, 0, 0, "u")]);
  });

  it("of a client that closes its side ends at once", async () => {
    const broker = await start();
    for (const topics of ["t", "t,u"]) {
      const client = await FrameClient.open(broker);
      client.socket.end(Buffer.concat([pop(topics), pop(topics)]));
      expect(await timed(client.closed)).toBeLessThan(1_000);
      expect(client.answers).toEqual([MESSAGE("nothing"), MESSAGE("nothing")]);
    }
  });

  it("leases nothing to a client that has gone", async () => {
    const broker = await start();
    for (const topics of ["t", "a,t,b"]) {
      const gone = await FrameClient.open(broker);
      gone.send(pop(topics));
      while (broker.broker.connections.values()[0]?.inFlight === 0) await new Promise(setImmediate);
      await new Promise((resolve) => setTimeout(resolve, 20));
      gone.socket.destroy();
      while (broker.broker.connections.all > 0) await new Promise(setImmediate);
      const client = await FrameClient.open(broker);
      expect(await client.ask(pushed(1, 60))).toBe(MESSAGE("1"));
      expect(await client.ask(pop("t"))).toBe(job(1, 60));
      expect(await client.ask(ack(1))).toBe(MESSAGE("success"));
      client.socket.destroy();
      while (broker.broker.connections.all > 0) await new Promise(setImmediate);
    }
  });

  it("drops none of two messages that come at once for one pop of two topics", async () => {
    const broker = await start();
    const [waiting, other] = [await FrameClient.open(broker), await FrameClient.open(broker)];
    for (let i = 0; i < 20; i++) {
      waiting.send(pop("a,b"));
      await new Promise((resolve) => setTimeout(resolve, 5));
      other.send(pushed(2 * i + 1, 60, "a"), pushed(2 * i + 2, 60, "b"));
      const [first] = await waiting.hears();
      const second = await waiting.ask(pop("a,b"));
      const ids = [first, second].map((answer = "") => Number(/"Id":(\d+)/.exec(answer)?.[1]));
      expect(ids.toSorted()).toEqual([2 * i + 1, 2 * i + 2].toSorted());
      for (const id of ids) expect(await waiting.ask(ack(id))).toBe(MESSAGE("success"));
      await other.hears(2);
    }
  });
});

describe("a message for pops that other topics have answered", () => {
  /** Clients that have waited for two topics, and have had a job of the first. */
  const served = async (broker: TestBroker, publisher: FrameClient, count: number): Promise<FrameClient[]> => {
    const clients = await Promise.all(Array.from({ length: count }, () => FrameClient.open(broker)));
    for (const client of clients) client.send(pop("a,b"));
    while (broker.broker.connections.values().filter(({ inFlight }) => inFlight === 2).length < count)
      await new Promise(setImmediate);
    publisher.send(...clients.map((_, i) => pushed(i + 1, 60, "a")));
    await Promise.all(clients.map((client) => client.hears()));
    await publisher.hears(count);
    return clients;
  };

  it("is no dead letter, and no retry, when a client asks for it", async () => {
    const broker = await start();
    const [publisher, other] = [await FrameClient.open(broker), await FrameClient.open(broker)];
    await served(broker, publisher, 10);
    expect(await publisher.ask(pushed(100, 60, "b"))).toBe(MESSAGE("100"));
    expect(await other.ask(pop("b"))).toBe(job(100, 60, 0, "b"));
    expect(await other.ask(ack(100))).toBe(MESSAGE("success"));
  });

  it("goes to one that waits", async () => {
    const broker = await start();
    const publisher = await FrameClient.open(broker);
    await served(broker, publisher, 10);
    const other = await FrameClient.open(broker);
    other.send(pop("c,b"));
    while (other.socket.bytesWritten === 0) await new Promise(setImmediate);
    publisher.send(pushed(100, 0, "b"));
    expect(await other.hears()).toEqual([job(100, 0, 0, "b")]);
  });

  it("comes back for other protocols, as it was", async () => {
    const broker = await start();
    const publisher = await FrameClient.open(broker);
    await served(broker, publisher, 10);
    expect(await publisher.ask(pushed(100, 60, "b"))).toBe(MESSAGE("100"));
    const native = await NativeClient.greeted(broker.tcp);
    const { payload } = await native.ask(Op.POP, 4, ["b", "", 1, 5_000]);
    expect(payload.readUInt16BE(20)).toBe(0);
    await native.end();
  });

  it("does not end a pop for other topics", async () => {
    const broker = await start();
    const publisher = await FrameClient.open(broker);
    const [client] = await served(broker, publisher, 1);
    client?.send(pop("c,d"));
    expect(await publisher.ask(pushed(100, 60, "b"))).toBe(MESSAGE("100"));
    expect(await publisher.ask(pop("b"))).toContain('"Id":100,');
    expect(await publisher.ask(pushed(101, 60, "d"))).toBe(MESSAGE("101"));
    expect(await client?.hears()).toEqual([job(101, 60, 0, "d")]);
  });
});

it("loses nothing, and leases nothing to the dead, when clients pop and leave at any moment", async () => {
  const broker = await start();
  const publisher = await FrameClient.open(broker);
  const topics = ["x", "y"];
  let pushes = 0;
  let received = 0;
  const visit = async (number: number): Promise<void> => {
    const client = await FrameClient.open(broker);
    client.send(...Array.from({ length: 1 + (number % 3) }, () => pop("x,y")));
    await new Promise((resolve) => setTimeout(resolve, number % 5));
    pushes++;
    publisher.send(pushed(pushes, 600, topics[number % 2]));
    if (number % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    received += client.answers.length;
    client.socket.destroy();
  };
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => visit(round * 20 + i)));
  }
  await publisher.hears(pushes);
  publisher.socket.destroy();
  while (broker.broker.connections.all > 0) await new Promise(setImmediate);
  let there = 0;
  let held = 0;
  for (const topic of topics) {
    const queue = await queueOf(broker, topic);
    expect(queue).toMatchObject({ consumers: 0, deadLetters: 0, delayed: 0 });
    there += Number(queue["ready"]) + Number(queue["inFlight"]);
    held += Number(queue["inFlight"]);
  }
  expect(there).toBe(pushes);
  // In flight is what a client has received before it went in an orderly way; the rest has come back.
  expect(held).toBeLessThanOrEqual(received);
});

it("answers many pops that are sent ahead, in order, each job once", async () => {
  const broker = await start();
  const client = await FrameClient.open(broker);
  // One in three is acked by its pop.
  const ttrOf = (id: number): number => (id % 3) * 60;
  const ids = Array.from({ length: 2_000 }, (_, i) => i + 1);
  client.send(...ids.map((id) => pushed(id, ttrOf(id))));
  expect(await client.hears(ids.length)).toEqual(ids.map((id) => MESSAGE(`${id}`)));
  client.send(...ids.map(() => pop("t")));
  expect(await client.hears(ids.length)).toEqual(ids.map((id) => job(id, ttrOf(id))));
  const held = ids.filter((id) => ttrOf(id) !== 0);
  client.send(...held.map((id) => ack(id)));
  expect(new Set(await client.hears(held.length))).toEqual(new Set([MESSAGE("success")]));
  expect(await queueOf(broker, "t")).toMatchObject({ ready: 0, inFlight: 0, deadLetters: 0 });
});

it("delays a job", async () => {
  const client = await FrameClient.open(await start());
  expect(await client.ask(push({ Id: 1, Topic: "t", Delay: 1, Body: "b" }))).toBe(MESSAGE("1"));
  const took = await timed(
    client.ask(pop("t")).then((answer) => {
      expect(answer).toBe(JOB('{"Id":1,"Topic":"t","Delay":1,"TTR":0,"Body":"b","Status":3,"ConsumeNum":0}'));
    }),
  );
  expect(took).toBeGreaterThan(900);
  expect(took).toBeLessThan(1_300);
});

describe("a job that is not acked", () => {
  it("comes back when its TTR has passed, not the topic's, and is dead after the topic's retries", async () => {
    const broker = await start();
    const native = await NativeClient.greeted(broker.tcp);
    await native.ask(Op.CONFIGURE, 2, ["t", { retries: 2, ttr: 600_000 }]);
    const client = await FrameClient.open(broker);
    expect(await client.ask(pushed(1, 1))).toBe(MESSAGE("1"));
    expect(await client.ask(pop("t"))).toBe(job(1, 1));
    for (const consumed of [1, 2]) {
      const took = await timed(client.ask(pop("t")).then((answer) => expect(answer).toBe(job(1, 1, consumed))));
      expect(took).toBeGreaterThan(900);
      expect(took).toBeLessThan(1_300);
    }
    expect(await client.ask(pop("t"))).toBe(MESSAGE("nothing"));
    expect(await client.ask(ack(1))).toBe(ERROR("job 1 cannot be acked: its TTR has passed"));
    expect(await client.ask(pushed(1, 1))).toBe(ERROR("job 1 has exist"));
    expect(await queueOf(broker, "t")).toMatchObject({ ready: 0, inFlight: 0, deadLetters: 1 });
    await native.end();
  });

  it("is held for a TTR that is longer than the topic's", async () => {
    const broker = await start();
    const native = await NativeClient.greeted(broker.tcp);
    await native.ask(Op.CONFIGURE, 2, ["t", { ttr: 100 }]);
    const client = await FrameClient.open(broker);
    await client.ask(pushed(1, 60));
    await client.ask(pop("t"));
    expect(await client.ask(pop("t"))).toBe(MESSAGE("nothing"));
    expect(await client.ask(ack(1))).toBe(MESSAGE("success"));
    await native.end();
  });

  it("can be acked by another client", async () => {
    const broker = await start();
    const [one, other] = [await FrameClient.open(broker), await FrameClient.open(broker)];
    await one.ask(pushed(1, 60));
    await one.ask(pop("t"));
    one.socket.destroy();
    expect(await other.ask(ack("1"))).toBe(MESSAGE("success"));
  });
});

it("survives a restart of the broker with all that belongs to the job", async () => {
  const data = join(testDirectory(), "data");
  const first = await start({ data, durability: "fsync" });
  const client = await FrameClient.open(first);
  await client.ask(request("push", '{"Id":384261148721025025,"Topic":"t","TTR":7,"Body":"é"}'));
  await client.ask(pushed(2, 60));
  await client.ask(pushed(3, 0));
  expect(await client.ask(pop("t"))).toContain('"Id":384261148721025025,');
  client.socket.destroy();
  await first.broker.close();
  const again = await FrameClient.open(await start({ data, durability: "fsync" }));
  // What was in flight is ready again; which job it was is known from its message.
  expect(await again.ask(ack(2))).toBe(ERROR("job 2 is not exist"));
  const answers = [await again.ask(pop("t")), await again.ask(pop("t")), await again.ask(pop("t"))];
  expect(answers.toSorted()).toEqual(
    [
      JOB('{"Id":384261148721025025,"Topic":"t","Delay":0,"TTR":7,"Body":"é","Status":3,"ConsumeNum":0}'),
      job(2, 60),
      job(3, 0),
    ].toSorted(),
  );
  expect(await again.ask(ack(2))).toBe(MESSAGE("success"));
});

describe("messages of other protocols", () => {
  it("are jobs with the id of the message and the TTR of the topic", async () => {
    const broker = await start();
    const native = await NativeClient.greeted(broker.tcp);
    await native.ask(Op.CONFIGURE, 2, ["t", { ttr: 30_000 }]);
    const http = await fetch(`http://127.0.0.1:${broker.http}/push`, {
      method: "POST",
      body: new URLSearchParams({ data: '{"topic":"t","body":"b"}' }),
    });
    const { data } = (await http.json()) as { data: { msgId: string } };
    const client = await FrameClient.open(broker);
    const answer = `{"Id":"${data.msgId}","Topic":"t","Delay":0,"TTR":30,"Body":"b","Status":3,"ConsumeNum":0}`;
    expect(await client.ask(pop("t"))).toBe(JOB(answer));
    expect(await client.ask(request("ack", `{"JobId":${data.msgId}}`))).toBe(MESSAGE("success"));
    expect(await queueOf(broker, "t")).toMatchObject({ ready: 0, inFlight: 0 });
    await native.end();
  });

  it("are acked by the pop where the topic says so", async () => {
    const broker = await start();
    const native = await NativeClient.greeted(broker.tcp);
    await native.ask(Op.CONFIGURE, 2, ["t", { autoAck: true }]);
    const client = await FrameClient.open(broker);
    await client.ask(pushed(1, 60));
    expect(await client.ask(pop("t"))).toBe(job(1, 0));
    expect(await client.ask(ack(1))).toBe(ERROR("job 1 is not exist"));
    expect(await client.ask(pushed(1))).toBe(MESSAGE("1"));
    await native.end();
  });

  it.each([
    { "gmq.id": 5, "gmq.ttr": 1, "gmq.delay": 0 },
    { "gmq.id": "x", "gmq.idIsNumber": true, "gmq.ttr": 1, "gmq.delay": 0 },
    { "gmq.id": "x", "gmq.ttr": -1, "gmq.delay": 0 },
    { other: [1, 2, 3] },
  ])("with headers that no job has are jobs nevertheless: %j", async (headers) => {
    const broker = await start();
    const native = await NativeClient.greeted(broker.tcp);
    await confirmed(native, Op.PUBLISH, "t", entryWith(headers, "b"));
    const client = await FrameClient.open(broker);
    expect(await client.ask(pop("t"))).toMatch(/^0 \{"Id":"\d+","Topic":"t","Delay":0,"TTR":60,"Body":"b",/);
    await native.end();
  });

  it.each([false, true])("that are too long are refused and stay (auto-ack: %s)", async (autoAck) => {
    const broker = await start();
    const native = await NativeClient.greeted(broker.tcp);
    await native.ask(Op.CONFIGURE, 2, ["t", { autoAck }]);
    await confirmed(native, Op.PUBLISH, "t", entries("x".repeat(32_700)));
    const client = await FrameClient.open(broker);
    expect(await client.ask(pop("t"))).toMatch(/^1 job \d+ of t is longer than 32767 bytes$/);
    while ((await queueOf(broker, "t"))["ready"] !== 1) await new Promise(setImmediate);
    const { op, payload } = await native.ask(Op.POP, 4, ["t"]);
    expect(op).toBe(Answer.MESSAGES);
    expect(payload.length).toBeGreaterThan(32_700);
    await native.end();
  });
});

describe("a job whose message is gone", () => {
  it("can be pushed again when another protocol has acked it", async () => {
    const broker = await start();
    const client = await FrameClient.open(broker);
    await client.ask(pushed(1, 60));
    const answer = (await (await fetch(`http://127.0.0.1:${broker.http}/pop?topic=t`)).json()) as {
      data: { id: string };
    };
    expect(await client.ask(pushed(1, 60))).toBe(ERROR("job 1 has exist"));
    await fetch(`http://127.0.0.1:${broker.http}/ack?topic=t&msgId=${answer.data.id}`);
    expect(await client.ask(pushed(1, 60))).toBe(MESSAGE("1"));
    await client.ask(pop("t"));
    const native = await NativeClient.greeted(broker.tcp);
    await confirmed(native, Op.DELETE_TOPIC, "t");
    expect(await client.ask(ack(1))).toBe(ERROR("job 1 is not exist"));
    expect(await client.ask(pushed(1, 60))).toBe(MESSAGE("1"));
    await confirmed(native, Op.PURGE, "t");
    expect(await client.ask(pushed(1, 60))).toBe(MESSAGE("1"));
    await native.end();
  });

  it("can be pushed again when its queue is empty, whatever other queues have", async () => {
    const broker = await start();
    const native = await NativeClient.greeted(broker.tcp);
    await confirmed(native, Op.DECLARE_QUEUE, "t", undefined, "other");
    await confirmed(native, Op.PUBLISH, "t", entries("b"), "other");
    const client = await FrameClient.open(broker);
    await client.ask(pushed(1, 60));
    await confirmed(native, Op.PURGE, "t");
    expect(await client.ask(pushed(1, 60))).toBe(MESSAGE("1"));
    await native.end();
  });

  it("can be pushed again though an ack and a push of it came at the same moment", async () => {
    const broker = await start();
    const client = await FrameClient.open(broker);
    await client.ask(pushed(1, 1));
    await client.ask(pop("t"));
    while ((await queueOf(broker, "t"))["ready"] !== 1) await new Promise(setImmediate);
    client.send(ack(1), pushed(1, 1));
    expect(await client.hears(2)).toEqual([
      ERROR("job 1 cannot be acked: its TTR has passed"),
      ERROR("job 1 has exist"),
    ]);
    const native = await NativeClient.greeted(broker.tcp);
    await confirmed(native, Op.PURGE, "t");
    expect(await client.ask(pushed(1, 1))).toBe(MESSAGE("1"));
    await native.end();
  });
});
