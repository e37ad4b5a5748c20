import { expect, it } from "vitest";
import { Turns } from "../../src/workers/turns.js";

/** Turns that record their work, one byte at a time. `ends`: steps that ending a connection takes. */
const turnsOver = (ends = 1) => {
  const done: string[] = [];
  const left = new Map<number, number>();
  const turns = new Turns({
    clock: () => performance.now(),
    decode: (connection, bytes, _view, start) => {
      done.push(`${connection}: ${bytes[start]}`);
      return start + 1;
    },
    stop: () => {},
    refuse: (connection, _bytes, _view, start, end) => done.push(`${connection}: refused ${end - start}`),
    disconnect: (connection) => {
      const steps = (left.get(connection) ?? ends) - 1;
      left.set(connection, steps);
      done.push(`${connection}: gone${steps > 0 ? " in part" : ""}`);
      return steps === 0;
    },
    next: () => {},
  });
  const send = (connection: number, ...values: readonly number[]): void => {
    const bytes = Uint8Array.from(values);
    turns.take(connection, bytes, new DataView(bytes.buffer), 0, bytes.length);
  };
  return { turns, done, send };
};

it("carries out what a connection sent before it ended, in order, and only then ends it", () => {
  const { turns, done, send } = turnsOver();
  send(1, 10, 11, 12);
  send(1, 13);
  turns.leave(1);
  expect(done).toEqual(["1: 10"]);
  expect(turns.isIdle).toBe(false);
  turns.serve();
  expect(done).toEqual(["1: 10", "1: 11", "1: 12", "1: 13", "1: gone"]);
  expect(turns.isIdle).toBe(true);
});

it("ends a connection without waiting requests at once, in steps if it takes several", () => {
  const { turns, done } = turnsOver(3);
  turns.leave(7);
  expect(done).toEqual(["7: gone in part"]);
  expect(turns.isIdle).toBe(false);
  turns.serve();
  expect(done).toEqual(["7: gone in part", "7: gone in part", "7: gone"]);
  expect(turns.isIdle).toBe(true);
});

it("serves connections in turn, and lets an unknown one wait where others wait", () => {
  const { turns, done, send } = turnsOver();
  send(1, 10, 11);
  send(2, 20);
  expect(done).toEqual(["1: 10"]);
  turns.serve();
  expect([...done].sort()).toEqual(["1: 10", "1: 11", "2: 20"]);
});
