/** FIND: what it finds, in which order, and what its cursor promises while others go on. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appendEntry } from "../../../src/protocol/entry.js";
import { FrameWriter } from "../../../src/protocol/frame.js";
import { type Headers, packHeaders } from "../../../src/protocol/headers.js";
import type { Find, FindConditions, MessageState, Slice } from "../../../src/shard/command.js";
import * as ext from "../../../src/shard/messages/extent.js";
import type { ExtentList } from "../../../src/shard/messages/extent-list.js";
import type { Shard } from "../../../src/shard/shard.js";
import { type Effect, type SeenMessage, wholeId } from "../model/effects.js";
import { selecting } from "../selecting.js";
import { NOW, ShardByHand } from "../shard-by-hand.js";

interface Content {
  readonly body: string;
  readonly headers?: Headers | Uint8Array;
}

const entriesOf = (messages: readonly Content[]): Slice & { count: number } => {
  const writer = new FrameWriter();
  for (const { body, headers = {} } of messages) {
    const isGiven = headers instanceof Uint8Array || Object.keys(headers).length > 0;
    const packed = headers instanceof Uint8Array ? headers : isGiven ? packHeaders(headers) : new Uint8Array(0);
    appendEntry(writer, packed, body);
  }
  const { bytes, view, end } = writer;
  return { bytes, view, start: 0, end, count: messages.length };
};

const publish = (by: ShardByHand, messages: readonly Content[], more: object = {}): bigint[] => {
  const command = { op: "publish", topic: "t", routeKey: "", delay: 0, ttl: 0, requests: 1 } as const;
  const [effect] = by.ask({ ...command, ...entriesOf(messages), ...more });
  if (effect?.kind !== "confirm") throw new Error(`not published: ${JSON.stringify(effect)}`);
  return messages.map((_, i) => effect.id + BigInt(i));
};

type Told = readonly [cursor: string | null, scanned: number, bytes: number, state: MessageState | null];

interface Page {
  readonly messages: readonly SeenMessage[];
  readonly cursor: string | null;
  readonly scanned: number;
  readonly scannedBytes: number;
  readonly state: MessageState | null;
}

type Asked = Partial<Omit<Find, "op" | "connection" | "request" | "conditions">>;

const ALL: Omit<Find, "op" | "connection" | "request"> = {
  topic: "t",
  queue: "default",
  state: "all",
  max: 1_000,
  maxBytes: 1 << 20,
  after: "",
  conditions: {},
};

const about = { topic: "t", queue: "default" } as const;

/** Whose FINDs these are. */
const LOOKER = 9;

/** One answer. `between` is called before each turn that it takes. */
const find = (by: ShardByHand, conditions: FindConditions, asked: Asked = {}, between = (): void => {}): Page => {
  const answerIn = (effects: readonly Effect[]): Effect | undefined =>
    effects.find((effect) => "connection" in effect && effect.connection === LOOKER);
  let answer = answerIn(by.ask({ op: "find", ...ALL, ...asked, conditions }, LOOKER));
  while (answer === undefined) {
    between();
    by.shard.turn(by.now);
    answer = answerIn(by.recorder.take());
  }
  if (answer?.kind === "fail") throw new Error(answer.error);
  if (answer?.kind !== "messages" || answer.head === undefined) throw new Error("no answer to FIND");
  const [cursor, scanned, scannedBytes, state] = answer.head as unknown as Told;
  return { messages: answer.messages, cursor, scanned, scannedBytes, state };
};

/** All answers, and what each had. */
const findAll = (by: ShardByHand, conditions: FindConditions, asked: Asked = {}): Page[] => {
  const pages: Page[] = [];
  for (let after: string | null = asked.after ?? ""; after !== null; after = pages.at(-1)?.cursor ?? null) {
    pages.push(find(by, conditions, { ...asked, after }));
  }
  return pages;
};

const idsIn = (pages: readonly Page[]): bigint[] => pages.flatMap(({ messages }) => messages.map(({ id }) => id));

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

  it("refuses a cursor that is none, of another state, or of another life of the shard", () => {
    const by = new ShardByHand({ stepExtents: 8 });
    publish(by, Array(100).fill({ body: "x" }) as Content[]);
    publish(by, Array(9).fill({ body: "x" }) as Content[], { delay: 5 });
    const { cursor } = find(by, {}, { max: 10 });
    const after = cursor ?? "";
    expect(idsIn(findAll(by, {}, { after }))).toHaveLength(99);
    expect(() => find(by, {}, { after, state: "dead" })).toThrow("BAD_HEAD");
    for (const bad of ["x", after.slice(0, -2), `${after}.0`, after.toUpperCase(), "0.0.0.0.0.0.0.", " "]) {
      expect(() => find(by, {}, { after: bad }), bad).toThrow("BAD_HEAD");
    }
    by.now += 1;
    const again = by.restarted();
    expect(() => find(again, {}, { after })).toThrow("CURSOR_LOST");
    // Whatever somebody makes up is a place like any other.
    const [life, state] = after.split(".");
    const word = fc.oneof(fc.nat(40), fc.integer({ min: 0, max: 0xffff_ffff }), fc.maxSafeNat());
    fc.assert(
      fc.property(fc.array(word, { minLength: 6, maxLength: 6 }), (words) => {
        const forged = [life, state, ...words.map((n) => n.toString(36))].join(".");
        const ids = idsIn(findAll(by, {}, { after: forged }));
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  it("finds what was given back between two answers, though it stands before where the cursor has come to", () => {
    for (const isDead of [false, true]) {
      const by = new ShardByHand();
      by.configure("t", { expired: "dead-letter" });
      const ids = publish(by, Array(64).fill({ body: "x" }) as Content[], isDead ? { ttl: 1 } : {});
      by.now += 2;
      by.rest();
      const { cursor, messages } = find(by, {}, { max: 5 });
      const op = isDead ? ({ op: "popDead" } as const) : ({ op: "pop", wait: 0 } as const);
      by.ask({ ...op, ...about, max: 20, maxBytes: 1 << 20 });
      by.ask({ op: "release", ...about, ...selecting(ids.slice(0, 20).map((id) => ({ id, delivery: 0 }))) });
      const pages = findAll(by, {}, { after: cursor ?? "" });
      expect([...messages.map(({ id }) => id), ...idsIn(pages)]).toEqual(ids);
    }
  });

  it("is not misled by what has the number of what it came to, be it elsewhere in the list", () => {
    const by = new ShardByHand();
    const publishOne = (): bigint => publish(by, [{ body: "x" }])[0] as bigint;
    const [first, ...others] = [publishOne(), publishOne(), publishOne()];
    const { cursor, messages } = find(by, {}, { max: 1 });
    expect(messages.map(({ id }) => id)).toEqual([first]);
    const [answer] = by.ask({ op: "pop", topic: "t", queue: "default", max: 1, maxBytes: 100, wait: 0 });
    if (answer?.kind !== "messages") throw new Error("nothing was popped");
    by.ask({ op: "ack", topic: "t", queue: "default", ...selecting(answer.messages) });
    const { extents } = by.shard.store;
    const later = Array.from({ length: 8 }, publishOne);
    const number = Number.parseInt(cursor?.split(".").at(-1) ?? "", 36);
    // It is one of these now.
    expect(extents.state(number)).toBe(ext.State.READY);
    expect(later).toContain(wholeId(extents.idHigh(number), extents.idLow(number)));
    expect(idsIn(findAll(by, {}, { after: cursor ?? "" }))).toEqual([...others, ...later]);
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

/** Where each message of a queue is, so exactly that one which moves is told from one that stays. */
const placesOf = ({ store, directory }: Shard): Map<bigint, string> => {
  const places = new Map<bigint, string>();
  const { extents } = store;
  const walk = (list: ExtentList): void => {
    for (let extent = list.head; extent !== ext.NONE; extent = extents.get(extent, ext.NEXT)) {
      const words = [extents.state(extent), extents.places[extent], extents.get(extent, ext.DELIVERY)];
      const low = extents.idLow(extent);
      const mask = extents.get(extent, ext.MASK);
      for (let i = 0; i < extents.get(extent, ext.SPAN); i++) {
        if (mask !== 0 && ((mask >>> ((low + i) & 31)) & 1) === 0) continue;
        places.set(wholeId(extents.idHigh(extent), low + i), words.join());
      }
    }
  };
  for (const queue of directory.queues) {
    if (queue === undefined) continue;
    for (const list of [queue.ready, queue.delayed, queue.dead, queue.popped]) walk(list);
    for (const { held } of queue.holders) walk(held);
  }
  return places;
};

type Act = (by: ShardByHand, random: (below: number) => number) => void;

const some = (by: ShardByHand, random: (below: number) => number): { id: bigint; delivery: number }[] => {
  const ids = [...placesOf(by.shard).keys()];
  const from = random(ids.length + 1);
  return ids
    .slice(from, from + 1 + random(40))
    .filter(() => random(3) > 0)
    .map((id) => ({ id, delivery: 0 }));
};

const ACTS: readonly Act[] = [
  (by, random) => publish(by, Array(1 + random(80)).fill({ body: "x" }) as Content[]),
  (by, random) => publish(by, Array(1 + random(50)).fill({ body: "x" }) as Content[], { ttl: 1 + random(50) }),
  (by, random) => publish(by, Array(1 + random(50)).fill({ body: "x" }) as Content[], { delay: 1 + random(50) }),
  (by, random) => by.ask({ op: "pop", ...about, max: 1 + random(60), maxBytes: 1 << 20, wait: 0 }),
  (by, random) => by.ask({ op: "popDead", ...about, max: 1 + random(20), maxBytes: 1 << 20 }),
  (by, random) => by.ask({ op: "consume", ...about, credit: 1 + random(30), renew: false }, 2 + random(3)),
  (by, random) => by.ask({ op: "disconnect" } as never, 2 + random(3)),
  (by, random) => by.ask({ op: "ack", ...about, ...selecting(some(by, random)) }),
  (by, random) => by.ask({ op: "release", ...about, ...selecting(some(by, random)) }),
  (by, random) => by.ask({ op: "touch", ...about, ttr: 1 + random(100), ...selecting(some(by, random)) }),
  (by, random) => {
    const nack = { op: "nack", ...about, delay: random(2) * random(40), reject: random(3) === 0 } as const;
    by.ask({ ...nack, ...selecting(some(by, random)) });
  },
  (by, random) => by.ask({ op: "redrive", ...about, ...selecting(some(by, random)) }),
  (by, random) => by.ask({ op: "cancel", ...about, ...selecting(some(by, random)) }),
  (by, random) => by.ask({ op: "reschedule", ...about, delay: random(60), ...selecting(some(by, random)) }),
  (by, random) => {
    by.now += random(20);
    by.shard.turn(by.now);
  },
];

/** Numbers that look random, the same for each seed. */
const numbersFrom = (seed: number): ((below: number) => number) => {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
};

it("shows each message that stays where it is exactly once, whatever becomes of the others between answers and steps", () => {
  let stayed = 0;
  let moved = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const random = numbersFrom(seed * 7919);
    const by = new ShardByHand({ stepExtents: 2 + random(8) });
    by.configure("t", { ttr: 40, retries: 3 });
    const act = (): void => {
      ACTS[random(ACTS.length)]?.(by, random);
      by.recorder.take();
    };
    for (let i = 0; i < 25; i++) act();
    const staying = placesOf(by.shard);
    const all = staying.size;
    const look = (): void => {
      const now = placesOf(by.shard);
      for (const [id, place] of staying) if (now.get(id) !== place) staying.delete(id);
    };
    const meanwhile = (): void => {
      look();
      if (random(3) > 0) return;
      const act = random(ACTS.length);
      // What plays time is the turn of who waits for the answer.
      if (act === ACTS.length - 1) by.now += random(20);
      else ACTS[act]?.(by, random);
      look();
    };
    const seen = new Map<bigint, number>();
    for (let after: string | null = ""; after !== null; ) {
      const page: Page = find(by, {}, { after, max: 1 + random(30) }, meanwhile);
      for (const { id } of page.messages) seen.set(id, (seen.get(id) ?? 0) + 1);
      after = page.cursor;
      meanwhile();
      by.shard.invariants();
    }
    look();
    for (const id of staying.keys()) expect([seed, id, seen.get(id)]).toEqual([seed, id, 1]);
    stayed += staying.size;
    moved += all - staying.size;
  }
  // It was about something.
  expect(Math.min(stayed, moved)).toBeGreaterThan(5_000);
});
