/** FIND: what it finds, and in which steps. */
import { describe, expect, it } from "vitest";
import { packHeaders } from "../../../src/protocol/headers.js";
import type { FindConditions } from "../../../src/shard/command.js";
import type { SeenMessage } from "../model/effects.js";
import { selecting } from "../selecting.js";
import { NOW, ShardByHand } from "../shard-by-hand.js";
import { ALL, about, type Content, find, findAll, idsIn, publish } from "./finding.js";

describe("FIND", () => {
  it("finds messages by a header, a text and a route key, all of which must be as they are asked for", () => {
    const by = new ShardByHand();
    const [order, other, number, yes, none] = publish(by, [
      { body: "first of all", headers: { order: "4711", lane: "north" } },
      { body: "another FIRST", headers: { order: "47110" } },
      { body: "a number", headers: { order: 4711 } },
      { body: "a boolean: first", headers: { order: true, nested: { order: "4711" } } },
      { body: "order 4711, first" },
    ]);
    by.ask({ op: "declareQueue", topic: "t", queue: "eu" });
    const ids = (conditions: FindConditions, queue = "default"): bigint[] => idsIn(findAll(by, conditions, { queue }));
    expect(ids({})).toEqual([order, other, number, yes, none]);
    expect(ids({ header: "order" })).toEqual([order, other, number, yes]);
    expect(ids({ header: "order", value: "4711" })).toEqual([order, number]);
    expect(ids({ header: "order", value: "true" })).toEqual([yes]);
    expect(ids({ header: "nested", value: "4711" })).toEqual([]);
    expect(ids({ header: "ord" })).toEqual([]);
    expect(ids({ text: "first" })).toEqual([order, yes, none]);
    expect(ids({ text: "first", ignoreCase: true })).toEqual([order, other, yes, none]);
    expect(ids({ text: new Uint8Array([0x31, 0x2c]) })).toEqual([none]);
    expect(ids({ text: "4711" })).toEqual([none]);
    expect(ids({ header: "order", text: "first" })).toEqual([order, yes]);
    expect(ids({ routeKey: "eu" })).toEqual([]);
    expect(ids({ routeKey: "" })).toHaveLength(5);
    const [inEurope] = publish(by, [{ body: "first" }], { routeKey: "eu" });
    expect(ids({ routeKey: "eu", text: "first" }, "eu")).toEqual([inEurope]);
    expect(ids({ routeKey: "eu", text: "last" }, "eu")).toEqual([]);
    expect(() => find(by, {}, { topic: "none" })).toThrow("NO_TOPIC");
    expect(() => find(by, {}, { queue: "none" })).toThrow("NO_QUEUE");
  });

  it("is not misled by headers that are none: nobody has checked them", () => {
    const by = new ShardByHand();
    const cut = packHeaders({ order: "4711" }).subarray(0, 9);
    const [, , good] = publish(by, [
      { body: "cut", headers: cut },
      { body: "no map", headers: new Uint8Array([0xa5, ...Buffer.from("order")]) },
      { body: "whole", headers: { order: "4711" } },
      { body: "deep", headers: new Uint8Array([...new Uint8Array(60_000).fill(0x91), ...Buffer.from("order")]) },
      { body: "large", headers: new Uint8Array([0xdf, 0xff, 0xff, 0xff, 0xff, ...Buffer.from("order")]) },
    ]);
    expect(idsIn(findAll(by, { header: "order" }))).toEqual([good]);
  });

  it("tells messages of each state apart, with their times, deliveries and failures", () => {
    const by = new ShardByHand();
    const [ready, popped, held, failed] = publish(by, [{ body: "a" }, { body: "b" }, { body: "c" }, { body: "d" }]);
    const [delayed] = publish(by, [{ body: "e" }], { delay: 5_000 });
    const take = (): SeenMessage => {
      const [answer] = by.ask({ op: "pop", topic: "t", queue: "default", max: 1, maxBytes: 100, wait: 0 });
      if (answer?.kind !== "messages") throw new Error("nothing was popped");
      return answer.messages[0] as SeenMessage;
    };
    const first = take();
    const second = take();
    by.ask({ op: "release", topic: "t", queue: "default", ...selecting([first]) });
    by.ask({ op: "consume", topic: "t", queue: "default", credit: 1, renew: false }, 2);
    by.rest();
    const third = take();
    by.ask({ op: "nack", topic: "t", queue: "default", delay: 0, reject: true, reason: "bad", ...selecting([third]) });
    expect([second.id, third.id]).toEqual([popped, held]);
    const pages = findAll(by, {}, { withFailures: true });
    expect(pages.map(({ state, messages }) => [state, ...messages.map(({ id }) => id)])).toEqual([
      ["ready", failed],
      ["delayed", delayed],
      ["in-flight", popped],
      ["in-flight", ready],
      ["dead", held],
    ]);
    const [, late, taken, pushed, dead] = pages.flatMap(({ messages }) => messages);
    expect(late?.time).toBe(NOW + 5_000);
    expect(taken).toMatchObject({ delivery: second.delivery, time: NOW + 60_000 });
    expect(pushed?.delivery).toBeGreaterThan(0);
    expect(dead).toMatchObject({ delivery: 0, time: NOW, failures: [{ reason: "bad" }] });
    for (const state of ["ready", "delayed", "in-flight", "dead"] as const) {
      const own = pages.filter((page) => page.state === state);
      expect(idsIn(findAll(by, {}, { state }))).toEqual(idsIn(own));
    }
    expect(findAll(by, {})[4]?.messages[0]?.failures).toEqual([]);
  });

  it("gives no more than it is asked for, but one message whatever its size, and goes on behind it", () => {
    const by = new ShardByHand();
    const ids = publish(
      by,
      Array.from({ length: 100 }, (_, i) => ({ body: "x".repeat(10 + (i % 3)) })),
    );
    const byCount = findAll(by, {}, { max: 7 });
    expect(byCount.every(({ messages }) => messages.length <= 7)).toBe(true);
    expect(idsIn(byCount)).toEqual(ids);
    const byBytes = findAll(by, {}, { maxBytes: 50 });
    expect(byBytes.every(({ messages }) => messages.length <= 3)).toBe(true);
    expect(idsIn(byBytes)).toEqual(ids);
    const oneByOne = findAll(by, {}, { maxBytes: 1 });
    expect(oneByOne.filter(({ messages }) => messages.length > 0).every(({ messages }) => messages.length === 1)).toBe(
      true,
    );
    expect(idsIn(oneByOne)).toEqual(ids);
    expect(byCount.reduce((sum, { scanned }) => sum + scanned, 0)).toBe(100);
    const bytes = ids.reduce((sum, _, i) => sum + 4 + 10 + (i % 3), 0);
    expect(byCount.reduce((sum, page) => sum + page.scannedBytes, 0)).toBe(bytes);
  });

  it("answers after 100,000 messages, or 64 MiB of them, that nobody meant", () => {
    const by = new ShardByHand();
    for (let i = 0; i < 60; i++) {
      publish(by, Array(4096).fill({ body: "" }) as Content[]);
      by.now++;
    }
    const pages = findAll(by, { text: "x" });
    expect(pages.map(({ scanned }) => scanned)).toEqual([100_000, 100_000, 45_760]);
    by.ask({ op: "purge", topic: "t", queue: "default", state: "ready" });
    for (let i = 0; i < 9; i++) publish(by, [{ body: "y".repeat(8 * 1024 * 1024) }]);
    const large = findAll(by, { text: "x" });
    expect(large.map(({ scanned }) => scanned)).toEqual([8, 1]);
    expect(large[0]?.scannedBytes).toBe(8 * (8 * 1024 * 1024 + 4));
  });

  it("works in steps, each of which takes its time of a turn, and lets others go on", () => {
    const by = new ShardByHand({ stepExtents: 8 });
    publish(by, Array(4096).fill({ body: "x" }) as Content[]);
    let turns = 0;
    find(by, { text: "y" }, {}, () => {
      turns++;
      publish(by, [{ body: "x" }], { topic: "other" });
    });
    // A turn has two steps of 8 × 16 looks, and a message costs 8.
    expect(turns).toBeGreaterThan(4096 / 40);
    expect(turns).toBeLessThan(4096 / 8);
    expect(by.shard.directory.find("other")?.published).toBe(turns);
  });

  it("looks through a large body in steps too, whatever becomes of the message meanwhile", () => {
    const by = new ShardByHand({ stepExtents: 8, pageBytes: 64 * 1024 });
    const body = `${"ab".repeat(20_000)}ac${"x".repeat(9_000)}`;
    // A step has 8 × 16 looks, of 16 bytes each: the text lies across the end of one.
    const [first, second] = publish(by, [{ body: `${"x".repeat(2_046)}abac${body}` }, { body }]);
    let turns = 0;
    expect(idsIn([find(by, { text: "abac" }, {}, () => turns++)])).toEqual([first]);
    expect(turns).toBe(1);
    expect(idsIn(findAll(by, { text: "abac" }))).toEqual([first, second]);
    turns = 0;
    expect(idsIn([find(by, { text: "y" }, {}, () => turns++)])).toEqual([]);
    expect(turns).toBeGreaterThan((2 * body.length) / (2 * 8 * 16 * 16));
    // The first one goes when a step has ended behind "aba"; the other has a "c" there.
    const [going] = publish(by, [{ body: `${"x".repeat(2_045)}aba${body}` }], { delay: 1_000 });
    publish(by, [{ body: `${"x".repeat(2_048)}c${"x".repeat(6_000)}` }], { delay: 1_000 });
    const found = find(by, { text: "abac" }, { state: "delayed" }, () => {
      by.ask({ op: "cancel", ...about, ...selecting([{ id: going as bigint, delivery: 0 }]) });
    });
    expect([found.scanned, ...idsIn([found])]).toEqual([1]);
  });

  it("goes with its connection and with its topic, and leaves nothing in the lists", () => {
    const by = new ShardByHand({ stepExtents: 8 });
    publish(by, Array(4096).fill({ body: "x" }) as Content[]);
    const { ready } = by.shard.directory.queues[0] ?? {};
    for (let connection = 1; connection <= 80; connection++) {
      expect(by.ask({ op: "find", ...ALL, conditions: { text: "y" } }, connection)).toEqual([]);
    }
    let most = 0;
    for (let turn = 0; turn < 100; turn++) {
      by.shard.turn(by.now);
      most = Math.max(most, ready?.cursors ?? 0);
    }
    expect(most).toBe(64);
    for (let connection = 1; connection < 80; connection++) by.ask({ op: "disconnect" } as never, connection);
    by.rest();
    expect(ready?.cursors).toBe(0);
    for (const connection of [81, 82]) by.ask({ op: "find", ...ALL, conditions: { text: "y" } }, connection);
    expect(ready?.cursors).toBe(2);
    by.ask({ op: "deleteTopic", topic: "t" }, 83);
    expect(by.rest()).toMatchObject([81, 82].map((connection) => ({ kind: "messages", connection, messages: [] })));
    expect(ready?.cursors).toBe(0);
  });

  it("reads pages back without keeping them, nor taking others from memory", () => {
    const by = new ShardByHand({ pageBytes: 4_096 });
    const { log } = by.shard.store;
    for (let i = 0; i < 200; i++) publish(by, [{ body: `${i % 10 === 0 ? "x" : "y"}`.repeat(4_000) }]);
    const kept = new Map<string, Uint8Array>();
    for (const page of log.unwritten) {
      kept.set(`${page.segment?.sequence}:${page.offset}`, page.bytes.slice(0, page.used));
      page.written = page.used;
    }
    log.pages.source = {
      read: (sequence, offset, into, length) =>
        into.set((kept.get(`${sequence}:${offset}`) ?? into).subarray(0, length)),
    };
    log.unwritten.length = 0;
    log.pages.evict(Number.POSITIVE_INFINITY);
    const needed = log.pages.at(3);
    const before = log.pages.bytes;
    const { loads } = log.pages;
    expect(idsIn(findAll(by, { text: "xx" }))).toHaveLength(20);
    expect(log.pages.scans).toBeGreaterThan(150);
    expect(log.pages.loads).toBe(loads);
    expect(log.pages.bytes - before).toBeLessThan(10 * 4_096);
    expect(needed.isLoaded).toBe(true);
  });
});
