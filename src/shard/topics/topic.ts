/**
 * A topic: a configuration, its queues by bind key, and counters. It decides which queues a route key reaches.
 */
import {
  DEFAULT_DEDUP_MESSAGES,
  DEFAULT_DEDUP_WINDOW,
  DEFAULT_KEY,
  DEFAULT_MAX_KEYS,
  DEFAULT_RETRIES,
  DEFAULT_RETRY_FACTOR,
  DEFAULT_TTR,
} from "../../protocol/limits.js";
import { Durability } from "../../protocol/op.js";
import type { TopicConfig } from "../command.js";
import type { DirectoryEntry, DirectoryItem } from "../log/recorder.js";
import type { FailureHistories } from "../messages/failure-histories.js";
import type { Queue } from "../messages/queue.js";
import type { QueueTopic, RecordedQueue } from "../messages/queue-context.js";
import type { MessageKeys } from "./message-keys.js";
import type { Producers } from "./producers.js";
import { RouteCache, type RouteCacheBudget } from "./route-cache.js";

export const DEFAULT_CONFIG: TopicConfig = {
  autoAck: false,
  mode: "exact",
  ttr: DEFAULT_TTR,
  retries: DEFAULT_RETRIES,
  retryDelay: 0,
  retryFactor: DEFAULT_RETRY_FACTOR,
  retryMaxDelay: 0,
  retryJitter: 0,
  retryMaxAge: 0,
  brake: 0,
  dedupWindow: DEFAULT_DEDUP_WINDOW,
  dedupMessages: DEFAULT_DEDUP_MESSAGES,
  maxKeys: DEFAULT_MAX_KEYS,
  maxLength: 0,
  maxBytes: 0,
  overflow: "refuse",
  expired: "drop",
};

/** `usedAt` of a topic that was read back: nobody knows when it was used. */
export const UNKNOWN = Number.NEGATIVE_INFINITY;

const NO_QUEUES: readonly Queue[] = [];

const encoder = new TextEncoder();

export class Topic implements QueueTopic {
  readonly nameBytes: Uint8Array;
  config: TopicConfig;
  /** The configuration is the broker's default one. */
  hasDefaultConfig = true;
  /** Nobody has configured it: it has the default configuration of each broker that it is read back in. */
  #followsDefaults = true;
  isRecorded = false;
  /** When a command last named it or something was last seen in it; milliseconds since 1970, or `UNKNOWN`. */
  usedAt: number;
  level: number;
  readonly queues = new Map<string, Queue>();
  /** Those that number their messages; undefined: nobody has. */
  producers: Producers | undefined;
  /** Of its messages; undefined: none had one. */
  keys: MessageKeys | undefined;
  namedIn = 0;
  published = 0;
  /** When something was published last: milliseconds since 1970; 0: not since the start. */
  publishedAt = 0;
  delivered = 0;
  acked = 0;
  retried = 0;
  released = 0;
  dead = 0;
  expired = 0;
  dropped = 0;
  failures: FailureHistories | undefined;
  readonly #routes: RouteCache;

  constructor(
    readonly name: string,
    /** Milliseconds since 1970. */
    readonly startTime: number,
    /** `Durability` when the configuration names none. */
    readonly brokerLevel: number,
    /** The broker's configuration of topics that nobody has configured. */
    readonly defaults: TopicConfig,
    routeBudget: RouteCacheBudget,
    /** The connection that it was made for; undefined: it was read back. */
    readonly creator?: number,
  ) {
    this.config = defaults;
    this.level = brokerLevel;
    this.usedAt = startTime;
    this.#routes = new RouteCache(routeBudget);
    this.nameBytes = encoder.encode(name);
  }

  configure(config: TopicConfig): void {
    this.#set(config);
    this.#followsDefaults = false;
  }

  /** Takes over a recorded configuration; an empty one says that nobody has configured the topic. */
  restore(config: Partial<TopicConfig>): void {
    this.#set({ ...this.defaults, ...config });
    this.#followsDefaults = Object.keys(config).length === 0;
  }

  #set(config: TopicConfig): void {
    this.config = config;
    this.hasDefaultConfig = (Object.keys(config) as (keyof TopicConfig)[]).every(
      (key) => config[key] === this.defaults[key],
    );
    this.level = config.durability === undefined ? this.brokerLevel : Durability[config.durability];
    this.forgetRoutes();
  }

  /** Route keys are patterns. */
  get isPattern(): boolean {
    return this.config.mode === "pattern";
  }

  get entry(): DirectoryEntry {
    return ["topic", this.name, this.#followsDefaults ? {} : this.config, this.startTime];
  }

  entryOf({ number, bindKey, paused, isDeclared }: RecordedQueue): DirectoryEntry {
    return ["queue", number, this.name, bindKey, paused, isDeclared];
  }

  /** What is remembered of producers and keys, for a recovery. */
  *remembered(): Iterable<DirectoryItem> {
    if (this.producers !== undefined) yield* this.producers.parts();
    if (this.keys !== undefined) yield* this.keys.parts();
  }

  /**
   * It is empty, nobody waits at it, and using it again would make it just as it is. Producers that are over: `expire`; keys:
   * `sweep`.
   */
  get isForgettable(): boolean {
    if (!this.hasDefaultConfig || (this.producers?.size ?? 0) + (this.keys?.size ?? 0) > 0) return false;
    for (const queue of this.queues.values()) if (queue.isDeclared || queue.paused || queue.isInUse) return false;
    return true;
  }

  /** To be called when queues are added or removed, or the route mode changes. */
  forgetRoutes(): void {
    this.#routes.clear();
  }

  /** The queues that a route key reaches. Undefined: a pattern that is not in the cache, and must be matched. */
  route(routeKey: string): readonly Queue[] | undefined {
    if (this.isPattern && routeKey !== "") return this.#routes.find(routeKey);
    return this.queues.get(routeKey || DEFAULT_KEY)?.asRoute ?? NO_QUEUES;
  }

  /** A pattern has been matched: these are the queues that it reaches. */
  remember(routeKey: string, queues: readonly Queue[]): void {
    this.#routes.add(routeKey, queues);
  }

  /** What STATS answers; docs/protocol.md lists it. */
  stats(): Record<string, unknown> {
    return {
      name: this.name,
      config: this.config,
      startTime: this.startTime,
      published: this.published,
      delivered: this.delivered,
      acked: this.acked,
      retried: this.retried,
      released: this.released,
      dead: this.dead,
      expired: this.expired,
      dropped: this.dropped,
      queues: [...this.queues.values()].map((queue) => ({
        bindKey: queue.bindKey,
        ready: queue.readyCount,
        delayed: queue.delayedCount,
        inFlight: queue.inFlightCount,
        deadLetters: queue.deadCount,
        bytes: queue.bytes,
        consumers: queue.consumers?.active ?? 0,
        paused: queue.paused,
        braked: queue.brake?.isOn ?? false,
        rate: queue.brake?.rate ?? 0,
      })),
    };
  }
}
