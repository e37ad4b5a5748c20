/**
 * A shard: the state machine that owns a part of the topics. `apply` takes a command, `turn` plays time and hands out
 * what is ready. No clock, no I/O, no randomness: the same commands at the same times have the same effects.
 *
 * This file only puts the parts together and hands each command to its part. `Store` has the messages, `Directory` the
 * topics and queues, `Connections` the consumers; the other parts carry out commands.
 */
import { ProtocolError } from "../protocol/errors.js";
import { MAX_FRAME_BYTES } from "../protocol/limits.js";
import { Durability } from "../protocol/op.js";
import { ChannelAdministration } from "./channels/channel-administration.js";
import { ChannelUpkeep } from "./channels/channel-upkeep.js";
import { Channels } from "./channels/channels.js";
import type { Command, Seen } from "./command.js";
import { MemoryCompaction } from "./compaction/memory-compaction.js";
import { ConnectionCommands } from "./connection-commands.js";
import { Connections } from "./consumers/connections.js";
import type { ListCommand } from "./consumers/consumer.js";
import { ConsumerCommands } from "./consumers/consumer-commands.js";
import { listConsumers } from "./consumers/consumer-list.js";
import { Deletion } from "./consumers/deletion.js";
import { Dispatcher } from "./consumers/dispatcher.js";
import { Explanations } from "./consumers/explanations.js";
import { type SettleCommand, Settlement } from "./consumers/settlement.js";
import type { Effects } from "./effects.js";
import * as ext from "./messages/extent.js";
import { IdAllocator, type IdSource } from "./messages/id-allocator.js";
import { checkMessages } from "./messages/invariants.js";
import { Store, type StoreOptions } from "./messages/store.js";
import type { Steps } from "./steps.js";
import { Administration } from "./topics/administration.js";
import { BatchAppender, type Refusal } from "./topics/batch-appender.js";
import { CHANNEL_DEFAULTS, type ChannelDefaults } from "./topics/channel-defaults.js";
import { Directory, type DirectoryLimits, type TopicDefaults } from "./topics/directory.js";
import { IdleTopics } from "./topics/idle-topics.js";
import { Publisher } from "./topics/publisher.js";
import { UnfinishedCommands } from "./unfinished-commands.js";

export interface ShardLimits extends DirectoryLimits {
  /** Consumers, waiting pops and subscriptions. */
  readonly maxConsumers: number;
  /** How many of these one connection may have. Default: all. */
  readonly maxConsumersPerConnection?: number;
  /** Bytes of a frame that messages are delivered in. Default `MAX_FRAME_BYTES`. */
  readonly maxFrameBytes?: number;
}

export interface ShardOptions extends Pick<StoreOptions, "hashSecret" | "life" | "markSteps"> {
  readonly effects: Effects;
  readonly ids: IdSource;
  /** 1 to 1,024. */
  readonly node: number;
  /** How many shards share `ids`. Default 1. */
  readonly shards?: number;
  readonly limits: ShardLimits;
  /** Of topics that nobody has configured. Default: `DEFAULT_CONFIG` of topic.ts. */
  readonly topicDefaults?: TopicDefaults;
  /** Of channels that nobody has configured. Default: `CHANNEL_DEFAULTS`. */
  readonly channelDefaults?: Partial<ChannelDefaults>;
  /** Memory budget in bytes: publishes that would exceed it are refused. */
  readonly memoryBytes: number;
  /** Whether so much is on its way to clients that what can wait should. Default: never. */
  readonly isCrowded?: () => boolean;
  /** Milliseconds since 1970 at the start. Default 0. */
  readonly now?: number;
  /** Bytes of a page of the log; default `PAGE_BYTES` of log.ts. */
  readonly pageBytes?: number;
  /** Memory for pages that are on disk as well; default `PAGE_CACHE_BYTES` of pages.ts. */
  readonly pageCacheBytes?: number | undefined;
  /** Bytes of a segment of the journal; undefined: there is no journal. */
  readonly segmentBytes?: number | undefined;
  /** Extents that a step of a long command may move or drop; default `STEP_EXTENTS` of steps.ts. */
  readonly stepExtents?: number | undefined;
  /** Bytes of the directory at the head of a segment; default `HEAD_BYTES` of checkpoint.ts. */
  readonly headBytes?: number | undefined;
  /** `Durability` where a topic does not say otherwise. Default memory. */
  readonly level?: number | undefined;
  /** Memory for what is known of failures; default an eighth of `memoryBytes`. */
  readonly maxFailureBytes?: number | undefined;
  /** The number of this shard, for the heads of segments. Default 0. */
  readonly shard?: number | undefined;
}

/** Timers that a turn fires at most: a few milliseconds of work. */
const TURN_TIMERS = 2048;

/** Milliseconds until a timer whose record would wait for the journal is looked at again. */
const STANDSTILL_WAIT = 1_000;

/** Commands that never take several steps. */
type ImmediateCommand = Exclude<
  Command,
  | SettleCommand
  | { op: "publish" | "seen" | "stop" | "purge" | "deleteQueue" | "explain" }
  | { op: "deleteTopic" | "disconnect" | "configureChannel" | "deleteChannel" }
>;

/** Whether a command is of those that are never answered. */
const hasNoAnswer = ({ op }: Command): boolean =>
  op === "credit" || op === "seen" || op === "answered" || op === "channelCredit";

const LOOKS: ReadonlySet<Command["op"]> = new Set([
  "stats",
  "topics",
  "consumers",
  "explain",
  "browse",
  "find",
  "delayed",
  "deadGroups",
  "lookup",
  "channelStats",
  "channels",
]);

/** Whether it shows things as they are at this moment, and promises nothing. */
const isLook = ({ op }: Command): boolean => LOOKS.has(op);

/** The key of a disconnect among the unfinished commands: that of the connection's own command stays free. */
const disconnectKey = (connection: number): number => -1 - connection;

export class Shard {
  readonly store: Store;
  readonly directory: Directory;
  readonly connections: Connections;
  readonly #appender: BatchAppender;
  readonly #publisher: Publisher;
  readonly #dispatcher: Dispatcher;
  readonly #consumerCommands: ConsumerCommands;
  readonly #connectionCommands: ConnectionCommands;
  readonly #settlement: Settlement;
  readonly #channels: Channels;
  readonly #channelAdministration: ChannelAdministration;
  readonly #upkeep: ChannelUpkeep;
  readonly #administration: Administration;
  readonly #deletion: Deletion;
  readonly #explanations: Explanations;
  readonly #compaction: MemoryCompaction;
  readonly #idle: IdleTopics;
  readonly #memoryBytes: number;
  /** Whether the budget allows so many more bytes. Takes pages out of memory for them. */
  readonly #hasMemory: (growth: number) => boolean;
  readonly #unfinished = new UnfinishedCommands();

  constructor(options: ShardOptions) {
    const { limits } = options;
    const store = new Store(options.effects, options.now ?? 0, options.level ?? Durability.memory, options);
    const hasMemory = (growth: number): boolean => {
      const excess = this.bytes + growth - options.memoryBytes;
      if (excess <= 0) return true;
      store.log.pages.evict(excess);
      return this.bytes + growth <= options.memoryBytes;
    };
    store.log.pages.pressure = () => this.bytes - options.memoryBytes;
    const channelDefaults = { ...CHANNEL_DEFAULTS, ...options.channelDefaults };
    const { headBytes, topicDefaults } = options;
    const directory = new Directory(store, limits, hasMemory, headBytes, topicDefaults, channelDefaults);
    const connections = new Connections(
      store,
      limits.maxConsumers,
      limits.maxConsumersPerConnection ?? limits.maxConsumers,
    );
    const ids = new IdAllocator(options.ids, options.node, options.shards ?? 1);
    this.store = store;
    this.directory = directory;
    this.connections = connections;
    this.#memoryBytes = options.memoryBytes;
    this.#hasMemory = hasMemory;
    this.#appender = new BatchAppender(store, directory, ids, hasMemory);
    this.#publisher = new Publisher(store, directory, this.#appender);
    const maxFrameBytes = limits.maxFrameBytes ?? MAX_FRAME_BYTES;
    const isCrowded = options.isCrowded ?? (() => false);
    const answerList = (c: ListCommand): void => this.#answerList(c);
    this.#dispatcher = new Dispatcher(store, directory, connections, maxFrameBytes, answerList, isCrowded);
    this.#consumerCommands = new ConsumerCommands(store, directory, connections);
    this.#settlement = new Settlement(store, directory, connections);
    this.#channels = new Channels(
      store,
      directory,
      this.#appender,
      connections,
      limits.maxTopics,
      channelDefaults,
      maxFrameBytes,
      isCrowded,
    );
    this.#channelAdministration = new ChannelAdministration(store, directory, this.#appender, this.#channels);
    const upkeep = new ChannelUpkeep(
      store,
      directory,
      this.#channels,
      this.#channelAdministration,
      limits.topicIdle ?? Number.POSITIVE_INFINITY,
      () => this.#appender.refusal !== undefined,
    );
    this.#upkeep = upkeep;
    this.#channels.onTimed = (time) => upkeep.hurry(time);
    this.#connectionCommands = new ConnectionCommands(store, connections, this.#dispatcher, this.#channels);
    this.#compaction = new MemoryCompaction(store);
    this.#idle = new IdleTopics(
      directory,
      limits.topicIdle ?? Number.POSITIVE_INFINITY,
      (name) => this.#dispatcher.hasDeferred(name),
      // When publishes are refused, the journal has no room for records that can wait.
      () => this.#appender.refusal !== undefined,
      (topic) => directory.forget(topic),
    );
    this.#administration = new Administration(store, directory);
    const view = () => ({ refusal: this.#appender.refusal, isCrowded: isCrowded() });
    this.#explanations = new Explanations(store, directory, connections, view);
    this.#deletion = new Deletion(store, directory, connections, this.#dispatcher);
    store.log.onSegment = () => {
      const isWhole = directory.beginSegment();
      store.recorder.ids(this.idCeiling, store.level);
      return isWhole;
    };
  }

  /** No id of a later millisecond (since the EPOCH of ids) has been handed out by this shard. */
  get idCeiling(): number {
    return this.#appender.idCeiling;
  }

  set idCeiling(millisecond: number) {
    this.#appender.idCeiling = millisecond;
  }

  /** Why publishes that the journal must keep are refused at present; undefined: they are not. */
  set refusal(refusal: Refusal | undefined) {
    this.#appender.refusal = refusal;
  }

  get refusal(): Refusal | undefined {
    return this.#appender.refusal;
  }

  /**
   * Why what would wait for the journal stays as it is at present: messages whose delivery makes a record are in their
   * queues, and leases do not end. Undefined: it does not.
   */
  set standstill(refusal: Refusal | undefined) {
    const { store } = this;
    const hasEnded = store.standstill !== undefined && refusal === undefined;
    store.standstill = refusal;
    if (!hasEnded) return;
    for (const queue of this.directory.queues)
      if (queue !== undefined && queue.readyCount > 0) queue.consumers?.onReady();
  }

  /** The last command of a connection is not finished. */
  isUnfinished(connection: number): boolean {
    return this.#unfinished.has(connection);
  }

  /** Memory in use by messages, topics and the backlogs of channels. */
  get bytes(): number {
    return this.store.bytes + this.#channels.bytes;
  }

  /**
   * Carries out a command at `now`, milliseconds since 1970. Its errors are answered, never thrown. False: only a step
   * of it is done; apply it again, before anything else of its connection.
   */
  apply(c: Command, now: number): boolean {
    this.#advance(now);
    const { store } = this;
    store.before = store.log.position;
    try {
      return this.#apply(c);
    } catch (error) {
      if (!(error instanceof ProtocolError) || !("request" in c)) throw error;
      const requests = c.op === "publish" ? c.requests : hasNoAnswer(c) ? 0 : 1;
      for (let i = 0; i < requests; i++) {
        store.effects.fail(c.connection, c.request + i, error.kind, error.message, isLook(c));
      }
      return true;
    } finally {
      this.directory.tidy();
    }
  }

  /** A connection has said what it calls itself. It is known by that name until `disconnect`. */
  name(connection: number, name: string): void {
    this.connections.name(connection, name);
  }

  /** From now on lists show a connection the topics and channels of these patterns alone, until `disconnect`. */
  sees(connection: number, patterns: readonly string[]): void {
    this.connections.sees(connection, patterns);
  }

  /** Carries out that part of a SEEN which takes no time: what it says is known, and what follows of it comes later. */
  see(c: Seen): void {
    this.#consumerCommands.see(c);
  }

  /**
   * Fires the timers that are due and hands ready messages to consumers and waiting pops, a bounded amount of work.
   * Answers when to call again, which may be now; Infinity: after the next command.
   */
  turn(now: number): number {
    this.#advance(now);
    const { store } = this;
    store.before = Number.POSITIVE_INFINITY;
    this.#compaction.run();
    // Only when memory is short: under a changing load it is cheaper to keep the tables.
    if (store.extents.live === 0 && store.bytes > this.#memoryBytes / 2) store.shrink();
    const moreTimers = store.wheel.advance(store.now, this.#fire, TURN_TIMERS);
    const nextMessages = this.#dispatcher.turn();
    const nextMissed = this.#channels.turn(store.now);
    const nextIdle = this.#idle.turn(store.now);
    const nextUpkeep = this.#upkeep.turn(store.now);
    const moreNames = this.directory.step(this.#appender.refusal !== undefined);
    if (moreTimers || moreNames) return store.now;
    return Math.min(store.wheel.nextDue(), nextMessages, nextMissed, nextIdle, nextUpkeep);
  }

  /** Throws when the data contradicts itself. Looks at all of it: for tests. */
  invariants(): void {
    checkMessages(this.store, this.directory.queues);
    this.directory.invariants();
    this.#dispatcher.invariants();
    this.#channels.invariants();
  }

  /** Time never steps back, whatever the caller's clock does. */
  #advance(now: number): void {
    if (now <= this.store.now) return;
    this.store.now = now;
    this.store.log.now = now;
  }

  #apply(c: Command): boolean {
    const unfinished = this.#unfinished;
    switch (c.op) {
      case "publish":
        if (!unfinished.has(c.connection) && this.#publisher.publish(c)) return true;
        return unfinished.step(c, () => this.#publisher.steps(c));
      case "ack":
      case "nack":
      case "release":
      case "touch":
      case "cancel":
      case "reschedule":
      case "redrive":
      case "dropDead":
        if (!unfinished.has(c.connection) && this.#settlement.settle(c)) return true;
        return unfinished.step(c, () => this.#settlement.steps(c));
      case "seen":
        if (!unfinished.has(c.connection) && this.#consumerCommands.see(c)) return true;
        return unfinished.step(c, () => this.#consumerCommands.seen(c));
      case "stop":
        return unfinished.step(c, () => this.#consumerCommands.stop(c));
      case "purge":
        return unfinished.step(c, () => this.#administration.purge(c));
      case "explain":
        return unfinished.step(c, () => this.#explanations.steps(c));
      case "deleteQueue":
        return unfinished.step(c, () => this.#deletion.deleteQueue(c), c.connection, true);
      case "deleteTopic":
        return unfinished.step(c, () => this.#deletion.deleteTopic(c), c.connection, true);
      case "configureChannel":
        return unfinished.step(c, () => this.#channelAdministration.configure(c), c.connection, true);
      case "deleteChannel":
        return unfinished.step(c, () => this.#channelAdministration.delete(c), c.connection, true);
      case "disconnect":
        return unfinished.step(c, () => this.#disconnect(c.connection), disconnectKey(c.connection));
      default:
        this.#applyAtOnce(c);
        return true;
    }
  }

  #applyAtOnce(c: ImmediateCommand): void {
    switch (c.op) {
      case "credit":
        return this.#consumerCommands.credit(c);
      case "answered":
        return this.#publisher.answered(c);
      case "pop":
      case "popDead":
      case "browse":
      case "find":
      case "delayed":
      case "deadGroups":
      case "lookup":
        return this.#dispatcher.fetch(c);
      case "consume":
        return this.#consumerCommands.consume(c);
      case "publishChannel":
        // What subscribers have missed goes before pages that are on disk as well.
        this.#hasMemory(c.end - c.start);
        return this.#channels.publish(c, this.#memoryBytes - this.store.bytes);
      case "stats":
      case "topics":
      case "consumers":
      case "channelStats":
      case "channels":
        return this.#dispatcher.list(c);
      case "channelCredit":
        return this.#channels.credit(c);
      case "subscribe":
        return this.#channels.subscribe(c);
      case "unsubscribe":
        return this.#channels.unsubscribe(c);
      case "configure":
        return this.#administration.configure(c);
      case "declareQueue":
        return this.#administration.declareQueue(c);
      case "pause":
      case "resume":
        return this.#administration.pause(c);
      case "hold":
        return this.#connectionCommands.hold(c.connection);
      case "unhold":
        return this.#connectionCommands.unhold(c.connection);
    }
  }

  #answerList(c: ListCommand): void {
    switch (c.op) {
      case "stats":
        return this.#administration.stats(c);
      case "topics":
        return this.#administration.topics(c, this.connections.sightOf(c.connection));
      case "consumers":
        return listConsumers(this.connections, this.store.effects, c);
      case "channelStats":
        return this.#channelAdministration.stats(c);
      case "channels":
        return this.#channelAdministration.list(c, this.connections.sightOf(c.connection));
    }
  }

  #disconnect(connection: number): Steps {
    return this.#connectionCommands.disconnect(connection, this.#unfinished.abandon(connection));
  }

  readonly #fire = (extent: number): void => {
    const { extents, now, standstill, log, wheel } = this.store;
    if (standstill !== undefined && log.pages.isKept(extents.get(extent, ext.PAGE))) {
      return wheel.schedule(extent, now + STANDSTILL_WAIT);
    }
    const queue = this.directory.queues[extents.get(extent, ext.QUEUE)];
    if (queue === undefined) throw new Error(`shard: extent ${extent} is of a queue that is gone`);
    queue.onTimer(extent, now);
  };
}
