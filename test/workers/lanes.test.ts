import { expect, it } from "vitest";
import { Lanes } from "../../src/workers/lanes.js";

const bytesOf = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

/** Pushes all of `bytes`. */
const push = (lanes: Lanes, connection: number, bytes: Uint8Array): boolean =>
  lanes.push(connection, bytes, 0, bytes.length);

/** Serves `share` bytes of one lane, and returns them. */
const serve = (lanes: Lanes, share: number): readonly number[] => {
  let served: readonly number[] = [];
  lanes.serve((connection, bytes, _view, start, end) => {
    const stop = Math.min(end, start + share);
    served = [connection, ...bytes.subarray(start, stop)];
    return stop;
  });
  return served;
};

it("serves connections in turn, each in the order of its requests", () => {
  const lanes = new Lanes();
  push(lanes, 1, bytesOf(10, 11, 12));
  push(lanes, 2, bytesOf(20));
  push(lanes, 1, bytesOf(13));
  expect(lanes.bytes).toBe(5);
  const served: (readonly number[])[] = [];
  while (!lanes.isEmpty) served.push(serve(lanes, 2));
  expect(served).toEqual([
    [1, 10, 11],
    [2, 20],
    [1, 12],
    [1, 13],
  ]);
  expect([lanes.bytes, lanes.has(1), lanes.serve(() => 0)]).toEqual([0, false, false]);
});

it("copies the bytes", () => {
  const lanes = new Lanes();
  const bytes = bytesOf(1, 2, 3);
  lanes.push(7, bytes, 1, 3);
  bytes.fill(0);
  expect(serve(lanes, 9)).toEqual([7, 2, 3]);
});

it("is bounded per connection and in total, and takes a first record of any length", () => {
  const lanes = new Lanes(4, 6);
  expect(push(lanes, 1, bytesOf(1, 2, 3, 4, 5))).toBe(true);
  expect(push(lanes, 1, bytesOf(6))).toBe(false);
  expect(push(lanes, 2, bytesOf(1))).toBe(true);
  expect(push(lanes, 2, bytesOf(2))).toBe(false);
  serve(lanes, 5);
  expect(push(lanes, 2, bytesOf(2))).toBe(true);
});

it("keeps what was not carried out yet, ahead of what came later", () => {
  const lanes = new Lanes();
  push(lanes, 1, bytesOf(10));
  push(lanes, 1, bytesOf(11));
  push(lanes, 2, bytesOf(20));
  expect([serve(lanes, 0), serve(lanes, 1), serve(lanes, 0), serve(lanes, 1), serve(lanes, 1)]).toEqual([
    [1],
    [2, 20],
    [1],
    [1, 10],
    [1, 11],
  ]);
  expect(lanes.isEmpty).toBe(true);
});

it("serves the cheapest lane every other time, however many wait", () => {
  const lanes = new Lanes();
  for (let connection = 1; connection <= 100; connection++) push(lanes, connection, bytesOf(0, 0));
  push(lanes, 101, bytesOf(0, 0));
  const order: number[] = [];
  const one = (connection: number, _bytes: Uint8Array, _view: DataView, start: number): number => {
    order.push(connection);
    return start + 1;
  };
  for (let i = 0; i < 6; i++) lanes.serve(one, (connection) => (connection === 101 ? 0 : 1));
  expect(order).toEqual([101, 1, 101, 2, 3, 4]);
});

it("takes several short records of a lane while there is time", () => {
  const lanes = new Lanes();
  for (let i = 0; i < 5; i++) push(lanes, 1, bytesOf(i));
  push(lanes, 2, bytesOf(20));
  const served: number[] = [];
  const all = (_connection: number, bytes: Uint8Array, _view: DataView, start: number, end: number): number => {
    served.push(...bytes.subarray(start, end));
    return end;
  };
  lanes.serve(all, undefined, () => served.length < 3);
  expect(served).toEqual([0, 1, 2]);
  lanes.serve(all, undefined, () => true);
  lanes.serve(all, undefined, () => true);
  expect(served).toEqual([0, 1, 2, 20, 3, 4]);
  expect(lanes.isEmpty).toBe(true);
});
