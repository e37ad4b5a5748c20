import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SortedNames } from "../../src/collections/sorted-names.js";

const name = fc.oneof(fc.string({ maxLength: 3 }), fc.nat(50).map(String));

describe("names in order", () => {
  it("are those that were added and not removed, from any name on", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), name), { maxLength: 300, size: "max" }), name, (moves, from) => {
        const names = new SortedNames();
        const expected = new Set<string>();
        for (const [isAdded, each] of moves) {
          if (!isAdded) names.remove(each);
          else if (!expected.has(each)) names.add(each);
          if (isAdded) expected.add(each);
          else expected.delete(each);
        }
        expect([...names.after(from)]).toEqual([...expected].filter((each) => each > from).sort());
      }),
    );
  });

  it("stay so in numbers, whatever the order in which they come and go", () => {
    const names = new SortedNames();
    const all = Array.from({ length: 20_000 }, (_, i) => `reply-${(i * 7919) % 20_000}`);
    for (const each of all) names.add(each);
    expect([...names.after("")]).toEqual([...all].sort());
    const [gone, left] = [all.slice(0, 15_000), all.slice(15_000)];
    for (const each of gone) names.remove(each);
    expect([...names.after("reply-5")]).toEqual(left.filter((each) => each > "reply-5").sort());
    for (const each of left) names.remove(each);
    expect([...names.after("")]).toEqual([]);
  });
});
