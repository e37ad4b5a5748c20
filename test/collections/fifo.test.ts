import fc from "fast-check";
import { expect, it } from "vitest";
import { Fifo } from "../../src/collections/fifo.js";

it("is an array that is pushed to and shifted from", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 40 }).map((count) => ["push", count] as const) },
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 40 }).map((count) => ["shift", count] as const) },
    { weight: 1, arbitrary: fc.constant(["takeAll", 0] as const) },
    { weight: 1, arbitrary: fc.constant(["clear", 0] as const) },
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      let next = 0;
      for (const [kind, count] of steps) {
        for (let i = 0; i < count; i++) {
          if (kind === "shift") expect(fifo.shift()).toBe(model.shift());
          else model.push(++next) && fifo.push(next);
        }
        if (kind === "takeAll") expect(fifo.takeAll()).toEqual(model.splice(0));
        if (kind === "clear") fifo.clear();
        if (kind === "clear") model.length = 0;
        expect([...fifo]).toEqual(model);
        expect(fifo.length).toBe(model.length);
        for (const index of [0, 1, -1, -2, model.length, -model.length - 1]) {
          expect(fifo.at(index)).toBe(model.at(index));
        }
      }
    }),
  );
});

it("holds no more for having carried a million entries past one that is always unread", () => {
  const fifo = new Fifo<number>();
  fifo.push(0);
  for (let i = 1; i <= 1_000_000; i++) {
    fifo.push(i);
    fifo.shift();
  }
  expect(fifo.length).toBe(1);
  expect(fifo.capacity).toBe(16);
});

it("gives back the slots of a burst while it is still in use", () => {
  const fifo = new Fifo<number>();
  for (let i = 0; i < 100_000; i++) fifo.push(i);
  expect(fifo.capacity).toBe(131_072);
  for (let i = 0; i < 99_999; i++) fifo.shift();
  expect(fifo.capacity).toBe(16);
});
