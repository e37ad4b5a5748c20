import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as ext from "../../../src/shard/messages/extent.js";
import { ExtentList } from "../../../src/shard/messages/extent-list.js";

const NO_HISTORIES = { share: () => {}, release: () => {} };

describe("extent table", () => {
  it("counts the bits of every sort of mask", () => {
    expect([0, 1, -1, 0x8000_0000 | 0, 0x5555_5555, 0x00ff_0000].map(ext.popcount)).toEqual([0, 1, 32, 1, 16, 8]);
  });

  it("makes masks of up to a whole block", () => {
    expect(ext.bits(0, 32)).toBe(-1);
    expect(ext.bits(31, 1)).toBe(0x8000_0000 | 0);
    expect(ext.bits(4, 3)).toBe(0b111_0000);
    fc.assert(
      fc.property(fc.nat(31), fc.nat(32), (from, n) => {
        const count = Math.min(n, 32 - from);
        expect(ext.popcount(ext.bits(from, count))).toBe(count);
      }),
    );
  });

  it("hands out an extent that was freed with nothing left in it", () => {
    const table = new ext.ExtentTable(() => {}, NO_HISTORIES);
    const extent = table.allocate();
    table.set(extent, ext.MASK, -1);
    table.set(extent, ext.FLAGS, ext.REDRIVEN);
    table.setStatus(extent, ext.State.DEAD, 3, 65_535);
    expect([table.state(extent), table.reason(extent), table.retry(extent)]).toEqual([ext.State.DEAD, 3, 65_535]);
    table.free(extent);
    expect(table.live).toBe(0);
    expect(table.allocate()).toBe(extent);
    expect([table.state(extent), table.reason(extent), table.retry(extent)]).toEqual([ext.State.FREE, 0, 0]);
    expect([table.get(extent, ext.MASK), table.get(extent, ext.FLAGS)]).toEqual([0, 0]);
    expect([ext.NEXT, ext.PREVIOUS, ext.CHAIN].map((link) => table.get(extent, link))).toEqual(Array(3).fill(ext.NONE));
  });

  it("grows without losing anything, and says so to what is indexed by extent", () => {
    const grown: number[] = [];
    const table = new ext.ExtentTable((capacity) => grown.push(capacity), NO_HISTORIES);
    for (let i = 0; i < 3000; i++) {
      const extent = table.allocate();
      table.set(extent, ext.ID_LOW, i);
      table.times[extent] = i + 0.5;
    }
    expect(grown).toEqual([1024, 2048, 4096]);
    for (let i = 0; i < 3000; i++) expect([table.idLow(i), table.times[i]]).toEqual([i, i + 0.5]);
    expect([table.live, table.high]).toEqual([3000, 3000]);
  });

  it("clones what an extent is and not where it is", () => {
    const table = new ext.ExtentTable(() => {}, NO_HISTORIES);
    const extent = table.allocate();
    for (let word = 0; word < 16; word++) table.set(extent, word, 100 + word);
    table.times[extent] = 5;
    const copy = table.clone(extent);
    const links: readonly number[] = [ext.NEXT, ext.PREVIOUS, ext.CHAIN];
    for (let word = 0; word < 16; word++) {
      expect(table.get(copy, word)).toBe(links.includes(word) ? ext.NONE : 100 + word);
    }
    expect(table.times[copy]).toBe(5);
  });
});

describe("extent list", () => {
  it("keeps the order that an array would", () => {
    const action = fc.record({ do: fc.constantFrom("push", "push", "insertAfter", "remove"), at: fc.nat() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const table = new ext.ExtentTable(() => {}, NO_HISTORIES);
        const list = new ExtentList();
        const expected: number[] = [];
        for (const { do: op, at } of actions) {
          const i = at % Math.max(1, expected.length);
          const other = expected[i];
          if (op === "push" || other === undefined) {
            const extent = table.allocate();
            list.push(table, extent);
            expected.push(extent);
          } else if (op === "insertAfter") {
            const extent = table.allocate();
            list.insertAfter(table, extent, other);
            expected.splice(i + 1, 0, extent);
          } else {
            list.remove(table, other);
            expected.splice(i, 1);
          }
          const forward: number[] = [];
          for (let e = list.head; e !== ext.NONE; e = table.get(e, ext.NEXT)) forward.push(e);
          const backward: number[] = [];
          for (let e = list.tail; e !== ext.NONE; e = table.get(e, ext.PREVIOUS)) backward.push(e);
          expect(forward).toEqual(expected);
          expect(backward).toEqual([...expected].reverse());
        }
      }),
    );
  });

  it("finds each extent its place, whatever comes and goes", () => {
    const action = fc.record({ do: fc.constantFrom("append", "insert", "insert", "remove"), at: fc.nat() });
    fc.assert(
      fc.property(fc.array(action, { minLength: 100, maxLength: 200 }), (actions) => {
        const table = new ext.ExtentTable(() => {}, NO_HISTORIES, 2);
        const list = new ExtentList();
        const places = (): number[] => {
          const all: number[] = [];
          for (let e = list.head; e !== ext.NONE; e = table.get(e, ext.NEXT)) all.push(table.places[e] as number);
          return all;
        };
        const away: number[] = [];
        let last = 0;
        for (const { do: op, at } of actions) {
          const there = places();
          if (op === "append") {
            const extent = table.allocate();
            table.places[extent] = ++last;
            list.push(table, extent);
          } else if (op === "insert" && away.length > 0) {
            const [extent = 0] = away.splice(at % away.length, 1);
            list.insertAtPlace(table, extent);
          } else if (op === "remove" && there.length > 0) {
            const place = there[at % there.length];
            let extent = list.head;
            while (table.places[extent] !== place) extent = table.get(extent, ext.NEXT);
            list.remove(table, extent);
            away.push(extent);
          }
          list.invariants(table);
          expect(places()).toEqual(places().toSorted((a, b) => a - b));
        }
      }),
    );
  });
});
