/**
 * The topics of a shard by name and their queues, within the limits on both.
 */
import { ProtocolError } from "../protocol/errors.js";
import { DEFAULT_KEY } from "../protocol/limits.js";
import type { TopicConfig } from "./command.js";
import type { Queue } from "./queue.js";
import type { Store } from "./store.js";
import { Topic } from "./topic.js";

/** What a topic and a queue take of the memory budget, as measured, rounded up. */
const TOPIC_BYTES = 2048;
const QUEUE_BYTES = 1024;

/** Queues after which a page ends: keeps the statistics of one page below about a megabyte. */
const PAGE_QUEUES = 4096;

export interface DirectoryLimits {
  readonly maxTopics: number;
  /** Of them, those that one connection may make. Default: all. */
  readonly maxTopicsPerConnection?: number;
  /** Queues in a topic. */
  readonly maxQueues: number;
}

export class Directory {
  readonly #topics = new Map<string, Topic>();
  /** Names in order, for listing; undefined: to be sorted again. */
  #names: string[] | undefined;
  readonly #freeQueues: number[] = [];
  /** By connection: topics that it has made and that are there. */
  readonly #made = new Map<number, number>();

  constructor(
    readonly store: Store,
    readonly limits: DirectoryLimits,
    /** Whether so many bytes of memory are left. */
    readonly hasMemory: (growth: number) => boolean,
    readonly makeQueue: (topic: Topic, bindKey: string, number: number) => Queue,
  ) {}

  get size(): number {
    return this.#topics.size;
  }

  get topics(): Iterable<Topic> {
    return this.#topics.values();
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** The topic of that name. Throws NO_TOPIC. */
  topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new ProtocolError("NO_TOPIC", `topic ${name} does not exist`);
    return topic;
  }

  /** The topic of that name, made for a connection if it is new. Throws TOO_MANY_TOPICS, MEMORY_FULL. */
  use(name: string, now: number, connection: number): Topic {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const share = this.limits.maxTopicsPerConnection ?? Number.POSITIVE_INFINITY;
    const made = this.#made.get(connection) ?? 0;
    if (made >= share) {
      throw new ProtocolError("TOO_MANY_TOPICS", `the connection has made its share of ${share} topics of a shard`);
    }
    if (this.#topics.size >= this.limits.maxTopics) {
      throw new ProtocolError("TOO_MANY_TOPICS", `the shard has its maximum of ${this.limits.maxTopics} topics`);
    }
    this.#charge(TOPIC_BYTES);
    this.#made.set(connection, made + 1);
    return this.#add(name, now, connection);
  }

  #add(name: string, now: number, connection: number): Topic {
    const { recorder, level } = this.store;
    const topic = new Topic(name, now, level, this.store.routes, connection);
    this.#topics.set(name, topic);
    this.#names = undefined;
    recorder.directory(topic.entry, level);
    return topic;
  }

  /** The queue of a bind key; `default` is made if it is new. Throws NO_QUEUE, TOO_MANY_QUEUES. */
  queue(topic: Topic, bindKey: string): Queue {
    const key = bindKey || DEFAULT_KEY;
    const queue = topic.queues.get(key);
    if (queue !== undefined) return queue;
    if (key === DEFAULT_KEY) return this.addQueue(topic, key);
    throw new ProtocolError("NO_QUEUE", `topic ${topic.name} has no queue ${key}; declare it first`);
  }

  /** Throws TOO_MANY_QUEUES. */
  addQueue(topic: Topic, bindKey: string): Queue {
    if (topic.queues.size >= this.limits.maxQueues) {
      throw new ProtocolError(
        "TOO_MANY_QUEUES",
        `topic ${topic.name} has its maximum of ${this.limits.maxQueues} queues`,
      );
    }
    this.#charge(QUEUE_BYTES);
    const queue = this.#place(topic, bindKey, this.#freeQueues.pop() ?? this.store.queues.length);
    this.store.recorder.directory(queue.entry, this.store.level);
    return queue;
  }

  #place(topic: Topic, bindKey: string, number: number): Queue {
    const queue = this.makeQueue(topic, bindKey, number);
    this.store.queues[number] = queue;
    topic.queues.set(bindKey, queue);
    topic.forgetRoutes();
    return queue;
  }

  /** Forgets a queue that has been emptied. */
  removeQueue(queue: Queue): void {
    this.store.recorder.directory(["queue deleted", queue.number], this.store.level);
    this.store.queues[queue.number] = undefined;
    this.store.directoryBytes -= QUEUE_BYTES;
    this.#freeQueues.push(queue.number);
    queue.topic.queues.delete(queue.bindKey);
    queue.topic.forgetRoutes();
  }

  removeTopic(topic: Topic): void {
    this.store.recorder.directory(["topic deleted", topic.name], this.store.level);
    this.store.directoryBytes -= TOPIC_BYTES;
    topic.forgetRoutes();
    this.#topics.delete(topic.name);
    if (topic.maker !== undefined) {
      const made = (this.#made.get(topic.maker) ?? 0) - 1;
      if (made > 0) this.#made.set(topic.maker, made);
      else this.#made.delete(topic.maker);
    }
    this.#names = undefined;
  }

  /** A topic as a recovery finds it; there are no limits on what has been there. */
  restoreTopic(name: string, config: TopicConfig, startTime: number): Topic {
    const { store } = this;
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new Topic(name, startTime, store.level, store.routes);
      this.#topics.set(name, topic);
      this.#names = undefined;
      store.directoryBytes += TOPIC_BYTES;
    }
    topic.configure(config);
    return topic;
  }

  /** A queue as a recovery finds it, under its number, which is free. */
  restoreQueue(topic: Topic, bindKey: string, number: number): Queue {
    this.store.directoryBytes += QUEUE_BYTES;
    return this.#place(topic, bindKey, number);
  }

  /** A recovery is over: numbers that no queue has are free. */
  restored(): void {
    const { queues } = this.store;
    this.#freeQueues.length = 0;
    for (let number = queues.length - 1; number >= 0; number--) {
      if (queues[number] === undefined) this.#freeQueues.push(number);
    }
  }

  /** Writes all of it into the log. */
  record(): void {
    const { recorder, level } = this.store;
    recorder.directory(["checkpoint"], level);
    for (const topic of this.#topics.values()) {
      recorder.directory(topic.entry, level);
      for (const queue of topic.queues.values()) recorder.directory(queue.entry, level);
    }
    recorder.directory(["complete"], level);
  }

  /** Throws MEMORY_FULL. */
  #charge(bytes: number): void {
    if (!this.hasMemory(bytes)) {
      throw new ProtocolError("MEMORY_FULL", "the shard's memory budget is used; delete topics or raise --memory");
    }
    this.store.directoryBytes += bytes;
  }

  /** Up to `max` topics in the order of their names, after the name `after`; and whether there are more. */
  page(after: string, max: number): { readonly topics: Topic[]; readonly more: boolean } {
    this.#names ??= [...this.#topics.keys()].sort();
    const names = this.#names;
    let low = 0;
    let high = names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((names[middle] as string) <= after) low = middle + 1;
      else high = middle;
    }
    const topics: Topic[] = [];
    let queues = 0;
    let at = low;
    while (at < names.length && topics.length < max && queues < PAGE_QUEUES) {
      const topic = this.topic(names[at++] as string);
      queues += topic.queues.size;
      topics.push(topic);
    }
    return { topics, more: at < names.length };
  }
}
