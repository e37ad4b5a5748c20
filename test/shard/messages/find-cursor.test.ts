/** FIND: what its cursor promises while others go on. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as ext from "../../../src/shard/messages/extent.js";
import type { ExtentList } from "../../../src/shard/messages/extent-list.js";
import type { Shard } from "../../../src/shard/shard.js";
import { wholeId } from "../model/effects.js";
import { selecting } from "../selecting.js";
import { ShardByHand } from "../shard-by-hand.js";
import { about, type Content, find, findAll, idsIn, type Page, publish } from "./finding.js";

describe("the cursor of a FIND", () => {
  it("is refused when it is none, of another state, or of another life of the shard", () => {
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
