/** PUBLISH: appends a batch to the log once, and adds a reference to it to each queue that its route key reaches. */
import { SIZE_MASK, skipEntries, WORD_BYTES } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { DEFAULT_KEY } from "../../protocol/limits.js";
import { DUPLICATE, Durability } from "../../protocol/op.js";
import type { Answered, Publish } from "../command.js";
import { canHold, excessOf, shrink } from "../messages/overflow.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { Steps } from "../steps.js";
import { type BatchAppender, isKeyed, type Part } from "./batch-appender.js";
import type { Directory } from "./directory.js";
import { KeyedPublisher } from "./keyed-publisher.js";
import type { ProducerWindow } from "./producer-window.js";
import { forgotten } from "./producers.js";
import { addRefused, addTaken, answerFates, type PublishFate } from "./publish-fate.js";
import { isTooWide, isWhole, MAX_FAN_OUT, partOf } from "./publish-requests.js";
import { RouteSearch } from "./route-search.js";
import type { Topic } from "./topic.js";

const NO_QUEUES: readonly Queue[] = [];

/** What can be matched for the price of moving one extent, in characters of bind keys times the pattern's cost. */
const MATCHES_PER_EXTENT = 64;

export class Publisher {
  readonly #keyed: KeyedPublisher;
  /** Filled anew for each part. */
  readonly #part: Part = { first: 0, count: 0, start: 0, end: 0, keysStart: 0, keysEnd: 0 };

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly appender: BatchAppender,
  ) {
    this.#keyed = new KeyedPublisher(store, appender, (topic, reached, c) => this.#queuesFor(topic, reached, c));
  }

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

  /** ANSWERED. */
  answered({ topic: name, producer, answered }: Answered): void {
    const { appender, directory, store } = this;
    const topic = directory.find(name);
    // While the journal stands still nothing is forgotten: its record would wait, and nobody is told to ask again.
    if (topic?.producers === undefined || appender.refusal !== undefined) return;
    if (!topic.producers.answered(producer, answered)) return;
    if (topic.level > Durability.memory)
      store.recorder.directory(["producer forgotten", name, producer], Durability.write);
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
    const isRefused =
      this.appender.refusal !== undefined || queues.length * count > MAX_FAN_OUT || !this.appender.hasMemory(0);
    return !isRefused && queues.every((queue) => canHold(queue, count, end - start));
  }

  /** Drops a step's worth of what the queues have over their limits. True: there may be more. */
  #shrink(queues: readonly Queue[]): boolean {
    let left = this.store.stepExtents;
    for (const queue of queues) left -= shrink(queue, left);
    return left <= 0;
  }

  #publish(topic: Topic, reached: readonly Queue[], c: Publish): void {
    const { store, appender } = this;
    const fates: PublishFate[] = [];
    const window = this.#windowOf(topic, c);
    if (window !== undefined) {
      const level = this.#takeAgain(topic, reached, c, window, fates);
      return answerFates(store.effects, c, fates, level);
    }
    if (isKeyed(c)) {
      const level = this.#keyed.take(topic, reached, c, c.start, 0, c.count, fates);
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
    const { ids } = appender;
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
    const { ids } = this.appender;
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
    const window =
      producer === "" ? undefined : topic.producers?.find(producer, this.store.now, topic.config, answered);
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
      } else if (isKeyed(c)) {
        level = Math.max(level, this.#keyed.take(topic, reached, c, at, i, n, fates));
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
    const { ids } = this.appender;
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

  /** Takes `count` messages from the `first` of a request on. Leaves the first id in `ids`. Throws as `assertRoom`. */
  #append(
    topic: Topic,
    queues: readonly Queue[],
    c: Publish,
    first: number,
    start: number,
    end: number,
    count: number,
  ): void {
    const part = this.#part;
    part.first = first;
    part.count = count;
    part.start = start;
    part.end = end;
    this.appender.assertRoom(topic, queues, c, count, end - start);
    this.appender.append(topic, queues, c, part);
  }
}
