import { expect, it } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import { type Debtor, UnsentBudget } from "../../../src/main/native/unsent-budget.js";

interface TestDebtor extends Debtor {
  bytes: number;
  isCut: boolean;
}

const debtor = (peer: string): TestDebtor => ({
  peer,
  bytes: 0,
  isCut: false,
  bufferedBytes() {
    return this.bytes;
  },
  destroy() {
    this.isCut = true;
  },
});

const owe = (budget: UnsentBudget, who: TestDebtor, bytes: number): void => {
  who.bytes = bytes;
  budget.account(who, bytes);
};

it("cuts off whoever has the most, and no more of them than it must", () => {
  const budget = new UnsentBudget(100, SILENT);
  const [small, large, middle] = [debtor("small"), debtor("large"), debtor("middle")];
  owe(budget, large, 60);
  owe(budget, middle, 30);
  expect([large.isCut, budget.isShort]).toEqual([false, true]);
  owe(budget, small, 11);
  expect([large.isCut, middle.isCut, small.isCut]).toEqual([true, false, false]);
  expect([budget.total, budget.isShort]).toEqual([41, false]);
});

it("looks again before it cuts: what has been sent meanwhile counts no more", () => {
  const budget = new UnsentBudget(100, SILENT);
  const [reads, stands] = [debtor("reads"), debtor("stands")];
  owe(budget, reads, 60);
  reads.bytes = 0;
  owe(budget, stands, 60);
  expect([reads.isCut, stands.isCut, budget.total]).toEqual([false, false, 60]);
});

it("keeps nothing of those that are gone or have sent all", () => {
  const budget = new UnsentBudget(100, SILENT);
  const [first, second] = [debtor("first"), debtor("second")];
  owe(budget, first, 40);
  owe(budget, second, 40);
  budget.forget(first);
  second.bytes = 0;
  budget.refresh();
  expect(budget.total).toBe(0);
});

it("tells of a flood of cuts once a second, with their number", () => {
  const told: object[] = [];
  let now = 0;
  const log = { ...SILENT, warn: (fields: object) => void told.push(fields) };
  const budget = new UnsentBudget(100, log, () => now);
  for (let i = 0; i < 10; i++) owe(budget, debtor(`d${i}`), 101);
  now = 1_000;
  owe(budget, debtor("last"), 101);
  expect(told).toEqual([
    { peer: "d0", bytes: 101, connections: 1, maxUnsentBytes: 100 },
    { peer: "last", bytes: 101, connections: 10, maxUnsentBytes: 100 },
  ]);
});
