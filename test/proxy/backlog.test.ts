import { expect, it } from "vitest";
import { Backlog, type ProxyOverflow } from "../../src/proxy/backlog.js";
import { asEntry, payloadOf } from "../../src/proxy/entry.js";

const MAX = 8_192;

/** What a backlog has after so many messages, as numbers, and what each says was lost before it. */
const filled = (overflow: ProxyOverflow, count: number): { taken: number[]; lost: number[]; isKept: boolean } => {
  const backlog = new Backlog(overflow);
  let isKept = true;
  for (let i = 0; i < count && isKept; i++) isKept = backlog.push(asEntry(Buffer.from(String(i))));
  const taken: number[] = [];
  const lost: number[] = [];
  for (let next = backlog.shift(); next !== undefined; next = backlog.shift()) {
    taken.push(Number(Buffer.from(payloadOf(next.entry)).toString()));
    lost.push(next.lost);
  }
  return { taken, lost, isKept };
};

it("drop-oldest loses the first ones and says how many, in their place", () => {
  const { taken, lost } = filled("drop-oldest", MAX + 10);
  expect([taken.length, taken[0], taken.at(-1)]).toEqual([MAX, 10, MAX + 9]);
  expect([lost[0], lost[1]]).toEqual([10, 0]);
});

it("drop-newest keeps the first ones, and the next one that has room says how many were lost", () => {
  const backlog = new Backlog("drop-newest");
  for (let i = 0; i < MAX + 3; i++) backlog.push(asEntry(Buffer.from("x")));
  backlog.shift();
  backlog.push(asEntry(Buffer.from("last")));
  let last = backlog.shift();
  for (let next = last; next !== undefined; next = backlog.shift()) last = next;
  expect(last?.lost).toBe(3);
});

it("conflate has the last one, and disconnect ends", () => {
  expect(filled("conflate", 5).taken).toEqual([4]);
  expect(filled("disconnect", MAX).isKept).toBe(true);
  expect(filled("disconnect", MAX + 1).isKept).toBe(false);
});

it("is bounded in bytes, but for a single message", () => {
  const backlog = new Backlog("drop-oldest");
  const large = asEntry(Buffer.alloc(5 * 1024 * 1024));
  backlog.push(large);
  backlog.push(large);
  expect(backlog.shift()?.lost).toBe(1);
  expect(backlog.shift()).toBeUndefined();
});
