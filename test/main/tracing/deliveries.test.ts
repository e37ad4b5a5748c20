import { beforeEach, describe, expect, it } from "vitest";
import { Deliveries, type Taker } from "../../../src/main/tracing/deliveries.js";
import { Attribute } from "../../../src/main/tracing/spans.js";

const TTR = 1_000;
const NOW = 50_000;
/** That the lease is over for: a touch may be on its way. */
const GRACE = 1_000;

const takerOf = (isPop = false): Taker => ({
  topic: "t",
  queue: "default",
  shard: 0,
  isPop,
  acksBySeen: false,
  isStopped: false,
  held: 0,
});

let deliveries: Deliveries;
/** What the deliveries have come to, by name. */
let ended: Record<string, unknown>;

beforeEach(() => {
  deliveries = new Deliveries();
  ended = {};
});

const add = (name: string, idLow: number, count: number, number: number, taker = takerOf(), idHigh = 1): void => {
  const span = {
    end: (attributes: Readonly<Record<string, unknown>>) => {
      expect(ended).not.toHaveProperty(name);
      ended[name] = attributes[Attribute.OUTCOME];
    },
  };
  deliveries.add({ idHigh, idLow, count, number, ttr: TTR, taker, span }, NOW + TTR);
};

describe("deliveries that are part of a trace", () => {
  it("end when all of their messages are settled, whatever the selections are", () => {
    add("a", 10, 3, 7);
    deliveries.settle(1, 10, 1, 7, "acked");
    deliveries.settle(1, 0, 11, 8, "acked");
    deliveries.settle(2, 11, 2, 7, "acked");
    expect(ended).toEqual({});
    deliveries.settle(1, 11, 100, 7, "nacked");
    expect(ended).toEqual({ a: "nacked" });
    expect(deliveries.size).toBe(0);
  });

  it("are found by the id alone where the client knows no delivery, and told apart by it where it does", () => {
    add("a", 10, 1, 7);
    add("b", 10, 1, 8);
    deliveries.settle(1, 10, 1, 8, "acked");
    expect(ended).toEqual({ b: "acked" });
    add("c", 11, 1, 7);
    deliveries.settle(1, 10, 1, 0, "released");
    expect(ended).toEqual({ a: "released", b: "acked" });
  });

  it("expire some time after their lease, unless it was touched or renewed", () => {
    const ahead = takerOf();
    add("a", 10, 1, 7);
    add("touched", 11, 1, 7);
    add("renewed", 12, 1, 8, ahead);
    deliveries.touch(1, 11, 1, 7, NOW + TTR, 5_000);
    deliveries.renew(ahead, NOW + TTR);
    deliveries.sweep(NOW + TTR + GRACE);
    expect(ended).toEqual({});
    deliveries.sweep(NOW + TTR + GRACE + 1);
    expect(ended).toEqual({ a: "expired" });
    deliveries.sweep(NOW + 2 * TTR + GRACE + 1);
    expect(ended).toEqual({ a: "expired", renewed: "expired" });
    deliveries.sweep(NOW + TTR + 5_000 + GRACE + 1);
    expect(ended).toEqual({ a: "expired", renewed: "expired", touched: "expired" });
  });

  it("come back with their consumer, and stay out with a pop", () => {
    const [leaving, staying, popping] = [takerOf(), takerOf(), takerOf(true)];
    add("a", 10, 1, 7, leaving);
    add("b", 11, 1, 8, staying);
    add("c", 12, 1, 9, popping);
    deliveries.leave(new Set([leaving, popping]));
    expect(ended).toEqual({ a: "connection closed" });
    expect([leaving, staying, popping].map(({ held }) => held)).toEqual([0, 1, 1]);
  });

  it("are acked up to what their consumer has seen, where that acks", () => {
    const taker = takerOf();
    add("a", 10, 1, 7, taker);
    add("b", 11, 1, 7, taker);
    add("c", 12, 1, 7, taker);
    add("d", 1, 1, 8, taker, 2);
    add("e", 10, 1, 6);
    deliveries.seen(taker, 1, 11, 7);
    expect(ended).toEqual({ a: "acked", b: "acked" });
    deliveries.seen(taker, 2, 1, 8);
    expect(ended).toEqual({ a: "acked", b: "acked", c: "acked", d: "acked" });
  });

  it("are no more than 10,000", () => {
    for (let i = 0; !deliveries.isFull; i++) add(`${i}`, i, 1, i % 3);
    expect(deliveries.size).toBe(10_000);
    deliveries.settle(1, 0, 1, 0, "acked");
    expect(deliveries.isFull).toBe(false);
  });
});
