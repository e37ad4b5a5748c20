/** What a program does with dead letters, over a broker. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { paceOf, pauseFor } from "../../../src/client/dead-letters/pace.js";
import type { Client, StoredMessage } from "../../../src/client/index.js";
import { createTestBroker, type TestBroker } from "../../../src/testing/index.js";

let broker: TestBroker;
let client: Client;

beforeEach(async () => {
  broker = createTestBroker();
  client = await broker.connect();
});

afterEach(() => broker.close());

const CLOSED = new Error("the shop is closed");

/** So many dead letters, every third of which is dead for another reason than the others. */
const bury = async (count: number, queue = "default"): Promise<string[]> => {
  const bodies = Array.from({ length: count }, (_, i) => `m${i}`);
  const { ids } = await client.publishBatch("bills", bodies, { routeKey: queue, headers: { from: "web" } });
  for (let left = count; left > 0; ) {
    const messages = await client.pop("bills", { queue, max: left });
    left -= messages.length;
    const nacks = messages.map((message) => {
      const isThird = Number(message.text().slice(1)) % 3 === 2;
      return message.nack({ retry: false, reason: isThird ? "no such shop\nat noon" : CLOSED });
    });
    await Promise.all(nacks);
  }
  return ids;
};

const texts = (messages: readonly StoredMessage[]): string[] => messages.map((message) => message.text());

const ready = async (queue = "default"): Promise<string[]> => texts(await client.browse("bills", { queue, max: 1000 }));

describe("dead letters", () => {
  it("are listed, a page at a time or all of them", async () => {
    await bury(2500);
    const dead = client.deadLetters("bills");
    expect(texts(await dead.list({ max: 3, offset: 1 }))).toEqual(["m1", "m2", "m3"]);
    const all: string[] = [];
    for await (const message of dead) all.push(message.text());
    expect(all).toEqual(Array.from({ length: 2500 }, (_, i) => `m${i}`));
    const [first] = await dead.list();
    expect(first).toMatchObject({ deadReason: "rejected", failures: [{ number: 1, kind: "rejected" }] });
  });

  it("are counted by their reasons, the most frequent first", async () => {
    await bury(10);
    const { groups, rest } = await client.deadLetters("bills").groups();
    expect(groups).toMatchObject([
      { reason: "rejected", how: "rejected", text: "Error: the shop is closed", count: 7 },
      { reason: "rejected", how: "rejected", text: "no such shop", count: 3 },
    ]);
    expect(rest).toBe(0);
    expect(await client.lookup("bills", groups[1]?.example ?? "")).toMatchObject({ deadReason: "rejected" });
    expect(groups[0]?.first).toBeLessThanOrEqual(groups[0]?.last ?? 0);
    expect(await client.deadLetters("bills", { queue: "default" }).groups({ max: 1 })).toMatchObject({ rest: 3 });
    await expect(client.deadLetters("bills").groups({ max: 0 })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });

  it("are re-driven by id, by a filter, or all of them; a dry run says how many", async () => {
    const ids = await bury(9);
    const dead = client.deadLetters("bills");
    const isThird = (message: StoredMessage): boolean => message.failures[0]?.reason.startsWith("no such") === true;
    const missing = { id: "5", code: "UNKNOWN_MESSAGE" };
    expect(await dead.redrive({ filter: isThird, dryRun: true })).toEqual({ settled: 3, faults: [] });
    expect(await dead.redrive({ reason: "no such", dryRun: true })).toEqual({ settled: 3, faults: [] });
    expect(await dead.redrive({ reason: "such", dryRun: true })).toEqual({ settled: 0, faults: [] });
    expect(await dead.redrive({ ids: [ids[0] ?? "", "5"], dryRun: true })).toEqual({ settled: 1, faults: [missing] });
    expect(await dead.redrive({ all: true, dryRun: true })).toEqual({ settled: 9, faults: [] });
    expect(await ready()).toEqual([]);
    expect(await dead.redrive({ filter: isThird })).toEqual({ settled: 3, faults: [] });
    expect(await ready()).toEqual(["m2", "m5", "m8"]);
    expect(await dead.redrive({ ids: [ids[0] ?? "", "5"] })).toEqual({ settled: 1, faults: [missing] });
    expect(await dead.redrive({ all: true })).toEqual({ settled: 5, faults: [] });
    expect(await ready()).toHaveLength(9);
  });

  it("keep their history when they are re-driven", async () => {
    await bury(1);
    await client.deadLetters("bills").redrive({ all: true });
    const [message] = await client.pop("bills");
    await message?.nack({ retry: false, reason: "again" });
    const [dead] = await client.deadLetters("bills").list();
    expect(dead?.retry).toBe(1);
    expect(dead?.failures.map(({ number, reason }) => [number, reason.split("\n")[0]])).toEqual([
      [1, "Error: the shop is closed"],
      [2, "again"],
    ]);
  });

  it("are re-driven at no more than a rate, until a signal says so", async () => {
    await bury(8);
    const dead = client.deadLetters("bills");
    expect(await dead.redrive({ all: true, signal: AbortSignal.abort(), rate: 1 })).toEqual({ settled: 0, faults: [] });
    // Two a second: one, and then a pause that the signal ends.
    const stop = new AbortController();
    const redriving = dead.redrive({ all: true, rate: 2, signal: stop.signal });
    while ((await ready()).length === 0);
    stop.abort();
    expect(await redriving).toEqual({ settled: 1, faults: [] });
    expect(await dead.redrive({ all: true, rate: 1_000_000 })).toEqual({ settled: 7, faults: [] });
  });

  it("tells how far it has come", async () => {
    await bury(2500);
    const steps: number[][] = [];
    const dead = client.deadLetters("bills");
    const onProgress = (done: number, chosen: number): void => void steps.push([done, chosen]);
    expect(await dead.redrive({ all: true, onProgress })).toEqual({ settled: 2500, faults: [] });
    expect(steps).toEqual([
      [1000, 2500],
      [2000, 2500],
      [2500, 2500],
    ]);
    await bury(2);
    const failing = dead.redrive({
      all: true,
      rate: 1,
      onProgress: () => {
        throw CLOSED;
      },
    });
    await expect(failing).rejects.toBe(CLOSED);
    expect(await dead.list()).toHaveLength(1);
    await expect(dead.redrive({ all: true, onProgress: 1 as never })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });

  it("are dropped by id, by a filter, or all of them", async () => {
    const ids = await bury(9);
    const dead = client.deadLetters("bills");
    expect(await dead.purge({ ids: ids[1] ?? "", dryRun: true })).toBe(1);
    expect(await dead.purge({ ids: [ids[1] ?? "", ids[1] ?? "", "5"] })).toBe(1);
    expect(await dead.purge({ filter: (message) => message.text() > "m5" })).toBe(3);
    expect(texts(await dead.list())).toEqual(["m0", "m2", "m3", "m4", "m5"]);
    expect(await dead.purge({ all: true })).toBe(5);
    expect((await client.stats("bills")).dropped).toBe(9);
    // Only dead letters are dropped by their ids.
    const { id } = await client.publish("bills", "alive");
    expect(await dead.purge({ ids: id })).toBe(0);
    expect(await client.purge("bills", { state: "dead", ids: id })).toBe(0);
    await expect(client.purge("bills", { ids: id })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
    expect(await ready()).toEqual(["alive"]);
  });

  it.each(["exact", "pattern"] as const)(
    "are sent on with another body, in mode %s to their queue alone",
    async (mode) => {
      for (const queue of ["e.u", "exu", "e.us"]) await client.declareQueue("bills", queue);
      await bury(2, "e.u");
      await client.configure("bills", { mode });
      const dead = client.deadLetters("bills", { queue: "e.u" });
      const [first] = await dead.list();
      const edited = await dead.edit(first?.id ?? "", "mended");
      expect(edited).toMatchObject({ isReplaced: true });
      expect(texts(await dead.list())).toEqual(["m1"]);
      const [message] = await client.browse("bills", { queue: "e.u" });
      expect(message).toMatchObject({ id: edited.receipt.id, retry: 0, headers: { from: "web" }, failures: [] });
      expect(message?.text()).toBe("mended");
      for (const queue of ["exu", "e.us", "default"]) expect(await client.browse("bills", { queue })).toEqual([]);
      await expect(dead.edit(first?.id ?? "", "again")).rejects.toMatchObject({ code: "UNKNOWN_MESSAGE" });
      await expect(dead.edit("abc", "again")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
      const [second] = await dead.list();
      await dead.edit(second?.id ?? "", "mended", { headers: { by: "hand" } });
      expect((await client.browse("bills", { queue: "e.u" }))[1]?.headers).toEqual({ by: "hand" });
    },
  );

  it("that cannot be published anew stay", async () => {
    const [id = ""] = await bury(1);
    await client.configure("bills", { maxLength: 1 });
    await client.publish("bills", "in the way");
    const dead = client.deadLetters("bills");
    await expect(dead.edit(id, "mended")).rejects.toMatchObject({ code: "QUEUE_FULL" });
    expect(texts(await dead.list())).toEqual(["m0"]);
  });

  it("refuse what they do not take", async () => {
    const dead = client.deadLetters("bills");
    const bad = { code: "BAD_ARGUMENT" };
    for (const options of [
      {},
      { all: false },
      { ids: "1", all: true },
      { ids: ["1", 5, "2"], dryRun: true },
      { filter: 5 },
      { reason: 5 },
      { ids: [5] },
      { all: true, rate: 0 },
    ]) {
      await expect(dead.redrive(options as never)).rejects.toMatchObject(bad);
    }
    await expect(dead.redrive({ all: true, signal: {} as never })).rejects.toMatchObject(bad);
    await expect(dead.purge({ every: true } as never)).rejects.toMatchObject(bad);
    await expect(dead.list({ max: 1001 })).rejects.toMatchObject(bad);
    await bury(1);
    const broken = () => {
      throw new Error("the filter is broken");
    };
    await expect(dead.purge({ filter: broken })).rejects.toThrow("the filter is broken");
    expect(() => client.deadLetters("bills", { que: "x" } as never)).toThrow(expect.objectContaining(bad));
  });
});

it("the pace of a rate is so many at a time, and a pause", () => {
  expect(paceOf(Number.POSITIVE_INFINITY)).toEqual({ count: 1000, pause: 0 });
  expect(paceOf(0.5)).toEqual({ count: 1, pause: 2000 });
  expect(paceOf(5)).toEqual({ count: 1, pause: 200 });
  expect(paceOf(1000)).toEqual({ count: 100, pause: 100 });
  expect(paceOf(50_000)).toEqual({ count: 1000, pause: 20 });
  for (const rate of [0.1, 3, 17, 999, 12_345]) {
    const { count, pause } = paceOf(rate);
    expect((count / pause) * 1000).toBeCloseTo(rate, 6);
  }
});

it("a pause ends with its signal", async () => {
  const stop = new AbortController();
  const paused = pauseFor(1e9, stop.signal);
  stop.abort();
  await paused;
  await pauseFor(1e9, stop.signal);
  await pauseFor(0, undefined);
});
