/**
 * PUBLISH: one batch into the log, one reference to it into each queue that its route key reaches.
 */
import { SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import { ProtocolError } from "../protocol/errors.js";
import { DEFAULT_KEY } from "../protocol/limits.js";
import type { Publish } from "./command.js";
import type { Directory } from "./directory.js";
import type { IdAllocator } from "./id-allocator.js";
import type { Queue } from "./queue.js";
import type { Store } from "./store.js";
import type { Topic } from "./topic.js";

const encoder = new TextEncoder();
const NO_KEY = new Uint8Array(0);

export class Publisher {
  #routeKey = "";
  #routeKeyBytes: Uint8Array = NO_KEY;

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly ids: IdAllocator,
    /** Memory that messages may take. */
    readonly hasMemory: (growth: number) => boolean,
  ) {}

  /** Takes the batch whole or refuses it whole: throws. Merged requests stand each for itself. */
  publish(c: Publish): void {
    const topic = this.directory.use(c.topic, this.store.now);
    const queues = this.#route(topic, c.routeKey);
    try {
      this.#append(topic, queues, c, c.start, c.end, c.count);
    } catch (error) {
      if (c.requests === 1 || !(error instanceof ProtocolError)) throw error;
      this.#publishEach(topic, queues, c);
      return;
    }
    const { ids } = this;
    this.store.effects.confirm(c.connection, c.request, c.requests, ids.high, ids.low, c.count);
  }

  /** Merged requests that cannot all be taken: as many as can. */
  #publishEach(topic: Topic, queues: readonly Queue[], c: Publish): void {
    const { effects } = this.store;
    let at = c.start;
    for (let i = 0; i < c.requests; i++) {
      const end = at + WORD_BYTES + (c.view.getUint32(at) & SIZE_MASK);
      this.store.attempt(c.connection, c.request + i, () => {
        this.#append(topic, queues, c, at, end, 1);
        effects.confirm(c.connection, c.request + i, 1, this.ids.high, this.ids.low, 1);
      });
      at = end;
    }
  }

  #route(topic: Topic, routeKey: string): readonly Queue[] {
    const queues = topic.route(routeKey);
    if (queues.length > 0) return queues;
    if (routeKey === "" || routeKey === DEFAULT_KEY) return [this.directory.queue(topic, DEFAULT_KEY)];
    const { mode } = topic.config;
    throw new ProtocolError("NO_ROUTE", `route key ${routeKey} reaches no queue of topic ${topic.name} (mode ${mode})`);
  }

  /** Leaves the first id in `ids`. Throws MEMORY_FULL, QUEUE_FULL. */
  #append(topic: Topic, queues: readonly Queue[], c: Publish, start: number, end: number, count: number): void {
    const { store, ids } = this;
    const bytes = end - start;
    if (c.routeKey !== this.#routeKey) {
      this.#routeKey = c.routeKey;
      this.#routeKeyBytes = encoder.encode(c.routeKey);
    }
    const key = this.#routeKeyBytes;
    const isTimed = c.delay > 0 || c.ttl > 0;
    const extents = queues.length * (isTimed ? (count >>> 5) + 2 : 1);
    const growth = store.log.growth(topic.nameBytes.length, key.length, bytes) + store.extents.growthFor(extents);
    if (!this.hasMemory(growth)) {
      throw new ProtocolError("MEMORY_FULL", "the shard's memory budget is used; consume messages or raise --memory");
    }
    for (const queue of queues) {
      if (queue.canHold(count, bytes)) continue;
      throw new ProtocolError("QUEUE_FULL", `queue ${queue.bindKey} of topic ${topic.name} is full`);
    }
    for (const queue of queues) queue.makeRoom(count, bytes);
    const { now } = store;
    const due = c.delay > 0 ? now + c.delay : 0;
    const expiry = c.ttl > 0 ? now + c.ttl : 0;
    ids.take(count, now);
    const { high, low } = ids;
    const page = store.log.append(topic.nameBytes, key, count, high, low, due, expiry, c.bytes, start, end);
    page.live += count * queues.length;
    page.total += count * queues.length;
    for (const queue of queues) {
      if (due > 0 || expiry > 0) queue.addTimed(high, low, count, due, expiry);
      else queue.addFresh(high, low, count, bytes);
    }
    topic.published += count;
  }
}
