import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Admission, RequestWindow } from "../../../src/main/native/request-window.js";

const add = (window: RequestWindow, ...requests: readonly number[]): number[] =>
  requests.map((request) => window.add(request, 0));

describe("the request window", () => {
  it("lets a request in once, and again when it has been answered", () => {
    const window = new RequestWindow(10);
    expect(add(window, 7, 7)).toEqual([Admission.TAKEN, Admission.DUPLICATE]);
    expect(window.clear(7)).toBe(true);
    expect(window.clear(7)).toBe(false);
    expect(add(window, 7)).toEqual([Admission.TAKEN]);
  });

  it("is full at its maximum, and says of a live number that it is a duplicate even then", () => {
    const window = new RequestWindow(2);
    expect(add(window, 1, 2, 3, 2)).toEqual([Admission.TAKEN, Admission.TAKEN, Admission.FULL, Admission.DUPLICATE]);
    window.clear(1);
    expect(add(window, 3)).toEqual([Admission.TAKEN]);
    expect(window.size).toBe(2);
  });

  it("holds as many consecutive requests as it may, from any number on", () => {
    for (const first of [1, 0xffff, 0xffff_0000 - 1]) {
      const window = new RequestWindow(65_536);
      let taken = 0;
      for (let i = 0; i < 65_536; i++) if (window.add(first + i, 3) === Admission.TAKEN) taken++;
      expect(taken).toBe(65_536);
      expect(window.size).toBe(65_536);
      for (let i = 0; i < 65_536; i++) if (window.clear(first + i)) taken--;
      expect(taken).toBe(0);
      expect(window.size).toBe(0);
    }
  });

  it("keeps a request that waits while two million others pass it by", () => {
    const window = new RequestWindow(65_536);
    window.add(5, 2);
    for (let request = 6; request < 2_000_000; request++) {
      if (window.add(request, 0) !== Admission.TAKEN) throw new Error(`request ${request} was not let in`);
      if (!window.clear(request)) throw new Error(`request ${request} was not there`);
    }
    expect(window.has(5)).toBe(true);
    expect(window.takeShard(2)).toEqual([5]);
    expect(window.size).toBe(0);
  });

  it("takes numbers that all share their low bits", () => {
    const window = new RequestWindow(1_000);
    const requests = Array.from({ length: 1_000 }, (_, i) => (i + 1) * 65_536);
    expect(new Set(add(window, ...requests))).toEqual(new Set([Admission.TAKEN]));
    expect(window.live().sort((a, b) => a - b)).toEqual(requests);
    expect(add(window, 1)).toEqual([Admission.FULL]);
    for (const request of requests) expect(window.clear(request)).toBe(true);
  });

  it("knows a request that had to stand elsewhere when its place is free again", () => {
    const window = new RequestWindow(100);
    expect(add(window, 64, 128)).toEqual([Admission.TAKEN, Admission.TAKEN]);
    window.clear(64);
    expect(add(window, 128, 64)).toEqual([Admission.DUPLICATE, Admission.TAKEN]);
    expect([window.clear(128), window.clear(128), window.clear(64)]).toEqual([true, false, true]);
  });

  it("gives up the requests of one shard and keeps the others", () => {
    const window = new RequestWindow(100);
    for (let request = 1; request <= 90; request++) window.add(request, request % 3);
    const taken = window.takeShard(1).sort((a, b) => a - b);
    expect(taken).toEqual(Array.from({ length: 30 }, (_, i) => 3 * i + 1));
    expect(window.size).toBe(60);
    expect(window.takeShard(1)).toEqual([]);
  });

  it("forgets nothing when it gives memory back", () => {
    const window = new RequestWindow(10_000);
    for (let request = 1; request <= 5_000; request++) window.add(request, 1);
    window.trim();
    expect(window.size).toBe(5_000);
    for (let request = 1; request <= 5_000; request++) window.clear(request);
    window.trim();
    expect(add(window, 1, 65, 1)).toEqual([Admission.TAKEN, Admission.TAKEN, Admission.DUPLICATE]);
  });

  it("does what a map does", () => {
    const step = fc.record({
      isAdd: fc.boolean(),
      request: fc.oneof(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 40 }).map((n) => n * 64),
      ),
      shard: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const window = new RequestWindow(100);
        const model = new Map<number, number>();
        for (const { isAdd, request, shard } of steps) {
          if (isAdd) {
            const full = model.size >= 100 ? Admission.FULL : Admission.TAKEN;
            const expected = model.has(request) ? Admission.DUPLICATE : full;
            expect(window.add(request, shard)).toBe(expected);
            if (expected === Admission.TAKEN) model.set(request, shard);
          } else {
            expect(window.clear(request)).toBe(model.delete(request));
          }
          expect(window.size).toBe(model.size);
        }
        const byNumber = (a: number, b: number): number => a - b;
        expect(window.live().sort(byNumber)).toEqual([...model.keys()].sort(byNumber));
        const onTwo = [...model].filter(([, shard]) => shard === 2).map(([request]) => request);
        expect(window.takeShard(2).sort(byNumber)).toEqual(onTwo.sort(byNumber));
      }),
    );
  });
});
