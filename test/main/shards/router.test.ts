import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeadCache } from "../../../src/main/native/head-cache.js";
import { NO_ROUTE, Router } from "../../../src/main/shards/router.js";
import { packHead } from "../../../src/protocol/head.js";

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

const router = await Router.create(4);

/** Where a head leads that stands in the middle of other bytes. */
const route = (head: Uint8Array, by = router): number => {
  const bytes = Buffer.concat([Buffer.alloc(3, 0x91), head, Buffer.alloc(5, 0xa5)]);
  return by.route(bytes, viewOf(bytes), 3, 3 + head.length);
};

describe("the router", () => {
  it("sends a name to the same shard whatever stands behind it, and however it is encoded", () => {
    const shard = route(packHead(["orders"]));
    expect(shard).toBeGreaterThanOrEqual(0);
    expect(route(packHead(["orders", "key", 5000]))).toBe(shard);
    expect(route(Buffer.from([0x91, 0xd9, 6, ...Buffer.from("orders")]))).toBe(shard);
    expect(route(Buffer.from([0x91, 0xda, 0, 6, ...Buffer.from("orders")]))).toBe(shard);
    expect(route(Buffer.from([0xdc, 0, 1, 0xa6, ...Buffer.from("orders")]))).toBe(shard);
    expect(route(Buffer.from([0xdd, 0, 0, 0, 1, 0xa6, ...Buffer.from("orders")]))).toBe(shard);
  });

  it("spreads names over all shards", () => {
    const shards = new Array<number>(4).fill(0);
    for (let i = 0; i < 4_000; i++) {
      const shard = route(packHead([`topic-${i}`]));
      shards[shard] = (shards[shard] ?? 0) + 1;
    }
    for (const count of shards) expect(count).toBeGreaterThan(800);
  });

  it("takes the number of a shard, and none of a shard that is not there", () => {
    expect([0, 3, 4, 127, 128, 300, 70_000].map((shard) => route(packHead([shard])))).toEqual([
      0,
      3,
      ...new Array<number>(5).fill(NO_ROUTE),
    ]);
    expect(route(packHead([200]), new Router(256, () => 0))).toBe(200);
  });

  it("has no way for any other head", () => {
    for (const head of [[], [null], [-1], [1.5], [true], [{ a: 1 }], [["a"]]]) {
      expect(route(packHead(head))).toBe(NO_ROUTE);
    }
    expect(route(new Uint8Array(0))).toBe(NO_ROUTE);
    expect(route(Buffer.concat([Buffer.of(0xa6), Buffer.from("orders")]))).toBe(NO_ROUTE);
  });

  it("reads nothing past the end of a head", () => {
    const whole = packHead(["a-name-that-is-cut"]);
    for (let length = 0; length < whole.length; length++) expect(route(whole.subarray(0, length))).toBe(NO_ROUTE);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (head) => {
        const view = viewOf(head);
        const shard = router.route(head, view, 0, head.length);
        expect(shard).toBeGreaterThanOrEqual(NO_ROUTE);
        expect(shard).toBeLessThan(4);
      }),
    );
  });
});

describe("the memory for a head", () => {
  /** It remembers heads from the second on. */
  const used = (): HeadCache => {
    const memory = new HeadCache();
    memory.remember(viewOf(Buffer.of(1)), 0, 1, 9);
    expect(memory.recall(viewOf(Buffer.of(1)), 0, 1)).toBe(-1);
    return memory;
  };

  it("knows the last one only when every byte is the same", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 400 }), (a, b) => {
        const memory = used();
        expect(memory.recall(viewOf(a), 0, a.length)).toBe(-1);
        memory.remember(viewOf(a), 0, a.length, 2);
        expect(memory.recall(viewOf(a), 0, a.length)).toBe(a.length > 320 ? -1 : 2);
        const isSame = Buffer.compare(a, b) === 0 && a.length <= 320;
        expect(memory.recall(viewOf(b), 0, b.length)).toBe(isSame ? 2 : -1);
      }),
    );
  });

  it("tells heads apart that differ in one byte, wherever it is", () => {
    const head = Buffer.alloc(37, 7);
    const memory = used();
    memory.remember(viewOf(head), 0, head.length, 1);
    for (let i = 0; i < head.length; i++) {
      const other = Buffer.from(head);
      other[i] = 8;
      expect(memory.recall(viewOf(other), 0, other.length)).toBe(-1);
    }
  });
});
