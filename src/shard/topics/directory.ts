/**
 * The topics of a shard by name and their queues, and the channels that are kept or configured, within the limits.
 *
 * Topics are made by using them. A topic or queue is recorded in the journal as soon as something durable depends on it:
 * a message that is kept, a configuration, a declaration, a pause. What a command made and did not need after all is
 * removed at its end (`tidy`); a topic that is no longer used goes after a while (idle-topics.ts).
 */
import { LISTING_NAMES, SortedNames } from "../../collections/sorted-names.js";
import { ProtocolError } from "../../protocol/errors.js";
import { DEFAULT_KEY } from "../../protocol/limits.js";
import { Durability } from "../../protocol/op.js";
import type { TopicPatterns } from "../../protocol/topic-pattern.js";
import type { TopicConfig } from "../command.js";
import { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { CHANNEL_DEFAULTS, type ChannelDefaults } from "./channel-defaults.js";
import { Checkpoint, HEAD_BYTES } from "./checkpoint.js";
import { CreatorShares } from "./creator-shares.js";
import { RouteCacheBudget } from "./route-cache.js";
import { type Numbering, StoredChannel } from "./stored-channel.js";
import { StoredChannels } from "./stored-channels.js";
import { DEFAULT_CONFIG, Topic, UNKNOWN } from "./topic.js";

/** Memory of a topic and of a queue: measured, rounded up. */
const TOPIC_BYTES = 2048;
const QUEUE_BYTES = 1024;
const CHANNEL_BYTES = TOPIC_BYTES + QUEUE_BYTES;

/** Queues after which a listing stops: keeps its statistics below about a megabyte. */
const LISTING_QUEUES = 1024;

export interface DirectoryLimits {
  readonly maxTopics: number;
  /** How many of them one connection may make, and as many channels that are kept. Default: all. */
  readonly maxTopicsPerConnection?: number;
  /** Queues in a topic. */
  readonly maxQueues: number;
  /** Milliseconds without use after which an empty topic is forgotten. Default: never. */
  readonly topicIdle?: number;
}

/** What a broker may set of the configuration of topics that nobody has configured. */
export type TopicDefaults = Partial<Pick<TopicConfig, "ttr" | "retries">>;

export interface TopicList {
  readonly topics: readonly Topic[];
  readonly more: boolean;
  /** The last name that was looked at. */
  readonly last: string;
}

export class Directory {
  /** By number; the store sees the same table. */
  readonly queues: (Queue | undefined)[] = [];
  /** For the routes of all topics. */
  readonly #routeBudget = new RouteCacheBudget();
  readonly #topics = new Map<string, Topic>();
  /** Sorted, for listings. */
  readonly #names = new SortedNames();
  readonly #freeQueues: number[] = [];
  readonly #topicShares: CreatorShares;
  readonly #channelShares: CreatorShares;
  /** What was made since the last `tidy`, each topic before its queues. */
  readonly #unchecked: (Topic | Queue)[] = [];
  readonly #checkpoint: Checkpoint;
  /** The queues that the next record is about. */
  #expected: readonly Queue[] = [];
  readonly #defaults: TopicConfig;
  readonly #channels: StoredChannels;

  constructor(
    readonly store: Store,
    readonly limits: DirectoryLimits,
    /** Whether there is memory for so many more bytes. */
    readonly hasMemory: (growth: number) => boolean,
    headBytes = HEAD_BYTES,
    defaults: TopicDefaults = {},
    channelDefaults: ChannelDefaults = CHANNEL_DEFAULTS,
  ) {
    this.#defaults = { ...DEFAULT_CONFIG, ...defaults };
    store.queues = this.queues;
    this.#channels = new StoredChannels(store, channelDefaults);
    const share = limits.maxTopicsPerConnection ?? Number.POSITIVE_INFINITY;
    this.#topicShares = new CreatorShares(share, "topics");
    this.#channelShares = new CreatorShares(share, "channels");
    this.#checkpoint = new Checkpoint(store, this.#topics, this.#channels.byName, headBytes);
  }

  get size(): number {
    return this.#topics.size;
  }

  get topics(): MapIterator<Topic> {
    return this.#topics.values();
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** An existing topic, to be looked at: that is no use. Throws NO_TOPIC. */
  look(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new ProtocolError("NO_TOPIC", `topic ${name} does not exist`);
    return topic;
  }

  /** An existing topic; it counts as used. Throws NO_TOPIC. */
  topic(name: string): Topic {
    const topic = this.look(name);
    topic.usedAt = this.store.now;
    return topic;
  }

  /** The topic of that name; if there is none, it is made for the connection. Throws TOO_MANY_TOPICS, MEMORY_FULL. */
  use(name: string, now: number, connection: number): Topic {
    const known = this.#topics.get(name);
    if (known !== undefined) {
      known.usedAt = now;
      return known;
    }
    this.#topicShares.check(connection);
    if (this.#topics.size >= this.limits.maxTopics) {
      throw new ProtocolError("TOO_MANY_TOPICS", `the shard has its maximum of ${this.limits.maxTopics} topics`);
    }
    this.#charge(TOPIC_BYTES);
    this.#topicShares.add(connection);
    return this.#add(name, now, connection);
  }

  #add(name: string, now: number, connection: number): Topic {
    const topic = new Topic(name, now, this.store.level, this.#defaults, this.#routeBudget, connection);
    this.#topics.set(name, topic);
    this.#names.add(name);
    this.#unchecked.push(topic);
    return topic;
  }

  /** The queue of a bind key; only `default` is made if it does not exist. Throws NO_QUEUE, TOO_MANY_QUEUES. */
  queue(topic: Topic, bindKey: string): Queue {
    const key = bindKey || DEFAULT_KEY;
    const queue = topic.queues.get(key);
    if (queue !== undefined) return queue;
    if (key === DEFAULT_KEY) return this.addQueue(topic, key);
    throw new ProtocolError("NO_QUEUE", `topic ${topic.name} has no queue ${key}; declare it first`);
  }

  /** Throws TOO_MANY_QUEUES, MEMORY_FULL. */
  addQueue(topic: Topic, bindKey: string): Queue {
    if (topic.queues.size >= this.limits.maxQueues) {
      throw new ProtocolError(
        "TOO_MANY_QUEUES",
        `topic ${topic.name} has its maximum of ${this.limits.maxQueues} queues`,
      );
    }
    this.#charge(QUEUE_BYTES);
    const queue = this.#place(topic, bindKey, this.#freeQueues.pop() ?? this.queues.length);
    this.#unchecked.push(queue);
    return queue;
  }

  #place(topic: Topic, bindKey: string, number: number): Queue {
    const queue = new Queue(topic, bindKey, number, this.store);
    this.queues[number] = queue;
    topic.queues.set(bindKey, queue);
    topic.forgetRoutes();
    return queue;
  }

  /** Records a topic as it is now. `level`: the `Durability` of the record. */
  recordTopic(topic: Topic, level: number): void {
    // After the record: a segment that begins with it does not name the topic twice.
    this.store.recorder.directory(topic.entry, level);
    topic.isRecorded = true;
    this.#checkpoint.markNamed(topic);
  }

  /** Records a queue as it is now, and its topic first if the journal does not know it. */
  recordQueue(queue: Queue, level: number): void {
    if (!queue.topic.isRecorded) this.recordTopic(this.#topicOf(queue), level);
    this.expect(queue.asRoute);
    this.store.recorder.directory(queue.entry, level);
    queue.isRecorded = true;
    this.#checkpoint.markNamed(queue);
  }

  get channels(): StoredChannels {
    return this.#channels;
  }

  findChannel(name: string): StoredChannel | undefined {
    return this.#channels.byName.get(name);
  }

  /** Makes a channel for a connection, which goes on with a numbering. Throws TOO_MANY_TOPICS, MEMORY_FULL. */
  addChannel(name: string, numbering: Numbering, connection: number): StoredChannel {
    this.#channelShares.check(connection);
    if (this.#channels.byName.size >= this.limits.maxTopics) {
      throw new ProtocolError("TOO_MANY_TOPICS", `the shard has its maximum of ${this.limits.maxTopics} channels`);
    }
    this.#charge(CHANNEL_BYTES);
    this.#channelShares.add(connection);
    const channel = this.#placeChannel(name, this.#freeQueues.pop() ?? this.queues.length, numbering);
    channel.creator = connection;
    return channel;
  }

  /** A channel that was read back, under its number, which is free. */
  restoreChannel(name: string, number: number): StoredChannel {
    this.store.directoryBytes += CHANNEL_BYTES;
    const channel = this.#placeChannel(name, number, { epoch: "", next: 0 });
    channel.queue.isRecorded = true;
    return channel;
  }

  #placeChannel(name: string, number: number, numbering: Numbering): StoredChannel {
    const channel = this.#channels.add(name, number, numbering);
    this.queues[number] = channel.queue;
    return channel;
  }

  /** Records a channel as it is now. `level`: the `Durability` of the record. */
  recordChannel({ queue }: StoredChannel, level: number): void {
    this.expect(queue.asRoute);
    this.store.recorder.directory(queue.entry, level);
    queue.isRecorded = true;
    this.#checkpoint.markNamed(queue);
  }

  /** At the end of a command: removes topics and queues that it made and that turned out not to be needed. */
  tidy(): void {
    for (let made = this.#unchecked.pop(); made !== undefined; made = this.#unchecked.pop()) {
      if (made.isRecorded) continue;
      if (made instanceof Queue) {
        if (!made.isInUse) this.removeQueue(made);
      } else if (made.queues.size === 0) this.removeTopic(made);
    }
  }

  /** Forgets an empty topic. Durability `memory` will do: if the record is lost, the topic comes back and goes again. */
  forget(topic: Topic): void {
    for (const queue of [...topic.queues.values()]) this.removeQueue(queue, Durability.memory);
    this.removeTopic(topic, Durability.memory);
  }

  /** Forgets a queue that has been emptied. */
  removeQueue(queue: Queue, level = this.store.level): void {
    if (queue.isRecorded) this.store.recorder.directory(["queue deleted", queue.number], level);
    this.queues[queue.number] = undefined;
    this.#freeQueues.push(queue.number);
    if (queue.topic instanceof StoredChannel) {
      this.store.directoryBytes -= CHANNEL_BYTES;
      this.#channels.remove(queue.topic);
      this.#channelShares.remove(queue.topic.creator);
      return this.#shrink();
    }
    this.store.directoryBytes -= QUEUE_BYTES;
    const topic = this.#topicOf(queue);
    topic.queues.delete(queue.bindKey);
    topic.forgetRoutes();
  }

  #topicOf(queue: Queue): Topic {
    const topic = this.#topics.get(queue.topic.name);
    if (topic !== queue.topic) throw new Error(`directory: topic ${queue.topic.name} is gone before its queue`);
    return topic;
  }

  /** Forgets a topic without queues. */
  removeTopic(topic: Topic, level = this.store.level): void {
    if (topic.isRecorded) this.store.recorder.directory(["topic deleted", topic.name], level);
    this.store.directoryBytes -= TOPIC_BYTES;
    topic.producers?.clear();
    topic.keys?.clear();
    topic.failures?.clear();
    topic.forgetRoutes();
    this.#topics.delete(topic.name);
    this.#topicShares.remove(topic.creator);
    this.#names.remove(topic.name);
    this.#shrink();
  }

  /** The table of queues is as long as there ever were queues. */
  #shrink(): void {
    if (this.#topics.size > 0 || this.#channels.byName.size > 0) return;
    this.queues.length = 0;
    this.#freeQueues.length = 0;
  }

  /** A topic that was read back. Limits do not apply to it. */
  restoreTopic(name: string, config: Partial<TopicConfig>, startTime: number): Topic {
    const { store } = this;
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new Topic(name, startTime, store.level, this.#defaults, this.#routeBudget);
      topic.isRecorded = true;
      this.#topics.set(name, topic);
      this.#names.add(name);
      store.directoryBytes += TOPIC_BYTES;
    }
    topic.restore(config);
    return topic;
  }

  /** A queue that was read back, under its number, which is free. */
  restoreQueue(topic: Topic, bindKey: string, number: number): Queue {
    this.store.directoryBytes += QUEUE_BYTES;
    const queue = this.#place(topic, bindKey, number);
    queue.isRecorded = true;
    return queue;
  }

  /** Everything has been read back. */
  finishRestore(): void {
    const { queues } = this;
    this.#freeQueues.length = 0;
    for (let number = queues.length - 1; number >= 0; number--) {
      if (queues[number] === undefined) this.#freeQueues.push(number);
    }
    for (const topic of this.#topics.values()) {
      topic.usedAt = UNKNOWN;
      topic.producers?.finishRestore(this.store.now, topic.config);
      topic.keys?.sweep(Number.POSITIVE_INFINITY);
    }
  }

  /** Announces that the next record is about these queues, so that its segment names them before it. */
  expect(queues: readonly Queue[]): void {
    this.#expected = queues;
    if (this.store.log.isDirectoryPending) for (const queue of queues) this.#checkpoint.ensureNamed(queue);
  }

  /** At the head of a segment: begins its directory. True: it is complete. */
  beginSegment(): boolean {
    return this.#checkpoint.begin(this.#expected);
  }

  /** Goes on with the directory of the segment: see `Checkpoint.step`. True: there is more to do. */
  step(isTight: boolean): boolean {
    return this.#checkpoint.step(isTight);
  }

  /** Throws when something durable is not recorded, or counters are wrong. For tests. */
  invariants(): void {
    if (this.#unchecked.length > 0) throw new Error("directory: what was made was not looked at again");
    for (const topic of this.#topics.values()) {
      topic.producers?.invariants();
      topic.keys?.invariants();
      if (!(topic.isRecorded || topic.hasDefaultConfig))
        throw new Error(`directory: topic ${topic.name} is not recorded`);
      for (const { bindKey, isRecorded, isDeclared, paused } of topic.queues.values()) {
        if (!isRecorded && (isDeclared || paused)) throw new Error(`directory: queue ${bindKey} is not recorded`);
        if (isRecorded && !topic.isRecorded)
          throw new Error(`directory: queue ${bindKey} is recorded before its topic`);
      }
    }
    for (const channel of this.#channels.byName.values()) {
      channel.invariants();
      const { name, queue } = channel;
      if (this.queues[queue.number] !== queue) throw new Error(`directory: channel ${name} is not in the table`);
    }
    this.#topicShares.invariants([...this.#topics.values()]);
    this.#channelShares.invariants([...this.#channels.byName.values()]);
  }

  /** Throws MEMORY_FULL. */
  #charge(bytes: number): void {
    if (!this.hasMemory(bytes)) {
      throw new ProtocolError("MEMORY_FULL", "the shard's memory budget is used; delete topics or raise --memory");
    }
    this.store.directoryBytes += bytes;
  }

  /** The first `max` topics, in the order of their names, however many queues they have. */
  first(max: number): Topic[] {
    const topics: Topic[] = [];
    for (const name of this.#names.after("")) {
      if (topics.length === max) break;
      const topic = this.#topics.get(name);
      if (topic !== undefined) topics.push(topic);
    }
    return topics;
  }

  /**
   * Up to `max` topics in the order of their names, from behind the name `after`, of those in `sight`; whether there are more, and
   * the last name that was looked at.
   */
  list(after: string, max: number, sight?: TopicPatterns): TopicList {
    const topics: Topic[] = [];
    let queues = 0;
    let looked = 0;
    let last = after;
    for (const name of this.#names.after(after)) {
      if (topics.length >= max || queues >= LISTING_QUEUES || looked >= LISTING_NAMES)
        return { topics, more: true, last };
      looked++;
      last = name;
      if (sight?.match(name) === false) continue;
      const topic = this.#topics.get(name);
      if (topic === undefined) throw new Error(`directory: the topic ${name} is listed and not there`);
      queues += topic.queues.size;
      topics.push(topic);
    }
    return { topics, more: false, last };
  }
}
