/**
 * What a node does not take goes to another one, and what that costs is bounded in time and in memory.
 */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import {
  bodiesOf,
  confirm,
  confirming,
  error,
  type Frame,
  frame,
  result,
  type ScriptedBroker,
} from "../scripted-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";
import { publishedTo, refusing, statesBecome, twoNodes } from "./scripted-nodes.js";

/** Takes what is published and answers nothing. */
const silent = (broker: ScriptedBroker): void => {
  broker.answer = () => {};
};

describe("a publish that a node does not take", () => {
  it("goes to another node when its node is busy, and the program sees a receipt", async () => {
    const { client, first, second } = await twoNodes();
    refusing(first, ERRORS.BUSY.code, true);
    const receipt = await client.publish("orders", "a");
    expect(receipt.id).toBe(String(2n ** 32n + 100n));
    expect([publishedTo(first), publishedTo(second)]).toEqual([["a"], ["a"]]);
    expect(client.pendingBytes).toBe(0);
  });

  it("goes to another node when its shard is down, which asking it again would not change", async () => {
    const { client, first, second } = await twoNodes();
    refusing(first, ERRORS.SHARD_DOWN.code, false);
    await client.publish("orders", "a");
    expect(publishedTo(second)).toEqual(["a"]);
  });

  it("goes nowhere else when the message is what is wrong", async () => {
    const { client, first, second } = await twoNodes();
    refusing(first, ERRORS.NO_ROUTE.code, false);
    await expect(client.publish("orders", "a", { routeKey: "x" })).rejects.toMatchObject({ code: "NO_ROUTE" });
    await expect(client.publishBatch("orders", ["b"])).rejects.toMatchObject({ code: "NO_ROUTE" });
    await expect(client.publish("", "c")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
    expect(publishedTo(second)).toEqual([]);
    expect(client.pendingBytes).toBe(0);
  });

  it("goes to another node, in the order of the calls, when the connection ends before the answer", async () => {
    const { client, first, second } = await twoNodes();
    silent(first);
    const bodies = Array.from({ length: 500 }, (_, i) => `${i}`);
    const receipts = Promise.all(bodies.map((body) => client.publish("orders", body)));
    const batch = client.publishBatch("orders", ["x", "y"]);
    await first.seen(Op.PUBLISH, 2);
    first.socket.destroy();
    expect(new Set((await receipts).map(({ id }) => id)).size).toBe(500);
    expect((await batch).count).toBe(2);
    expect(publishedTo(second).filter((body) => /\d/.test(body))).toEqual(bodies);
    expect(client.pendingBytes).toBe(0);
  });

  it("keeps what is left of its delay, wherever the clock of the machine is set meanwhile", async () => {
    const { client, first, second } = await twoNodes();
    silent(first);
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const receipt = client.publish("orders", "later", { delay: 10_000, ttl: 20_000 });
    const { head } = await first.nth(Op.PUBLISH);
    expect(head.slice(2, 4)).toEqual([10_000, 20_000]);
    vi.advanceTimersByTime(4000);
    vi.setSystemTime(Date.now() + 3_600_000);
    first.socket.destroy();
    await receipt;
    expect((await second.nth(Op.PUBLISH)).head.slice(2, 4)).toEqual([6000, 16_000]);
  });

  it("is tried on the same node again when there is no other, and takes what comes then", async () => {
    const { client, first, second } = await twoNodes();
    second.socket.destroy();
    await second.stop();
    await statesBecome(client, "connected", "lost");
    let refusals = 0;
    first.answer = (seen) => {
      if (seen.op !== Op.PUBLISH) return;
      if (++refusals === 3) confirming(first);
      refuse(first, seen.request);
    };
    await client.publish("orders", "a");
    expect(publishedTo(first)).toEqual(["a", "a", "a", "a"]);
  });

  it("rejects with the last error when its time is over", async () => {
    const { client, first, second } = await twoNodes({ retryTimeout: 200 });
    refusing(first, ERRORS.BUSY.code, true);
    refusing(second, ERRORS.MEMORY_FULL.code, true);
    const start = performance.now();
    const refusal = await client.publish("orders", "a").catch((error: unknown) => error);
    expect(refusal).toMatchObject({ retryable: true, code: expect.stringMatching(/^(BUSY|MEMORY_FULL)$/) });
    expect(performance.now() - start).toBeGreaterThan(150);
    expect(publishedTo(first).length + publishedTo(second).length).toBeGreaterThan(3);
    expect(client.pendingBytes).toBe(0);
  }, 10_000);
});

const refuse = (broker: ScriptedBroker, request: number): void => {
  broker.send(error(request, ERRORS.BUSY.code, "busy", true, false));
};

describe("a node that says goodbye", () => {
  it("is not published to any more, and what it has is still answered", async () => {
    const { client, first, second } = await twoNodes();
    silent(first);
    const before = client.publish("orders", "before");
    const { request } = await first.nth(Op.PUBLISH);
    first.send(frame(Answer.GOODBYE, 0, ["stopping"]));
    await statesBecome(client, "draining", "connected");
    await client.publish("orders", "after");
    first.send(confirm({ request, high: 1, low: 7 }));
    expect((await before).id).toBe(String(2n ** 32n + 7n));
    expect([publishedTo(first), publishedTo(second)]).toEqual([["before"], ["after"]]);
  });
});

describe("a node that has vanished without a word", () => {
  it("is given up when it answers no ping, and what it had goes to another", async () => {
    const { client, first, second } = await twoNodes({ pingInterval: 100 });
    second.answer = (seen) => {
      if (seen.op === Op.PUBLISH) second.send(confirm({ request: seen.request, high: 1, low: 1 }));
      else if (seen.op === Op.PING) second.send(result(seen.request));
    };
    silent(first);
    await client.publish("orders", "a");
    expect(publishedTo(second)).toEqual(["a"]);
    expect(client.nodes[1]?.state).toBe("connected");
  });
});

const confirmAll = (broker: ScriptedBroker, published: Frame): void => {
  broker.send(confirm({ request: published.request, high: 1, low: 1, messages: bodiesOf(published).length }));
};

describe("memory", () => {
  it("what is on its way to all nodes shares one limit", async () => {
    const { client, first, second } = await twoNodes({ maxPendingBytes: 10_000, pick: "turn" });
    silent(first);
    silent(second);
    const seen = unhandledRejections();
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < 40; i++) answers.push(client.publish("orders", "x".repeat(400)));
    expect(client.pendingBytes).toBeLessThanOrEqual(10_000);
    const all = Promise.allSettled(answers);
    const ready = client.ready();
    await first.seen(Op.PUBLISH);
    for (const seen of first.frames) if (seen.op === Op.PUBLISH) confirmAll(first, seen);
    await ready;
    first.socket.destroy();
    second.socket.destroy();
    confirming(first);
    confirming(second);
    const busy = (await all).filter((answer) => answer.status === "rejected");
    expect(busy.length).toBeGreaterThan(10);
    for (const { reason } of busy) expect(reason).toMatchObject({ code: "CLIENT_BUSY" });
    expect(client.pendingBytes).toBe(0);
    expect(seen).toEqual([]);
  });

  it("what waits for a node counts as well, and is refused beyond the limit", async () => {
    const { client, first, second } = await twoNodes({ maxPendingBytes: 2000, retryTimeout: 60_000 });
    await Promise.all([first.stop(), second.stop()]);
    await statesBecome(client, "lost", "lost");
    const waiting = client.publish("orders", "x".repeat(1500));
    const refused = client.publish("orders", "x".repeat(1500));
    await expect(refused).rejects.toMatchObject({ code: "CLIENT_BUSY" });
    const given = expect(waiting).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    await client.close();
    await given;
    await expect(client.publish("orders", "a")).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    await expect(client.ready()).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    expect(client.pendingBytes).toBe(0);
  });
});

describe("the end", () => {
  it("drain waits until what was not taken has been taken elsewhere", async () => {
    const { client, first, second } = await twoNodes();
    silent(first);
    const receipt = client.publish("orders", "a");
    await first.seen(Op.PUBLISH);
    const drained = client.drain();
    first.socket.destroy();
    await receipt;
    await drained;
    expect(publishedTo(second)).toEqual(["a"]);
    await client.closed;
  });

  it("close rejects what is not answered", async () => {
    const { client, first } = await twoNodes();
    silent(first);
    const lost = expect(client.publish("orders", "a")).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await first.seen(Op.PUBLISH);
    await client.close();
    await lost;
  });
});
