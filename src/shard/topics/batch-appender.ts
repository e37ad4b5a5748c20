/**
 * Appends batches to the log, and adds a reference to each to the queues or the channel that it goes to. It is asked first
 * whether there is room, and then does it.
 */
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { formatId } from "../../protocol/id.js";
import { MAX_PRODUCERS } from "../../protocol/limits.js";
import { Durability } from "../../protocol/op.js";
import type { Publish, PublishChannel } from "../command.js";
import type { Batch } from "../log/log.js";
import { BatchKind, KEYED_KEYS, NAMES, QUEUE_BYTES } from "../log/record.js";
import type { IdAllocator } from "../messages/id-allocator.js";
import { canHold, makeRoom } from "../messages/overflow.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { Directory } from "./directory.js";
import { WINDOW_BYTES } from "./producer-window.js";
import { producersOf } from "./producers.js";
import type { Numbering, StoredChannel } from "./stored-channel.js";
import type { Topic } from "./topic.js";

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);

/** Milliseconds of ids that an IDS record reserves: one small record a second, one second of ids lost at a restart. */
const IDS_AHEAD = 1000;

/** Bytes of a character, at most. */
const MAX_UTF8 = 3;

/** Why publishes are refused at present. */
export interface Refusal {
  readonly kind: ErrorName;
  readonly text: string;
}

/** Messages of a PUBLISH that are taken together: `count` from its `first` on. */
export interface Part {
  first: number;
  count: number;
  /** Their entries: [start, end) of the request's buffer. */
  start: number;
  end: number;
  /** Their keys, if they have some. */
  keysStart: number;
  keysEnd: number;
}

export class BatchAppender {
  /** Set from outside: publishes that the journal must keep are refused. */
  refusal: Refusal | undefined;
  /** No id of a later millisecond (since the EPOCH of ids) has been handed out. */
  idCeiling = 0;
  /** The route key of `#batch`. */
  #routeKey = "";
  /** Filled anew for each batch, so that none is allocated. */
  readonly #batch: Batch = {
    topic: NO_BYTES,
    routeKey: NO_BYTES,
    queues: [],
    count: 0,
    idHigh: 0,
    idLow: 0,
    kind: BatchKind.TOPIC,
    producer: NO_BYTES,
    sequence: 0,
    keysStart: 0,
    keysEnd: 0,
    keyUntil: 0,
    due: 0,
    expiry: 0,
    bytes: NO_BYTES,
    start: 0,
    end: 0,
    isJournalled: false,
  };

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly ids: IdAllocator,
    /** Whether there is memory for so many more bytes. */
    readonly hasMemory: (growth: number) => boolean,
  ) {}

  /**
   * Throws MEMORY_FULL, QUEUE_FULL, TOO_MANY_PRODUCERS or what publishes are refused with, unless there is room for `count`
   * messages of so many `bytes` with their keys, in so many `parts`, and for `more` bytes beside them.
   */
  assertRoom(
    topic: Topic,
    queues: readonly Queue[],
    c: Publish,
    count: number,
    bytes: number,
    parts = 1,
    more = 0,
  ): void {
    const { store } = this;
    const { producer = "" } = c;
    this.#setKey(c.routeKey);
    const isFragmented = c.delay > 0 || c.ttl > 0 || isKeyed(c);
    const extents = queues.length * (isFragmented ? (count >>> 5) + 2 * parts : parts);
    const isKept = topic.level > Durability.memory;
    const names = topic.nameBytes.length + this.#batch.routeKey.length + producer.length * MAX_UTF8;
    const others = (parts - 1) * (NAMES + names + queues.length * QUEUE_BYTES + KEYED_KEYS);
    const growth = store.log.growth(names, queues.length, bytes + others, isKept) + store.extents.growthFor(extents);
    this.#assertMemory(growth + more + (producer === "" ? 0 : WINDOW_BYTES), isKept);
    if (producer !== "" && topic.producers?.hasRoom(producer, store.now, topic.config) === false) {
      throw new ProtocolError(
        "TOO_MANY_PRODUCERS",
        `topic ${topic.name} remembers its maximum of ${MAX_PRODUCERS} producers`,
      );
    }
    for (const queue of queues) {
      if (canHold(queue, count, bytes)) continue;
      throw new ProtocolError("QUEUE_FULL", `queue ${queue.bindKey} of topic ${topic.name} is full`);
    }
  }

  /** Takes a part of a request, for which there is room. Leaves the first id in `ids`. */
  append(topic: Topic, queues: readonly Queue[], c: Publish, part: Readonly<Part>): void {
    const { store, ids } = this;
    const { producer = "", keyWindow = 0 } = c;
    const { count, start, end } = part;
    const batch = this.#batch;
    this.#setKey(c.routeKey);
    const isKept = topic.level > Durability.memory;
    const { now } = store;
    const due = c.delay > 0 ? now + c.delay : 0;
    const expiry = c.ttl > 0 ? now + c.ttl : 0;
    const hasKeys = part.keysEnd > part.keysStart;
    ids.take(count, now);
    this.#announceIds(isKept);
    const { high, low } = ids;
    const { log } = store;
    if (isKept) {
      if (topic.level > log.demand) log.demand = topic.level;
      // A recovery drops the messages of queues that are not recorded.
      for (const queue of queues) if (!queue.isRecorded) this.directory.recordQueue(queue, topic.level);
      this.directory.expect(queues);
    }
    batch.topic = topic.nameBytes;
    batch.queues = queues;
    batch.count = count;
    batch.idHigh = high;
    batch.idLow = low;
    const window = producer === "" ? undefined : producersOf(topic, store).use(producer);
    const sequence = (c.sequence ?? 0) + part.first;
    batch.kind = (window === undefined ? BatchKind.TOPIC : BatchKind.NUMBERED) | (hasKeys ? BatchKind.KEYED : 0);
    batch.producer = window?.nameBytes ?? NO_BYTES;
    batch.sequence = sequence;
    batch.keysStart = part.keysStart;
    batch.keysEnd = part.keysEnd;
    batch.keyUntil = keyWindow > 0 ? now + keyWindow : 0;
    batch.due = due;
    batch.expiry = expiry;
    batch.bytes = c.bytes;
    batch.start = start;
    batch.end = end;
    batch.isJournalled = isKept;
    log.append(batch);
    // Behind the record, or a segment that begins with it would know of messages that may be torn off.
    if (window !== undefined) topic.producers?.took(window, sequence, batch, topic.level, now, topic.config);
    log.pages.claim(log.page, count * queues.length);
    const { page, recordOffset, entriesOffset } = log;
    for (const queue of queues) {
      // Only after the append, which may throw.
      makeRoom(queue, count, end - start);
      log.page = page;
      log.recordOffset = recordOffset;
      log.entriesOffset = entriesOffset;
      if (due > 0 || expiry > 0 || hasKeys) queue.addFragments(high, low, count, due, expiry);
      else queue.addFresh(high, low, count, end - start);
    }
    topic.published += count;
    topic.publishedAt = now;
    store.totals.published += count;
    store.totals.publishedBytes += end - start;
  }

  /**
   * Appends a batch to a kept channel and leaves its first id in `ids`. Throws MEMORY_FULL, and what publishes are refused
   * with at present.
   */
  keep(channel: StoredChannel, c: PublishChannel): void {
    const { store, ids } = this;
    const { log } = store;
    const { queue, level, numbering } = channel;
    const batch = this.#batch;
    this.#setKey(c.key);
    const isKept = level > Durability.memory;
    const names = channel.nameBytes.length + batch.routeKey.length;
    const growth = log.growth(names, 1, c.end - c.start, isKept) + store.extents.growthFor(1);
    this.#assertMemory(growth, isKept);
    const isNumbered = this.number(numbering);
    ids.take(c.count, store.now);
    this.#announceIds(isKept);
    if (isKept) {
      if (level > log.demand) log.demand = level;
      if (isNumbered || !queue.isRecorded) this.directory.recordChannel(channel, level);
      this.directory.expect(queue.asRoute);
    }
    batch.topic = channel.nameBytes;
    batch.queues = queue.asRoute;
    batch.count = c.count;
    batch.idHigh = ids.high;
    batch.idLow = ids.low;
    batch.kind = BatchKind.CHANNEL;
    batch.due = 0;
    batch.expiry = numbering.next - ids.low;
    batch.bytes = c.bytes;
    batch.start = c.start;
    batch.end = c.end;
    batch.isJournalled = isKept;
    log.append(batch);
    log.pages.claim(log.page, c.count);
    queue.addFresh(ids.high, ids.low, c.count, c.end - c.start);
    channel.appended(numbering.next, c.count);
  }

  /** Has a numbering have an epoch, which counts as an id that was handed out. True: it had none. */
  number(numbering: Numbering): boolean {
    if (numbering.epoch !== "") return false;
    this.ids.take(1, this.store.now);
    this.#announceIds(true);
    numbering.epoch = formatId(this.ids.high, this.ids.low);
    return true;
  }

  #setKey(key: string): void {
    if (key === this.#routeKey) return;
    this.#routeKey = key;
    this.#batch.routeKey = encoder.encode(key);
  }

  /** Whether there is room for a batch that makes memory grow, and that the journal must keep, if it `isKept`. */
  #assertMemory(growth: number, isKept: boolean): void {
    if (isKept && this.refusal !== undefined) throw new ProtocolError(this.refusal.kind, this.refusal.text);
    const hindrance = this.hindrance(growth);
    if (hindrance !== undefined) throw hindrance;
  }

  /** MEMORY_FULL, unless memory may grow so much. */
  hindrance(growth: number): ProtocolError | undefined {
    if (this.hasMemory(growth)) return undefined;
    return new ProtocolError("MEMORY_FULL", "the shard's memory budget is used; consume messages or raise --memory");
  }

  /**
   * An id may be used once the journal says that it may have been. While it stands still nothing is said of ids that are
   * in memory alone: the record would only wait.
   */
  #announceIds(isKept: boolean): void {
    if (this.ids.millisecond <= this.idCeiling || (this.store.log.isStalled && !isKept)) return;
    this.idCeiling = this.ids.millisecond + IDS_AHEAD;
    // Synced whatever the topic's level: even the id of a message that a power loss takes must not come again.
    this.store.recorder.ids(this.idCeiling, Durability.fsync);
    this.store.idsAnnounced = this.store.log.position;
  }
}

/** Whether the messages of a PUBLISH have keys. */
export const isKeyed = ({ keyWindow = -1 }: Publish): boolean => keyWindow >= 0;
