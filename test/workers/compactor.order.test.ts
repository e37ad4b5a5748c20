/** What a compaction keeps is read back in its order, in whatever pieces it was. */
import { describe, expect, it } from "vitest";
import { WORD_BYTES } from "../../src/protocol/entry.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import type { Command } from "../../src/shard/command.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { DEFAULT_CONFIG } from "../../src/shard/topics/topic.js";
import { OPTIONS } from "../shard/model/driver.js";
import { Recorder, type SeenMessage } from "../shard/model/effects.js";
import { messagesIn, selecting } from "../shard/selecting.js";
import { CompactingShard } from "./compacting-shard.js";

const SEGMENT_BYTES = 4096;
const COUNT = 40;

/** A queue of messages that are in flight. */
class Compacted {
  #now = OPTIONS.now + 1;
  readonly #effects = new Recorder();
  readonly #shard = new Shard({
    ...OPTIONS,
    effects: this.#effects,
    ids: localIdSource(EPOCH),
    level: Durability.fsync,
    segmentBytes: SEGMENT_BYTES,
  });
  readonly #world = new CompactingShard(this.#shard, SEGMENT_BYTES);
  #held: readonly SeenMessage[];

  constructor() {
    this.#publish("t", COUNT, 4);
    this.#held = this.#pop(this.#shard);
  }

  /** Does something with every third message, beginning with that. */
  settle(op: "touch" | "ack", first: number): void {
    const some = this.#held.filter((_, i) => i % 3 === first);
    this.#tell(this.#shard, { op, ttr: 1000 + first, ...selecting(some) });
  }

  /** All leases end, and all is handed out again. */
  timeOut(): void {
    this.#now += DEFAULT_CONFIG.ttr;
    while (this.#shard.turn(this.#now) <= this.#now);
    this.#held = this.#pop(this.#shard);
  }

  /** Compacts and reads back. Answers which messages are handed out now, and how often they have failed. */
  readBack(): { order: number[]; retries: number[] } {
    // Its segment ends, and the next one has the whole directory.
    for (let i = 0; i < 10; i++) this.#publish("garbage", 10, 50);
    while (this.#shard.turn(this.#now) <= this.#now);
    this.#world.commit();
    this.#world.force();
    const again = this.#world.readBack(this.#now);
    again.invariants();
    const messages = this.#pop(again, again.store.effects as Recorder);
    const first = this.#held[0]?.id ?? 0n;
    return { order: messages.map(({ id }) => Number(id - first)), retries: messages.map(({ retry }) => retry) };
  }

  #publish(topic: string, count: number, size: number): void {
    const bytes = new Uint8Array(count * (WORD_BYTES + size));
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) view.setUint32(i * (WORD_BYTES + size), size);
    const slice = { bytes, view, start: 0, end: bytes.length };
    this.#tell(this.#shard, { op: "publish", requests: 1, topic, routeKey: "", delay: 0, ttl: 0, count, ...slice });
  }

  #pop(shard: Shard, effects = this.#effects): readonly SeenMessage[] {
    effects.take();
    this.#tell(shard, { op: "pop", max: 100, maxBytes: 1 << 20, wait: 0 });
    return messagesIn(effects.take());
  }

  #tell(shard: Shard, command: object): void {
    while (!shard.apply({ connection: 1, request: 1, topic: "t", queue: "", ...command } as Command, this.#now));
  }
}

describe("what a compaction keeps", () => {
  it("is in order when it was in flight in pieces that interleave", () => {
    const compacted = new Compacted();
    compacted.settle("touch", 0);
    compacted.settle("touch", 1);
    const order = Array.from({ length: COUNT }, (_, i) => i);
    expect(compacted.readBack()).toEqual({ order, retries: Array(COUNT).fill(0) });
  });

  it("is in order when it has failed together, and there are gaps in it", () => {
    const compacted = new Compacted();
    compacted.timeOut();
    compacted.settle("ack", 1);
    const order = Array.from({ length: COUNT }, (_, i) => i).filter((i) => i % 3 !== 1);
    expect(compacted.readBack()).toEqual({ order, retries: order.map(() => 1) });
  });
});
