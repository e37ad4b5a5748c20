import { describe, expect, it } from "vitest";
import type { Page } from "../../../src/shard/log/page.js";
import { Pages } from "../../../src/shard/log/pages.js";
import { Segment } from "../../../src/shard/log/segment.js";

const PAGE = 1024;

/** Pages of a segment on disk, each filled with its number, all of them wanted. */
const filled = (count: number, cacheBytes: number) => {
  const pages = new Pages(PAGE, Number.POSITIVE_INFINITY, cacheBytes);
  const segment = new Segment(1, 1, 0);
  pages.source = { read: (_, offset, into, length) => into.fill(offset / PAGE, 0, length) };
  const all: Page[] = [];
  for (let i = 0; i < count; i++) {
    const page = pages.add(pages.borrow(PAGE), segment, i * PAGE);
    page.bytes.fill(i);
    page.used = PAGE;
    page.written = PAGE;
    pages.claim(page.number, 1);
    all.push(page);
  }
  return { pages, all };
};

const loaded = (all: readonly Page[]): number[] => all.flatMap((page, i) => (page.isLoaded ? [i] : []));

describe("pages beyond what is easy to keep", () => {
  it("leave memory, the newest first, and are read back when they are looked into", () => {
    const { pages, all } = filled(10, 4 * PAGE);
    pages.trimCache();
    expect(loaded(all)).toEqual([0, 1, 2, 3]);
    expect(pages.bytes).toBe(4 * PAGE);
    expect(pages.at(7).bytes[0]).toBe(7);
    // The one that is looked into stays; another goes.
    expect(loaded(all)).toEqual([0, 1, 2, 7]);
  });

  it("stay when somebody has looked into them lately, when they have times of their own, or are not written", () => {
    const { pages, all } = filled(6, 1 * PAGE);
    pages.at(5);
    const [, , third, fourth] = all;
    if (third === undefined || fourth === undefined) throw new Error("there are six");
    third.isTimed = true;
    fourth.written = 0;
    pages.trimCache();
    expect(loaded(all)).toEqual([2, 3, 5]);
    pages.trimCache();
    expect(loaded(all)).toEqual([2, 3]);
  });

  it("make room for one another when they are only looked through, however often, and not at the cost of others", () => {
    const { pages, all } = filled(30, 2 * PAGE);
    pages.trimCache();
    for (let round = 0; round < 3; round++) {
      for (const [i, { number }] of all.entries()) expect(pages.scan(number).bytes[0]).toBe(i);
    }
    expect(loaded(all)).toEqual([0, 1, ...Array.from({ length: 8 }, (_, i) => 22 + i)]);
    expect(pages.loads).toBe(0);
    pages.trimCache();
    expect(pages.bytes).toBe(2 * PAGE);
  });

  it("are allowed more when they are read back twice", () => {
    const { pages, all } = filled(8, 2 * PAGE);
    pages.trimCache();
    for (let round = 0; round < 20; round++) for (const { number } of all) pages.at(number);
    const { loads } = pages;
    for (const { number } of all) pages.at(number);
    // All of them have found room in the end.
    expect(pages.loads).toBe(loads);
    expect(loaded(all)).toHaveLength(8);
  });
});
