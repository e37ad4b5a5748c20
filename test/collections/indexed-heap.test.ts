import { describe, expect, it } from "vitest";
import { IndexedHeap, NOWHERE } from "../../src/collections/indexed-heap.js";

class Entry {
  place = NOWHERE;

  constructor(public key: number) {}
}

const heap = (): IndexedHeap<Entry> => new IndexedHeap((a, b) => a.key < b.key);

/** Numbers below 2^31 that look random and are the same each time. */
const numbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state >>> 8;
  };
};

describe("an indexed heap", () => {
  it("has the entry first that comes before all others, whatever is added, moved and taken out", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = numbers(seed);
      const entries = heap();
      const model = new Set<Entry>();
      for (let step = 0; step < 200; step++) {
        const known = [...model][random() % Math.max(1, model.size)];
        const what = random() % 4;
        if (known === undefined || what <= 1) {
          const entry = new Entry(random() % 100);
          entries.add(entry);
          model.add(entry);
        } else if (what === 2) {
          entries.remove(known);
          model.delete(known);
          expect(known.place).toBe(NOWHERE);
        } else {
          known.key = random() % 100;
          entries.moved(known);
        }
        expect(entries.size).toBe(model.size);
        const keys = [...model].map(({ key }) => key);
        expect(entries.first?.key).toBe(model.size === 0 ? undefined : Math.min(...keys));
      }
    }
  });

  it("lets an entry that is in no heap be taken out or moved without any effect", () => {
    const entries = heap();
    const entry = new Entry(1);
    entries.add(entry);
    entries.remove(new Entry(0));
    entries.moved(new Entry(0));
    expect(entries.first).toBe(entry);
    entries.remove(entry);
    entries.remove(entry);
    expect(entries.size).toBe(0);
  });
});
