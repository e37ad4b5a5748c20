import { expect, it } from "vitest";
import { appendNumbers, Numbering } from "../../../src/client/publish/numbering.js";
import { FrameWriter } from "../../../src/protocol/frame.js";
import { ANSWERED, NUMBERS_BYTES, readNumber, SEQUENCE } from "../../../src/protocol/numbers.js";
import { Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirming, connected, hello } from "../scripted-broker.js";

it("numbers the messages of each topic without a gap", () => {
  const numbering = new Numbering();
  expect([numbering.take("t"), numbering.take("u"), numbering.take("t", 5), numbering.take("t")]).toEqual([0, 0, 1, 6]);
  expect(numbering.take("u")).toBe(1);
});

it("gives no number of a topic twice, however many topics there are", () => {
  const numbering = new Numbering();
  const highest = new Map<string, number>();
  for (let i = 0; i < 30_000; i++) {
    const topic = `topic ${(i * 7919) % 12_000}`;
    const first = numbering.take(topic, 1 + (i % 3));
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
  appendNumbers(frame, 2 ** 40 + 5);
  expect(frame.end).toBe(NUMBERS_BYTES);
  expect(readNumber(frame.view, SEQUENCE)).toBe(2 ** 40 + 5);
  expect(readNumber(frame.view, ANSWERED)).toBe(0);
});

it("counts up in the order in which frames are sent, also where a batch waits for room between two of its own", async () => {
  const { client, broker } = await connected({ reconnect: {} }, hello({ maxBatchMessages: 2 }));
  confirming(broker);
  await Promise.all([client.publishBatch("t", ["a", "b", "c", "d", "e"]), client.publish("t", "x")]);
  const sent = (await broker.seen(Op.PUBLISH, 4)).map((frame) => {
    const { buffer, byteOffset, length } = frame.payload;
    return [readNumber(new DataView(buffer, byteOffset, length), SEQUENCE), ...bodiesOf(frame)];
  });
  expect(sent.map(([number]) => number)).toEqual([0, 2, 3, 5]);
  expect(sent.map(([, ...bodies]) => bodies.length)).toEqual([2, 1, 2, 1]);
});
