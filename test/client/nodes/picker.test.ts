import { describe, expect, it } from "vitest";
import { createPicker, type PickBy } from "../../../src/client/nodes/picker.js";

/** A small generator (mulberry32), so that a failure can be repeated. */
const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const nodes = (...weights: readonly number[]): { readonly weight: number }[] => weights.map((weight) => ({ weight }));

/** How often each node is picked in so many picks. */
const shares = (pick: PickBy, weights: readonly number[], picks: number, seed = 1): number[] => {
  const picker = createPicker(pick, seeded(seed));
  const counts = weights.map(() => 0);
  for (let i = 0; i < picks; i++) {
    const at = picker(nodes(...weights));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
};

const KINDS: readonly PickBy[] = ["weight", "random", "turn"];

describe("picking by weight", () => {
  it("gives each node exactly its share of a cycle", () => {
    expect(shares("weight", [5, 1, 4], 1000)).toEqual([500, 100, 400]);
    expect(shares("weight", [1, 1], 10)).toEqual([5, 5]);
    expect(shares("weight", [0.5, 1.5], 400)).toEqual([100, 300]);
  });

  it("spreads the turns of a heavy node", () => {
    const picker = createPicker("weight", () => 0.999);
    const picked = Array.from({ length: 7 }, () => picker(nodes(5, 1, 1)));
    expect(picked.join("")).toBe("2000100");
  });

  it("picks first at random by weight, so that programs that pick once keep to the shares together", () => {
    const random = seeded(7);
    const counts = [0, 0];
    for (let i = 0; i < 10_000; i++) {
      const at = createPicker("weight", random)(nodes(3, 1));
      counts[at] = (counts[at] ?? 0) + 1;
    }
    expect(counts[0]).toBeGreaterThan(7300);
    expect(counts[0]).toBeLessThan(7700);
  });

  it("follows weights that change and nodes that come and go", () => {
    const picker = createPicker("weight", seeded(3));
    const count = (weights: readonly number[], picks: number): number[] => {
      const counts = weights.map(() => 0);
      for (let i = 0; i < picks; i++) {
        const at = picker(nodes(...weights));
        counts[at] = (counts[at] ?? 0) + 1;
      }
      return counts;
    };
    expect(count([1, 1], 100)).toEqual([50, 50]);
    expect(count([1, 3], 100)).toEqual([25, 75]);
    expect(count([2], 10)).toEqual([10]);
    expect(count([1, 1, 2], 100)).toEqual([25, 25, 50]);
  });
});

it("picking in turn takes each node as often, whatever its weight", () => {
  expect(shares("turn", [5, 1, 4], 300)).toEqual([100, 100, 100]);
  const picker = createPicker("turn", () => 0.5);
  expect(Array.from({ length: 5 }, () => picker(nodes(1, 1, 1)))).toEqual([1, 2, 0, 1, 2]);
});

it("picking at random takes each node about as often, in no order", () => {
  for (const count of shares("random", [5, 1, 4], 30_000)) {
    expect(count).toBeGreaterThan(9600);
    expect(count).toBeLessThan(10_400);
  }
});

describe.each(KINDS)("picking by %s", (kind) => {
  it("leaves out nodes of weight 0, unless all are, and those whose weight is no number", () => {
    const [zero, one, none] = shares(kind, [0, 1, Number.NaN], 100);
    expect([zero, one, none]).toEqual([0, 100, 0]);
    for (const count of shares(kind, [0, -1, Number.POSITIVE_INFINITY], 3000)) expect(count).toBeGreaterThan(900);
  });

  it("answers -1 when there is no node", () => {
    expect(createPicker(kind)([])).toBe(-1);
    expect(createPicker(kind)(nodes(3))).toBe(0);
  });
});
