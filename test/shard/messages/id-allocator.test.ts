import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EPOCH, idTime, SEQUENCES } from "../../../src/protocol/id.js";
import { IdAllocator, localIdSource } from "../../../src/shard/messages/id-allocator.js";
import { wholeId } from "../model/effects.js";

const NOW = Date.UTC(2026, 0, 1);

const idsOf = (ids: IdAllocator, count: number, now: number): bigint => {
  ids.take(count, now);
  return wholeId(ids.high, ids.low);
};

describe("id allocator", () => {
  it("gives batches consecutive ids of one millisecond, above all before, whatever the clock does", () => {
    const batch = fc.record({ count: fc.integer({ min: 1, max: SEQUENCES }), step: fc.integer({ min: -5, max: 5 }) });
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 50 }), (batches) => {
        const ids = new IdAllocator(localIdSource(EPOCH), 1023, 1);
        let last = 0n;
        let now = NOW;
        for (const { count, step } of batches) {
          now += step;
          const first = idsOf(ids, count, now);
          expect(first > last).toBe(true);
          expect(Number(first & 0xfffn) + count).toBeLessThanOrEqual(SEQUENCES);
          expect(Number((first >> 12n) & 1023n)).toBe(1023);
          last = first + BigInt(count) - 1n;
        }
      }),
    );
  });

  it("never gives one id to two shards of a node", () => {
    const source = localIdSource(EPOCH);
    const shards = [1, 2, 3].map(() => new IdAllocator(source, 7, 3));
    const seen = new Set<bigint>();
    let taken = 0;
    for (let i = 0; i < 300; i++) {
      const shard = shards[i % 3];
      if (shard === undefined) continue;
      const first = idsOf(shard, 100, NOW + Math.floor(i / 60));
      for (let n = 0n; n < 100n; n++) seen.add(first + n);
      taken += 100;
    }
    expect(seen.size).toBe(taken);
  });

  it("runs ahead of the clock under load and falls back to it afterwards", () => {
    const ids = new IdAllocator(localIdSource(EPOCH), 1, 1);
    for (let i = 0; i < 50; i++) ids.take(SEQUENCES, NOW);
    expect(idTime(ids.high, ids.low)).toBe(NOW + 49);
    ids.take(1, NOW + 1000);
    expect(idTime(ids.high, ids.low)).toBe(NOW + 1000);
  });

  it("is behind the clock by no more milliseconds than shards share a source", () => {
    const ids = new IdAllocator(localIdSource(EPOCH), 1, 4);
    for (let now = NOW; now < NOW + 100; now++) {
      ids.take(1, now);
      expect(now - idTime(ids.high, ids.low)).toBeLessThan(4);
    }
  });
});
