import { describe, expect, it } from "vitest";
import { EPOCH } from "../../../src/protocol/id.js";
import { SELECTION_BYTES, writeSelection } from "../../../src/protocol/selection.js";
import { localIdSource } from "../../../src/shard/messages/id-allocator.js";
import { Replay } from "../../../src/shard/recovery/replay.js";
import { Shard } from "../../../src/shard/shard.js";
import { type Effect, Recorder } from "../model/effects.js";
import { LIMITS, ShardByHand } from "../shard-by-hand.js";
import { expectSurvived, snapshot } from "../snapshot.js";

const PAGE = 8 * 1024;
const SEGMENT = 64 * 1024;
/** So little that pages leave memory at once, and most of what is known of their entries as well. */
const MEMORY = 2 * PAGE;
const TOPICS = ["a", "b", "c"];
const BATCHES = 60;
const CREDIT = 1_000_000;

/** Numbers below `end`, the same in each run. */
const numbers = (seed: number): ((end: number) => number) => {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
};

interface Held {
  readonly topic: string;
  readonly id: bigint;
  readonly delivery: number;
}

/** A shard whose consumers hold all that was published, in batches of any length and with bodies of any size. */
class Writer extends ShardByHand {
  readonly held: Held[] = [];

  constructor() {
    super({ pageBytes: PAGE, segmentBytes: SEGMENT });
  }

  publishAll(random: (end: number) => number, sizes: (i: number) => number): void {
    for (const [i, topic] of TOPICS.entries()) {
      this.configure(topic, { ttr: 1_000_000 });
      this.consume(topic, i + 1, "", CREDIT);
    }
    for (let batch = 0; batch < BATCHES; batch++) {
      const count = 1 + random(120);
      const total = Array.from({ length: count }, (_, i) => 4 + sizes(i)).reduce((a, b) => a + b);
      const bytes = new Uint8Array(total);
      const view = new DataView(bytes.buffer);
      for (let i = 0, at = 0; i < count; i++) {
        // What it says is told by the entries themselves: they are walked in the same way twice.
        view.setUint32(at, sizes(i));
        at += 4 + sizes(i);
      }
      const topic = TOPICS[random(TOPICS.length)] ?? "a";
      const slice = { bytes, view, start: 0, end: total };
      this.ask({ op: "publish", topic, routeKey: "", delay: 0, ttl: 0, count, requests: 1, ...slice });
      this.now++;
      this.shard.turn(this.now);
      this.#take(this.recorder.take());
    }
  }

  #take(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== "messages") continue;
      const topic = TOPICS[effect.connection - 1] ?? "a";
      for (const { id, delivery } of effect.messages) this.held.push({ topic, id, delivery });
    }
  }

  settle(op: "ack" | "nack", { topic, id, delivery }: Held): void {
    const bytes = new Uint8Array(SELECTION_BYTES);
    const view = new DataView(bytes.buffer);
    writeSelection(view, 0, Number(id >> 32n), Number(id & 0xffff_ffffn), 1, delivery);
    const slice = { bytes, view, start: 0, end: bytes.length };
    const connection = TOPICS.indexOf(topic) + 1;
    if (op === "ack") this.ask({ op, topic, queue: "", ...slice }, connection);
    else this.ask({ op, topic, queue: "", delay: 1000, reject: false, ...slice }, connection);
  }

  /** The number of the segment that is being written. */
  get segment(): number {
    return this.shard.store.log.unwritten.at(-1)?.segment?.sequence ?? 0;
  }

  /** Publishes until another segment has been begun. */
  fillSegment(): void {
    const before = this.segment;
    while (this.segment === before) this.publish("b", { count: 100 });
    this.shard.turn(this.now);
  }

  /** Acks as many of the messages held, in random order. */
  ackSome(random: (end: number) => number, share: number): void {
    const left = this.held.length * (1 - share);
    while (this.held.length > left) {
      const [held] = this.held.splice(random(this.held.length), 1);
      if (held !== undefined) this.settle("ack", held);
    }
  }
}

interface ReadBack {
  readonly shard: Shard;
  /** How often each page was read again. */
  readonly reads: ReadonlyMap<string, number>;
  readonly pages: number;
}

/** Reads the log of a shard back, page by page, with little memory; only some segments of it. */
const readBack = (
  { shard: { store }, now }: ShardByHand,
  isRead: (sequence: number) => boolean = () => true,
): ReadBack => {
  const rest = { node: 1, limits: LIMITS, memoryBytes: MEMORY, pageBytes: PAGE, segmentBytes: SEGMENT, level: 2 };
  const shard = new Shard({ effects: new Recorder(), ids: localIdSource(EPOCH), now, ...rest });
  const reads = new Map<string, number>();
  const files = new Map(store.log.unwritten.map((page) => [`${page.segment?.sequence} ${page.offset}`, page]));
  shard.store.log.pages.source = {
    read: (sequence, offset, into, length) => {
      const name = `${sequence} ${offset}`;
      into.set(files.get(name)?.bytes.subarray(0, length) ?? []);
      reads.set(name, (reads.get(name) ?? 0) + 1);
    },
  };
  const replay = new Replay(shard);
  let segment = -1;
  for (const page of store.log.unwritten) {
    const sequence = page.segment?.sequence ?? 0;
    if (!isRead(sequence)) continue;
    if (sequence !== segment) replay.segment(sequence, sequence);
    segment = sequence;
    replay.buffer(page.used).set(page.bytes.subarray(0, page.used));
    replay.page(page.offset, page.used);
  }
  replay.finish();
  return { shard, reads: new Map(reads), pages: store.log.unwritten.length };
};

/** Throws when what was read back is not what was there, or not in its order. */
const expectSame = (writer: Writer, { shard }: ReadBack): void => {
  shard.invariants();
  expectSurvived(snapshot(writer.shard), snapshot(shard));
  for (const { order } of snapshot(shard))
    expect(order).toEqual([...order].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)));
};

const extentsOf = (shard: Shard): number => shard.store.extents.live;

describe("a log with acks all over it", () => {
  it.each([
    ["messages of one size", () => 60],
    ["messages of any size", (i: number) => 20 + ((i * 7919) % 150)],
    ["a few large messages", (i: number) => (i % 37 === 0 ? 700 : 10)],
  ])("leaves what was not acked, in its order: %s", (_name, sizes) => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = numbers(seed);
      const writer = new Writer();
      writer.publishAll(random, sizes);
      writer.ackSome(random, [0.02, 0.5, 0.9, 0.99, 1][seed - 1] ?? 0.5);
      const again = readBack(writer);
      expectSame(writer, again);
      expect(again.pages).toBeGreaterThan(10);
    }
  });

  it("reads pages again to count bytes once at the most, at the end", () => {
    const random = numbers(11);
    const writer = new Writer();
    writer.publishAll(random, (i) => 20 + ((i * 7919) % 150));
    writer.ackSome(random, 0.5);
    const { reads, pages } = readBack(writer);
    expect(reads.size).toBeGreaterThan(pages / 2);
    expect(Math.max(0, ...reads.values())).toBeLessThanOrEqual(1);
  });

  it("leaves a few extents where a few messages are gone", () => {
    const random = numbers(12);
    const writer = new Writer();
    writer.publishAll(random, () => 60);
    const published = writer.held.length;
    writer.ackSome(random, 0.01);
    // Each gap ends one and begins another.
    const gaps = published - writer.held.length;
    expect(gaps).toBeGreaterThan(20);
    expect(extentsOf(readBack(writer).shard)).toBeLessThanOrEqual(BATCHES + gaps);
  });

  it("knows the messages that were given back from those acked before and after", () => {
    for (let seed = 21; seed <= 25; seed++) {
      const random = numbers(seed);
      const writer = new Writer();
      writer.publishAll(random, (i) => 20 + ((i * 31) % 90));
      writer.ackSome(random, 0.4);
      for (let i = 0; i < 30; i++) {
        const [held] = writer.held.splice(random(writer.held.length), 1);
        if (held !== undefined) writer.settle("nack", held);
      }
      writer.ackSome(random, 0.4);
      const again = readBack(writer);
      again.shard.invariants();
      expectSurvived(snapshot(writer.shard), snapshot(again.shard));
    }
  });

  it("frees what is left of a topic that was deleted in a segment that has been compacted", () => {
    const random = numbers(31);
    const writer = new Writer();
    writer.publishAll(random, () => 60);
    writer.ackSome(random, 0.5);
    writer.fillSegment();
    const compacted = writer.segment;
    writer.ask({ op: "deleteTopic", topic: "a" });
    writer.fillSegment();
    const { shard } = readBack(writer, (sequence) => sequence !== compacted);
    shard.invariants();
    expect([...shard.directory.topics].map(({ name }) => name).sort()).toEqual(["b", "c"]);
  });
});
