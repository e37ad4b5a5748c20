import { expect, it } from "vitest";
import { EnvelopeOp } from "../../../src/channel/envelope.js";
import { SILENT } from "../../../src/main/log.js";
import type { NativeConnection } from "../../../src/main/native/connection.js";
import { OutboxDrain } from "../../../src/main/native/outbox-drain.js";

const MIB = 1024 * 1024;

/** Connections that note what they are given, and deliveries to them. */
const deliveriesTo = (count: number) => {
  const written: string[] = [];
  const connections = Array.from({ length: count }, (_, id) => {
    const say = (bytes: Uint8Array, start: number, end: number): void => {
      written.push(`${id}: ${Buffer.from(bytes.subarray(start, Math.min(end, start + 20)))} (${end - start})`);
    };
    return {
      audience: 0,
      isDirty: false,
      deliver: (bytes: Uint8Array, _view: DataView, start: number, end: number) => say(bytes, start, end),
      deliverShared: (bytes: Buffer) => {
        say(bytes, 0, bytes.length);
        return false;
      },
      flush: () => {},
    } as unknown as NativeConnection;
  });
  const deliveries = new OutboxDrain((id) => connections[id], SILENT);
  const send = (envelope: readonly number[], text: string | Buffer): void => {
    const bytes = Buffer.from(text);
    deliveries.record(envelope, bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  };
  const toAll = [EnvelopeOp.FAN_OUT, ...connections.keys()];
  return { deliveries, written, send, toAll };
};

it("gathers for an audience, and gives it that before what is for one of it alone", () => {
  const { deliveries, written, send, toAll } = deliveriesTo(2);
  send(toAll, "a");
  send(toAll, "b");
  send([EnvelopeOp.FRAMES, 1], "own");
  send(toAll, "c");
  expect(deliveries.isFull).toBe(false);
  expect(deliveries.flush()).toBe(true);
  expect(written).toEqual(["0: ab (2)", "1: ab (2)", "1: own (3)", "0: c (1)", "1: c (1)"]);
});

it.each([
  ["a large message", 100, MIB],
  ["a message of many frames' length to some hundreds", 400, 60_000],
  ["a small message to thousands", 5_000, 10],
])("sends %s in slices, to each once and in order", (_, count, length) => {
  const { deliveries, written, send, toAll } = deliveriesTo(count);
  send(toAll, Buffer.alloc(length, "x"));
  expect(deliveries.isFull).toBe(true);
  const slices: number[] = [];
  for (let isDone = false; !isDone; ) {
    const before = written.length;
    isDone = deliveries.flush();
    slices.push(written.length - before);
    expect(deliveries.isFull).toBe(!isDone);
  }
  expect(slices.length).toBeGreaterThan(2);
  expect(Math.max(...slices) * length).toBeLessThanOrEqual(17 * MIB);
  expect(Math.max(...slices)).toBeLessThanOrEqual(512);
  expect(written.map((each) => each.split(":")[0])).toEqual(Array.from({ length: count }, (_each, id) => `${id}`));
  // What comes next is not written over what a transport still has.
  send([EnvelopeOp.FAN_OUT, 0], "next");
  expect(deliveries.flush()).toBe(true);
  expect(written.at(-1)).toBe("0: next (4)");
});
