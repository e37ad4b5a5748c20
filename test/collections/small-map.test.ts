import fc from "fast-check";
import { expect, it } from "vitest";
import { SmallMap } from "../../src/collections/small-map.js";
import { SmallSet } from "../../src/collections/small-set.js";

const key = fc.integer({ min: 0, max: 3 });
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("set" as const), key, value: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ do: fc.constant("delete" as const), key }),
    fc.record({ do: fc.constant("clear" as const) }),
  ),
);

it("a small map is a map", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const [small, map] = [new SmallMap<number, number>(), new Map<number, number>()];
      for (const step of all) {
        if (step.do === "set") [small, map].map((each) => each.set(step.key, step.value));
        else if (step.do === "delete") expect(small.delete(step.key)).toBe(map.delete(step.key));
        else [small, map].map((each) => each.clear());
        expect([...small]).toEqual([...map]);
        expect([[...small.keys()], [...small.values()], small.size]).toEqual([
          [...map.keys()],
          [...map.values()],
          map.size,
        ]);
        for (const each of [0, 1, 2, 3])
          expect([small.get(each), small.has(each)]).toEqual([map.get(each), map.has(each)]);
      }
    }),
  );
});

it("a small set is a set", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const [small, set] = [new SmallSet<string>(), new Set<string>()];
      for (const step of all) {
        if (step.do === "set") [small, set].map((each) => each.add(`${step.key}`));
        else if (step.do === "delete") expect(small.delete(`${step.key}`)).toBe(set.delete(`${step.key}`));
        expect([[...small], small.size]).toEqual([[...set], set.size]);
        for (const each of ["0", "1", "2", "3"]) expect(small.has(each)).toBe(set.has(each));
      }
    }),
  );
});

it("what is deleted while either is walked does not come", () => {
  const [map, set] = [new SmallMap<number, number>(), new SmallSet<string>()];
  for (const each of [1, 2, 3]) {
    map.set(each, each);
    set.add(`${each}`);
  }
  const walked: unknown[] = [];
  for (const each of map.values()) {
    walked.push(each);
    map.delete(2);
  }
  for (const each of set) {
    walked.push(each);
    set.delete("2");
  }
  expect(walked).toEqual([1, 3, "1", "3"]);
});
