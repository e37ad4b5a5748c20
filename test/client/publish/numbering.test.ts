import { expect, it } from "vitest";
import { appendNumbers, Numbering } from "../../../src/client/publish/numbering.js";
import { TopicNumbers } from "../../../src/client/publish/topic-numbers.js";
import { FrameWriter } from "../../../src/protocol/frame.js";
import { ANSWERED, NUMBERS_BYTES, readNumber, SEQUENCE } from "../../../src/protocol/numbers.js";
import { Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirm, confirming, connected, error, type Frame, hello } from "../scripted-broker.js";

/** The numbers before the messages of a PUBLISH. */
const numbersOf = ({ payload: { buffer, byteOffset, length } }: Frame) => {
  const view = new DataView(buffer, byteOffset, length);
  return { sequence: readNumber(view, SEQUENCE), answered: readNumber(view, ANSWERED) };
};

/** Numbers that look random, the same ones each time. */
const seeded = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state % below;
  };
};

it("numbers the messages of each topic without a gap", () => {
  const numbering = new Numbering();
  const take = (topic: string, count?: number): number => numbering.of(topic).take(count);
  expect([take("t"), take("u"), take("t", 5), take("t")]).toEqual([0, 0, 1, 6]);
  expect(take("u")).toBe(1);
});

it("gives no number of a topic twice, however many topics there are", () => {
  const numbering = new Numbering();
  const highest = new Map<string, number>();
  for (let i = 0; i < 30_000; i++) {
    const topic = `topic ${(i * 7919) % 12_000}`;
    const first = numbering.of(topic).take(1 + (i % 3));
    expect(first).toBeGreaterThan(highest.get(topic) ?? -1);
    highest.set(topic, first + (i % 3));
  }
});

it("has a name of its own, short enough for a broker", () => {
  const names = new Set(Array.from({ length: 1000 }, () => new Numbering().producer));
  expect(names.size).toBe(1000);
  for (const name of names) expect(name).toMatch(/^[a-z0-9]{3,21}$/);
});

it("lays a number out before the messages, also where it needs more than 32 bits", () => {
  const frame = new FrameWriter(8);
  appendNumbers(frame, 2 ** 40 + 5, 2 ** 40 + 3);
  expect(frame.end).toBe(NUMBERS_BYTES);
  expect(readNumber(frame.view, SEQUENCE)).toBe(2 ** 40 + 5);
  expect(readNumber(frame.view, ANSWERED)).toBe(2 ** 40 + 3);
});

it("counts up in the order in which frames are sent, also where a batch waits for room between two of its own", async () => {
  const { client, broker } = await connected({ reconnect: {} }, hello({ maxBatchMessages: 2 }));
  confirming(broker);
  await Promise.all([client.publishBatch("t", ["a", "b", "c", "d", "e"]), client.publish("t", "x")]);
  const sent = (await broker.seen(Op.PUBLISH, 4)).map((frame) => [numbersOf(frame).sequence, ...bodiesOf(frame)]);
  expect(sent.map(([number]) => number)).toEqual([0, 2, 3, 5]);
  expect(sent.map(([, ...bodies]) => bodies.length)).toEqual([2, 1, 2, 1]);
});

it("takes numbers for answered when nobody holds them or lower ones, and gets on while later ones are held", () => {
  const random = seeded(7);
  const numbers = new TopicNumbers(40);
  const held: number[] = [];
  const wrong: number[] = [];
  let advances = 0;
  for (let i = 0; i < 20_000; i++) {
    const before = numbers.answered;
    const some = held[random(held.length + 1)];
    if (held.length === 0 || (held.length < 12 && random(2) === 0)) {
      const number = some !== undefined && random(10) === 0 ? some : numbers.take(1 + random(5));
      numbers.hold(number);
      held.push(number);
    } else {
      // Mostly in order.
      const [released = 0] = held.splice(random(3) === 0 ? random(held.length) : 0, 1);
      numbers.release(released);
    }
    const { answered, next } = numbers;
    const most = Math.min(next, ...held);
    if (answered < before || answered > most || (held.length === 0 && answered < next)) wrong.push(answered);
    if (held.length > 0 && answered > before) advances++;
  }
  expect(wrong).toEqual([]);
  expect(advances).toBeGreaterThan(500);
});

it("tells a broker at the end of topics all of whose messages were answered", async () => {
  const { client, broker } = await connected({ reconnect: {} });
  confirming(broker);
  await Promise.all([client.publish("t", "1"), client.publish("u", "1"), client.publishBatch("t", ["2", "3"])]);
  broker.answer = () => {};
  client.publish("u", "never answered").catch(() => {});
  const producer = (await broker.nth(Op.PUBLISH)).head[4];
  await client.close();
  await broker.seen(Op.ANSWERED);
  const told = broker.frames.filter(({ op }) => op === Op.ANSWERED).map(({ head, request }) => [...head, request]);
  expect(told).toEqual([["t", producer, 3, 0]]);
});

it("tells nothing at the end when a connection was lost: what was on its way on that may come later", async () => {
  const { client, broker } = await connected({ reconnect: { minDelay: 1, maxDelay: 1 } });
  confirming(broker);
  await client.publish("t", "1");
  broker.socket.destroy();
  await client.publish("t", "2");
  await client.close();
  // The end of the connection has come, and with it all that was sent before.
  if (!broker.socket.readableEnded) await new Promise((resolve) => broker.socket.once("close", resolve));
  expect(broker.frames.filter(({ op }) => op === Op.ANSWERED)).toEqual([]);
});

it("tells a broker which numbers were answered, and of no other, whatever is refused, cut off and sent again", async () => {
  const random = seeded(11);
  const { client, broker } = await connected({ reconnect: { minDelay: 1, maxDelay: 1 } });
  const open = new Map<number, number>();
  const told: number[] = [];
  const wrong: number[] = [];
  const late: (() => void)[] = [];
  broker.answer = (frame) => {
    if (frame.op !== Op.PUBLISH) return;
    const { sequence, answered } = numbersOf(frame);
    const messages = bodiesOf(frame).length;
    open.set(sequence, messages);
    told.push(answered);
    if (answered > Math.min(...open.keys())) wrong.push(answered);
    const { request } = frame;
    const { socket } = broker;
    const answer = (): void => {
      if (socket.destroyed) return;
      open.delete(sequence);
      const isRefused = random(4) === 0;
      socket.write(
        isRefused ? error(request, 31, "busy", true, false) : confirm({ request, high: 1, low: 1, messages }),
      );
    };
    const what = random(60);
    if (what === 0) socket.destroy();
    else if (what < 20) late.push(answer);
    else answer();
    if (random(10) === 0) for (const each of late.splice(0).toReversed()) each();
  };
  for (let i = 0; i < 400; i++) {
    const answers = Array.from({ length: 1 + random(5) }, (_, k) =>
      random(4) === 0
        ? client.publishBatch("t", ["x", "y", "z"])
        : client.publish("t", `${k}`, { routeKey: `${random(3)}` }),
    );
    const settled = Promise.allSettled(answers);
    if (random(3) > 0) await new Promise(setImmediate);
    else {
      const flush = setInterval(() => {
        for (const each of late.splice(0)) each();
      }, 1);
      await settled;
      clearInterval(flush);
    }
  }
  expect(wrong).toEqual([]);
  expect(new Set(told).size).toBeGreaterThan(100);
  expect(told.at(-1)).toBeGreaterThan(500);
});
