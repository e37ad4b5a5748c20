import { expect, it } from "vitest";
import type { Queue } from "../../../src/shard/messages/queue.js";
import { RouteCache, RouteCacheBudget } from "../../../src/shard/topics/route-cache.js";

/** Queues that nobody looks into. */
const queues = Array.from({ length: 100 }, () => ({}) as Queue);

it("clears the caches that were filled first, and never what was added last", () => {
  const budget = new RouteCacheBudget(300);
  const caches = Array.from({ length: 10 }, () => new RouteCache(budget));
  for (const cache of caches) {
    cache.add("^a", queues);
    expect(cache.find("^a")).toBe(queues);
    expect(budget.words).toBeLessThanOrEqual(300);
  }
  expect(caches.map((cache) => cache.find("^a") !== undefined)).toEqual([...new Array(8).fill(false), true, true]);
  for (const cache of caches) cache.clear();
  expect(budget.words).toBe(0);
});

it("is bounded for one topic by the number of its patterns, and for a single one by nothing", () => {
  const budget = new RouteCacheBudget(100_000);
  const cache = new RouteCache(budget);
  for (let i = 0; i < 10_000; i++) cache.add(`pattern ${i}`, []);
  expect(budget.words).toBeLessThan(256 * 20);
  const small = new RouteCacheBudget(10);
  const other = new RouteCache(small);
  other.add("^a", queues);
  other.add("^b", queues);
  expect([other.find("^a"), other.find("^b")]).toEqual([undefined, queues]);
  other.clear();
  expect(small.words).toBe(0);
});
