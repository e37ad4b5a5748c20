import { describe, expect, it } from "vitest";
import { SelectionList, selectIds } from "../../../src/client/consume/selection-list.js";
import { formatId } from "../../../src/protocol/id.js";
import { selectionsOf } from "../scripted-broker.js";

const payload = (selections: SelectionList): number[][] =>
  selectionsOf({ op: 0, flags: 0, request: 0, head: [], payload: Buffer.from(selections.encode()) });

describe("a request", () => {
  it("ends before it selects more than a request may", () => {
    const selections = new SelectionList();
    for (let i = 0; i < 17; i++) selections.addRun(1, i * 4096, 4096, 7);
    selections.add(2, 0, 7);
    expect(selections.messages).toBe(17 * 4096 + 1);
    expect(selections.requestEnd(0)).toBe(16);
    expect(selections.requestEnd(16)).toBe(18);
  });
});

describe("messages that are settled one by one", () => {
  it("share a selection when their ids follow each other in one delivery", () => {
    const selections = new SelectionList();
    for (const low of [10, 11, 12]) selections.add(1, low, 7);
    expect(payload(selections)).toEqual([[10, 3, 7]]);
  });

  it("do not when an id is left out, comes again, or goes back", () => {
    const selections = new SelectionList();
    for (const low of [10, 12, 12, 11]) selections.add(1, low, 7);
    expect(payload(selections)).toEqual([
      [10, 1, 7],
      [12, 1, 7],
      [12, 1, 7],
      [11, 1, 7],
    ]);
  });

  it("do not when the delivery or the upper half of the id is another", () => {
    const selections = new SelectionList();
    selections.add(1, 10, 7);
    selections.add(1, 11, 8);
    selections.add(2, 12, 8);
    expect(payload(selections)).toEqual([
      [10, 1, 7],
      [11, 1, 8],
      [12, 1, 8],
    ]);
  });

  it("do not run past the last sequence number of a millisecond", () => {
    const selections = new SelectionList();
    for (const low of [4094, 4095, 4096, 4097]) selections.add(1, low, 7);
    expect(payload(selections)).toEqual([
      [4094, 2, 7],
      [4096, 2, 7],
    ]);
  });

  it("tell their ids in the order in which they were added", () => {
    const selections = new SelectionList();
    for (const low of [10, 11, 9]) selections.add(1, low, 7);
    expect([...selections.ids()]).toEqual([10, 11, 9].map((low) => formatId(1, low)));
  });
});

describe("runs", () => {
  it("are selections of their own, cut where a millisecond ends", () => {
    const selections = new SelectionList();
    selections.add(1, 0, 7);
    selections.addRun(1, 1, 2, 7);
    selections.addRun(1, 4090, 10, 7);
    expect(payload(selections)).toEqual([
      [0, 1, 7],
      [1, 2, 7],
      [4090, 6, 7],
      [4096, 4, 7],
    ]);
  });

  it("are encoded in part", () => {
    const selections = new SelectionList();
    for (const low of [10, 20, 30]) selections.addRun(1, low, 2, 7);
    const part = Buffer.from(selections.encode(1, 2));
    expect(selectionsOf({ op: 0, flags: 0, request: 0, head: [], payload: part })).toEqual([[20, 2, 7]]);
  });
});

describe("ids", () => {
  it("mean whoever holds the messages", () => {
    expect(payload(selectIds([formatId(1, 10), formatId(1, 11)]))).toEqual([[10, 2, 0]]);
  });

  it("are refused when they are none", () => {
    for (const id of ["12x", "", "-1", "18446744073709551616", 5, null, undefined]) {
      expect(() => selectIds([id])).toThrow(/^id must be a message's id in decimal, as text/);
    }
    expect(() => selectIds(["12", 5])).toThrow(
      "ids[1] must be a message's id in decimal, as text (a number does not hold all of its digits); it is 5",
    );
  });
});
