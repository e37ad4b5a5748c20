import { describe, expect, it } from "vitest";
import { ConsumerLedger } from "../../../src/main/native/consumer-ledger.js";

describe("the ledger of consumers and subscriptions", () => {
  it("has a consumer from its confirm to the confirm of its stop", () => {
    const ledger = new ConsumerLedger();
    ledger.expect(1, { kind: "consume", shard: 0 });
    ledger.expect(2, { kind: "consume", shard: 0 });
    ledger.confirmed(1);
    ledger.refused(2);
    ledger.expect(3, { kind: "stop", consumer: 1 });
    expect(ledger.isWaiting).toBe(true);
    ledger.refused(3);
    expect(ledger.isWaiting).toBe(false);
    expect(ledger.takeShard(0)).toEqual([1]);

    ledger.expect(4, { kind: "consume", shard: 0 });
    ledger.confirmed(4);
    ledger.expect(5, { kind: "stop", consumer: 4 });
    ledger.confirmed(5);
    expect(ledger.takeShard(0)).toEqual([]);
  });

  it("has one subscription to a channel: the last that was confirmed", () => {
    const ledger = new ConsumerLedger();
    for (const request of [1, 2, 3]) ledger.expect(request, { kind: "subscribe", shard: 1, channel: "news" });
    ledger.confirmed(1);
    ledger.confirmed(2);
    ledger.refused(3);
    expect(ledger.takeShard(0)).toEqual([]);
    expect(ledger.takeShard(1)).toEqual([2]);
    expect(ledger.takeShard(1)).toEqual([]);

    ledger.expect(4, { kind: "subscribe", shard: 1, channel: "news" });
    ledger.confirmed(4);
    ledger.expect(5, { kind: "unsubscribe", channel: "news" });
    ledger.confirmed(5);
    expect(ledger.takeShard(1)).toEqual([]);
  });

  it("loses a consumer that its shard has closed, and leaves those of other shards", () => {
    const ledger = new ConsumerLedger();
    for (const [request, shard] of [
      [1, 0],
      [2, 1],
      [3, 1],
    ] as const) {
      ledger.expect(request, { kind: "consume", shard });
      ledger.confirmed(request);
    }
    ledger.consumerClosed(3);
    expect(ledger.takeShard(1)).toEqual([2]);
    expect(ledger.takeShard(0)).toEqual([1]);
  });
});
