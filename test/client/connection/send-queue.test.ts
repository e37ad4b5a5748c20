import { describe, expect, it } from "vitest";
import { Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirm, confirming, connected, result } from "../scripted-broker.js";

describe("requests above those that may be unanswered", () => {
  it("wait in the client, and go one by one as others are answered", async () => {
    const { client, broker } = await connected({ maxInFlight: 2 });
    const pings = Array.from({ length: 5 }, () => client.ping());
    const [first, second] = await broker.seen(Op.PING, 2);
    // If a third PING were sent already, it would be seen together with the next one.
    broker.send(result(second?.request ?? 0));
    const [, , third] = await broker.seen(Op.PING, 3);
    expect(broker.frames.filter(({ op }) => op === Op.PING)).toHaveLength(3);
    broker.answer = ({ request }) => broker.send(result(request));
    for (const seen of [first, third]) broker.send(result(seen?.request ?? 0));
    await Promise.all(pings);
    expect(broker.frames.filter(({ op }) => op === Op.PING).map(({ request }) => request)).toEqual([2, 3, 4, 5, 6]);
  });
});

describe("publishes above the requests that may be unanswered", () => {
  it("wait in the client too, large frames and small ones", async () => {
    const { client, broker } = await connected({ maxInFlight: 2 });
    const bodies = ["a", "b".repeat(20_000), "c", "d".repeat(20_000), "e"];
    const receipts = bodies.map((body, i) => client.publish(`topic-${i}`, body));
    const [first, second] = await broker.seen(Op.PUBLISH, 2);
    confirming(broker);
    broker.send(confirm({ request: second?.request ?? 0, high: 1, low: 1 }));
    await broker.seen(Op.PUBLISH, 3);
    expect(broker.frames.filter(({ op }) => op === Op.PUBLISH)).toHaveLength(3);
    broker.send(confirm({ request: first?.request ?? 0, high: 1, low: 2 }));
    await Promise.all(receipts);
    const seen = broker.frames.filter(({ op }) => op === Op.PUBLISH);
    expect(seen.flatMap(bodiesOf).map((body) => body[0])).toEqual(["a", "b", "c", "d", "e"]);
  });
});

describe("a broker that does not read", () => {
  it("gets every message once and in order when it reads again", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    broker.socket.pause();
    const body = "x".repeat(1000);
    const receipts: Promise<unknown>[] = [];
    for (let i = 0; i < 20_000; i++) {
      receipts.push(client.publish("orders", `${i} ${body}`));
      if (i % 1000 === 999) await new Promise((resolve) => setImmediate(resolve));
    }
    broker.socket.resume();
    await Promise.all(receipts);
    const numbers = broker.frames
      .filter(({ op }) => op === Op.PUBLISH)
      .flatMap(bodiesOf)
      .map((text) => parseInt(text, 10));
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  });

  it("makes publishes fail as busy at the bound, until there is room", async () => {
    const { client, broker } = await connected({ maxPendingBytes: 10_000 });
    const receipts = Array.from({ length: 8 }, () => client.publish("orders", new Uint8Array(1000)));
    await expect(client.publish("orders", new Uint8Array(1000))).rejects.toMatchObject({
      code: "CLIENT_BUSY",
      retryable: true,
    });
    expect(client.pendingBytes).toBe(8 * 1128);
    confirming(broker);
    await client.ready();
    await Promise.all(receipts);
    expect(client.pendingBytes).toBe(0);
    await client.publish("orders", new Uint8Array(1000));
  });

  it("is still told of acks at the bound", async () => {
    const { client, broker } = await connected({ maxPendingBytes: 1000 });
    void client.publish("orders", new Uint8Array(2000)).catch(() => {});
    await expect(client.ping()).rejects.toMatchObject({ code: "CLIENT_BUSY" });
    void client.ackById("orders", "5").catch(() => {});
    await broker.nth(Op.ACK);
  });
});
