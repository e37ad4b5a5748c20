/** PUBLISH: appends a batch to the log once, and adds a reference to it to each queue that its route key reaches. */
import { SIZE_MASK, skipEntries, WORD_BYTES } from "../../protocol/entry.js";
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { formatId } from "../../protocol/id.js";
import { DEFAULT_KEY, MAX_PRODUCERS } from "../../protocol/limits.js";
import { DUPLICATE, Durability } from "../../protocol/op.js";
import type { Publish, PublishChannel } from "../command.js";
import type { Batch } from "../log/log.js";
import { BatchKind } from "../log/record.js";
import type { IdAllocator } from "../messages/id-allocator.js";
import { canHold, excessOf, makeRoom, shrink } from "../messages/overflow.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { Steps } from "../steps.js";
import type { Directory } from "./directory.js";
import { type ProducerWindow, WINDOW_BYTES } from "./producer-window.js";
import { forgotten, producersOf } from "./producers.js";
import { addRefused, addTaken, answerFates, type PublishFate } from "./publish-fate.js";
import { isTooWide, isWhole, MAX_FAN_OUT, partOf } from "./publish-requests.js";
import { RouteSearch } from "./route-search.js";
import type { Numbering, StoredChannel } from "./stored-channel.js";
import type { Topic } from "./topic.js";

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);
const NO_QUEUES: readonly Queue[] = [];

/** Milliseconds of ids that an IDS record reserves: one small record a second, one second of ids lost at a restart. */
const IDS_AHEAD = 1000;

/** Bytes of a character, at most. */
const MAX_UTF8 = 3;

/** What can be matched for the price of moving one extent, in characters of bind keys times the pattern's cost. */
const MATCHES_PER_EXTENT = 64;

/** Why publishes are refused at present. */
export interface Refusal {
  readonly kind: ErrorName;
  readonly text: string;
}

export class Publisher {
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
   * Takes the whole batch, or throws and takes nothing of it; merged requests are taken or refused one by one. False:
   * nothing is done, because it needs `steps`.
   */
  publish(c: Publish): boolean {
    const topic = this.directory.use(c.topic, this.store.now, c.connection);
    // Whatever its route key reaches by now.
    if (this.#windowOf(topic, c)?.hasAll(c.sequence ?? 0, c.count)) {
      this.#publish(topic, NO_QUEUES, c);
      return true;
    }
    const queues = topic.route(c.routeKey);
    if (queues === undefined || this.#isFarOver(queues, c) || isTooWide(queues, c)) return false;
    this.#publish(topic, queues, c);
    return true;
  }

  /**
   * The same in steps: first matches a pattern that is not in the cache, and shrinks queues that are far over their
   * limit; merged requests that reach too many queues together are published a part at a time. Throws BAD_PATTERN.
   */
  *steps(c: Publish): Steps<Publish> {
    let publish = c;
    while (!this.publish(publish)) {
      const topic = this.directory.topic(publish.topic);
      const queues = topic.route(publish.routeKey);
      if (queues === undefined) publish = yield* this.#find(topic, publish);
      else if (!this.#isFarOver(queues, publish)) return yield* this.#publishInParts(publish);
      else if (this.#shrink(queues)) publish = yield;
    }
  }

  /** Publishes merged requests, in each step as many as may reach so many queues. */
  *#publishInParts(c: Publish): Steps<Publish> {
    const { store, directory } = this;
    let publish = c;
    for (let done = 0; ; ) {
      const topic = directory.use(publish.topic, store.now, publish.connection);
      const queues = topic.route(publish.routeKey);
      if (queues === undefined) {
        publish = yield* this.#find(topic, publish);
        continue;
      }
      const part = partOf(publish, done, Math.max(1, Math.floor(MAX_FAN_OUT / Math.max(1, queues.length))));
      this.#publishPart(topic, queues, part);
      done += part.requests;
      if (done >= publish.requests) return;
      publish = yield;
    }
  }

  /** What is refused here says nothing of the other parts. */
  #publishPart(topic: Topic, queues: readonly Queue[], part: Publish): void {
    try {
      this.#publish(topic, queues, part);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      for (let i = 0; i < part.requests; i++)
        this.store.effects.fail(part.connection, part.request + i, error.kind, error.message);
    }
  }

  /** Finds out which queues a pattern reaches. */
  *#find(topic: Topic, c: Publish): Steps<Publish, Publish> {
    const { topic: name, routeKey } = c;
    const search = new RouteSearch(topic, routeKey);
    let publish = c;
    while (!search.advance(this.store.stepExtents * MATCHES_PER_EXTENT)) publish = yield;
    // The topic may have been deleted or configured meanwhile.
    if (this.directory.find(name) === topic && topic.isPattern) topic.remember(routeKey, search.queues);
    return publish;
  }

  #isFarOver(queues: readonly Queue[], { count, start, end }: Publish): boolean {
    let excess = 0;
    for (const queue of queues) excess += excessOf(queue);
    if (excess <= this.store.stepExtents) return false;
    // Nothing is dropped for a batch that will be refused.
    const isRefused = this.refusal !== undefined || queues.length * count > MAX_FAN_OUT || !this.hasMemory(0);
    return !isRefused && queues.every((queue) => canHold(queue, count, end - start));
  }

  /** Drops a step's worth of what the queues have over their limits. True: there may be more. */
  #shrink(queues: readonly Queue[]): boolean {
    let left = this.store.stepExtents;
    for (const queue of queues) left -= shrink(queue, left);
    return left <= 0;
  }

  #publish(topic: Topic, reached: readonly Queue[], c: Publish): void {
    const { store, ids } = this;
    const fates: PublishFate[] = [];
    const window = this.#windowOf(topic, c);
    if (window !== undefined) {
      const level = this.#takeAgain(topic, reached, c, window, fates);
      return answerFates(store.effects, c, fates, level);
    }
    const queues = this.#queuesFor(topic, reached, c);
    try {
      this.#append(topic, queues, c, 0, c.start, c.end, c.count);
    } catch (error) {
      if (c.count === 1 || isWhole(c) || !(error instanceof ProtocolError)) throw error;
      this.#takeEach(topic, queues, c, 0, c.start, c.count, fates);
      return answerFates(store.effects, c, fates, topic.level);
    }
    store.effects.confirm(c.connection, c.request, c.requests, ids.high, ids.low, c.count, topic.level);
  }

  /** Takes `count` messages from the `first` of a request on, one by one, as many as fit. */
  #takeEach(
    topic: Topic,
    queues: readonly Queue[],
    c: Publish,
    first: number,
    start: number,
    count: number,
    fates: PublishFate[],
  ): void {
    const { ids } = this;
    let at = start;
    for (let i = 0; i < count; i++) {
      const end = at + WORD_BYTES + (c.view.getUint32(at) & SIZE_MASK);
      try {
        this.#append(topic, queues, c, first + i, at, end, 1);
        addTaken(fates, 1, ids.high, ids.low, topic.level);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        addRefused(fates, 1, error);
      }
      at = end;
    }
  }

  /** What is remembered of the producer of numbered messages, if some of these may have been taken before. */
  #windowOf(topic: Topic, { producer = "", sequence = 0, answered = 0 }: Publish): ProducerWindow | undefined {
    const window = producer === "" ? undefined : topic.producers?.find(producer, this.store.now, topic.config);
    window?.forget(answered);
    return window !== undefined && sequence < window.next ? window : undefined;
  }

  /**
   * Takes numbered messages that may have been taken before: those that were have the fate that they had then. Answers the
   * `Durability` that is promised of all of them. Throws SEQUENCE_FORGOTTEN.
   */
  #takeAgain(
    topic: Topic,
    reached: readonly Queue[],
    c: Publish,
    window: ProducerWindow,
    fates: PublishFate[],
  ): number {
    const { log, before } = this.store;
    let { level } = topic;
    let at = c.start;
    for (let i = 0; i < c.count; ) {
      const sequence = (c.sequence ?? 0) + i;
      const known = window.known(sequence, c.count - i);
      const n = Math.abs(known);
      const end = skipEntries(c.view, at, n);
      if (known > 0) {
        level = Math.max(level, window.level);
        addTaken(fates, n, window.idHigh, window.idLow, window.level | DUPLICATE);
      } else if (sequence < window.floor) {
        const error = forgotten(topic.name, window, sequence);
        if (isWhole(c)) throw error;
        addRefused(fates, n, error);
      } else {
        this.#takeNew(topic, reached, c, i, at, end, n, fates);
      }
      at = end;
      i += n;
    }
    // One answer is about both: it waits for the stronger promise.
    if (log.position > before && level > log.demand) log.demand = level;
    return level;
  }

  /** Takes those of them that were not taken before: `count` from the `first` on. */
  #takeNew(
    topic: Topic,
    reached: readonly Queue[],
    c: Publish,
    first: number,
    start: number,
    end: number,
    count: number,
    fates: PublishFate[],
  ): void {
    const { ids } = this;
    let queues: readonly Queue[] | undefined;
    try {
      queues = this.#queuesFor(topic, reached, c);
      this.#append(topic, queues, c, first, start, end, count);
      addTaken(fates, count, ids.high, ids.low, topic.level);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (count === 1 || isWhole(c) || queues === undefined) addRefused(fates, count, error);
      else this.#takeEach(topic, queues, c, first, start, count, fates);
    }
  }

  /** The queues that a batch goes to. Throws NO_ROUTE, TOO_MANY_MESSAGES. */
  #queuesFor(topic: Topic, reached: readonly Queue[], { routeKey, count }: Publish): readonly Queue[] {
    const queues = this.#orDefault(topic, reached, routeKey);
    if (queues.length * count <= MAX_FAN_OUT) return queues;
    const max = Math.floor(MAX_FAN_OUT / queues.length);
    throw new ProtocolError(
      "TOO_MANY_MESSAGES",
      `the route key reaches ${queues.length} queues: a batch for so many may have ${max} messages`,
    );
  }

  /** Throws NO_ROUTE. */
  #orDefault(topic: Topic, queues: readonly Queue[], routeKey: string): readonly Queue[] {
    if (queues.length > 0) return queues;
    if (routeKey === "" || routeKey === DEFAULT_KEY) return [this.directory.queue(topic, DEFAULT_KEY)];
    const { mode } = topic.config;
    throw new ProtocolError("NO_ROUTE", `route key ${routeKey} reaches no queue of topic ${topic.name} (mode ${mode})`);
  }

  /** Takes `count` messages from the `first` of a request on. Leaves the first id in `ids`. Throws MEMORY_FULL, QUEUE_FULL. */
  #append(
    topic: Topic,
    queues: readonly Queue[],
    c: Publish,
    first: number,
    start: number,
    end: number,
    count: number,
  ): void {
    const { store, ids } = this;
    const { producer = "" } = c;
    const batch = this.#batch;
    const bytes = end - start;
    this.#setKey(c.routeKey);
    const isTimed = c.delay > 0 || c.ttl > 0;
    const extents = queues.length * (isTimed ? (count >>> 5) + 2 : 1);
    const isKept = topic.level > Durability.memory;
    const names = topic.nameBytes.length + batch.routeKey.length + producer.length * MAX_UTF8;
    const growth = store.log.growth(names, queues.length, bytes, isKept) + store.extents.growthFor(extents);
    this.#assertRoom(growth + (producer === "" ? 0 : WINDOW_BYTES), isKept);
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
    const { now } = store;
    const due = c.delay > 0 ? now + c.delay : 0;
    const expiry = c.ttl > 0 ? now + c.ttl : 0;
    ids.take(count, now);
    this.#announceIds(isKept);
    const { high, low } = ids;
    const { log } = store;
    if (isKept) {
      if (topic.level > log.demand) log.demand = topic.level;
      // A recovery drops the messages of queues that are not recorded.
      for (const queue of queues) if (!queue.isRecorded) this.directory.recordQueue(queue, topic.level);
    }
    if (isKept) this.directory.expect(queues);
    batch.topic = topic.nameBytes;
    batch.queues = queues;
    batch.count = count;
    batch.idHigh = high;
    batch.idLow = low;
    const window = producer === "" ? undefined : producersOf(topic, store).use(producer);
    const sequence = (c.sequence ?? 0) + first;
    batch.kind = window === undefined ? BatchKind.TOPIC : BatchKind.NUMBERED;
    batch.producer = window?.nameBytes ?? NO_BYTES;
    batch.sequence = sequence;
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
      makeRoom(queue, count, bytes);
      log.page = page;
      log.recordOffset = recordOffset;
      log.entriesOffset = entriesOffset;
      if (due > 0 || expiry > 0) queue.addTimed(high, low, count, due, expiry);
      else queue.addFresh(high, low, count, bytes);
    }
    topic.published += count;
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
    this.#assertRoom(growth, isKept);
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
  #assertRoom(growth: number, isKept: boolean): void {
    if (isKept && this.refusal !== undefined) throw new ProtocolError(this.refusal.kind, this.refusal.text);
    if (this.hasMemory(growth)) return;
    throw new ProtocolError("MEMORY_FULL", "the shard's memory budget is used; consume messages or raise --memory");
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
