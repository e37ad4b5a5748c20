import { expect, it } from "vitest";
import { Accounts } from "../../src/workers/accounts.js";

it("counts a connection as cheap if its records cost little for their bytes, and an unknown one not", () => {
  const accounts = new Accounts();
  expect(accounts.isCheap(1)).toBe(false);
  accounts.note(1, 100, 0.02);
  accounts.note(2, 65_536, 0.5);
  accounts.note(3, 100, 0.5);
  expect([1, 2, 3].map((connection) => accounts.isCheap(connection))).toEqual([true, true, false]);
  expect(accounts.turn(4)).toBeLessThan(accounts.turn(3));
  expect(accounts.turn(4)).toBeGreaterThan(accounts.turn(1));
});

it("averages costs, so that one slow record does not make a connection expensive", () => {
  const accounts = new Accounts();
  accounts.note(1, 100, 0.2);
  for (let i = 0; i < 10; i++) accounts.note(1, 100, 0.01);
  expect(accounts.turn(1)).toBeLessThan(0.03);
  accounts.note(1, 100, 0.3);
  expect(accounts.isCheap(1)).toBe(true);
});

it("forgets one slow record after a few fast ones, and keeps a slow connection expensive", () => {
  const accounts = new Accounts();
  accounts.note(1, 100, 0.01);
  accounts.note(1, 100, 50);
  expect(accounts.isCheap(1)).toBe(false);
  for (let i = 0; i < 4; i++) accounts.note(1, 100, 0.01);
  expect(accounts.isCheap(1)).toBe(true);
  for (let i = 0; i < 9; i++) accounts.note(1, 100, i % 3 === 0 ? 2 : 0.01);
  expect(accounts.isCheap(1)).toBe(false);
  accounts.drop(1);
  expect(accounts.turn(1)).toBe(accounts.turn(99));
});
