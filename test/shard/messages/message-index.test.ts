import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as ext from "../../../src/shard/messages/extent.js";
import { MessageIndex } from "../../../src/shard/messages/message-index.js";

/** Buckets of a new index: it grows when one fragment more is added. */
const INITIAL_BUCKETS = 1024;

interface Key {
  readonly queue: number;
  readonly high: number;
  readonly low: number;
}

class Fixture {
  readonly table = new ext.ExtentTable(() => {}, { share: () => {}, release: () => {} });
  readonly index = new MessageIndex(this.table);

  add({ queue, high, low }: Key): number {
    const extent = this.table.allocate();
    this.table.set(extent, ext.QUEUE, queue);
    this.table.set(extent, ext.ID_HIGH, high);
    this.table.set(extent, ext.ID_LOW, low);
    this.index.add(extent);
    return extent;
  }

  remove(extent: number): void {
    this.index.remove(extent);
    this.table.free(extent);
  }

  /** The fragments of a block, in the order in which a look-up meets them. */
  find({ queue, high, low }: Key): number[] {
    const found: number[] = [];
    let extent = this.index.first(queue, high, low);
    for (; extent !== ext.NONE; extent = this.index.next(extent)) found.push(extent);
    return found;
  }
}

describe("message index", () => {
  it("finds a fragment by any id of its block and by no other", () => {
    const fixture = new Fixture();
    const extent = fixture.add({ queue: 3, high: 7, low: 70 });
    for (let low = 64; low < 96; low++) expect(fixture.find({ queue: 3, high: 7, low })).toEqual([extent]);
    expect(fixture.find({ queue: 3, high: 7, low: 63 })).toEqual([]);
    expect(fixture.find({ queue: 3, high: 7, low: 96 })).toEqual([]);
    expect(fixture.find({ queue: 2, high: 7, low: 64 })).toEqual([]);
    expect(fixture.find({ queue: 3, high: 8, low: 64 })).toEqual([]);
  });

  it("finds ids whose words have their highest bit set", () => {
    const fixture = new Fixture();
    const key = { queue: 0, high: 0xffff_ffff, low: 0xffff_ffe0 };
    expect(fixture.find(key)).toEqual([]);
    const extent = fixture.add(key);
    expect(fixture.find({ ...key, low: 0xffff_ffff })).toEqual([extent]);
    expect(fixture.find({ ...key, low: 0x7fff_ffe0 })).toEqual([]);
    expect(fixture.find({ ...key, high: 0x7fff_ffff })).toEqual([]);
  });

  it("goes on with a walk over the fragments of a block when it grows on the way", () => {
    const fixture = new Fixture();
    const key = { queue: 1, high: 5, low: 320 };
    const fragments = Array.from({ length: 8 }, () => fixture.add(key));
    for (let i = 8; i < INITIAL_BUCKETS; i++) fixture.add({ queue: 1, high: i, low: 0 });
    const before = fixture.find(key);
    const [first = ext.NONE, second = ext.NONE] = before;
    expect(fixture.index.next(first)).toBe(second);
    const { bytes } = fixture.index;
    const added = fixture.add(key);
    expect(fixture.index.bytes).toBe(bytes * 2);
    const rest: number[] = [];
    for (let extent = second; extent !== ext.NONE; extent = fixture.index.next(extent)) rest.push(extent);
    expect([first, ...rest].sort((a, b) => a - b)).toEqual(fragments);
    expect(fixture.find(key)).toEqual([added, ...before]);
  });

  it("holds what was added and not removed, through growth", () => {
    const key = fc.record({ queue: fc.nat(3), high: fc.nat(40), low: fc.nat(400) });
    const action = fc.oneof({ weight: 3, arbitrary: key }, { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 3000, size: "max" }), (actions) => {
        const fixture = new Fixture();
        const live: { key: Key; extent: number }[] = [];
        for (const act of actions) {
          if (!("remove" in act)) live.push({ key: act, extent: fixture.add(act) });
          else if (live.length > 0) fixture.remove(live.splice(act.remove % live.length, 1)[0]?.extent ?? ext.NONE);
        }
        expect(fixture.index.size).toBe(live.length);
        const blocks = new Map<string, number[]>();
        for (const { key: one, extent } of live) {
          const name = `${one.queue}/${one.high}/${one.low >>> 5}`;
          blocks.set(name, [...(blocks.get(name) ?? []), extent]);
        }
        const sorted = (extents: readonly number[]): number[] => [...extents].sort((a, b) => a - b);
        for (const [name, extents] of blocks) {
          const [queue = 0, high = 0, block = 0] = name.split("/").map(Number);
          expect(sorted(fixture.find({ queue, high, low: block * 32 + 5 }))).toEqual(sorted(extents));
        }
      }),
      { numRuns: 20 },
    );
  });
});
