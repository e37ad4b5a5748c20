/**
 * A topic: a configuration, its queues by bind key, and counters. It decides which queues a route key reaches.
 */
import { DEFAULT_KEY } from "../../protocol/limits.js";
import { Durability } from "../../protocol/op.js";
import type { TopicConfig } from "../command.js";
import type { DirectoryEntry } from "../log/recorder.js";
import type { Queue } from "../messages/queue.js";
import { type RouteMemory, wordsOf } from "./route-memory.js";

export const DEFAULT_CONFIG: TopicConfig = {
  autoAck: false,
  mode: "exact",
  ttr: 60_000,
  retries: 5,
  maxLength: 0,
  maxBytes: 0,
  overflow: "refuse",
  expired: "drop",
};

/** `usedAt` of a topic that was read back: when it was used before. */
export const UNKNOWN = Number.NEGATIVE_INFINITY;

/** Patterns that a topic remembers: enough for what publishers repeat, bounded for those who never do. */
const REMEMBERED_ROUTES = 256;

const NOWHERE: readonly Queue[] = [];

const encoder = new TextEncoder();

export class Topic {
  readonly nameBytes: Uint8Array;
  config: TopicConfig = DEFAULT_CONFIG;
  /** The configuration says what that of every topic does. */
  isPlain = true;
  /** The journal knows of it, or would if there were one. */
  isRecorded = false;
  /** When a command has last named it, or something was seen in it; milliseconds since 1970, or `UNKNOWN`. */
  usedAt: number;
  /** `Durability` of its messages. */
  level: number;
  readonly queues = new Map<string, Queue>();
  /** The last segment that names it: see checkpoint.ts. */
  namedIn = 0;
  published = 0;
  delivered = 0;
  acked = 0;
  retried = 0;
  dead = 0;
  expired = 0;
  dropped = 0;
  /** By pattern: the queues that it reaches; and what they take of the memory for all. */
  readonly #routes = new Map<string, readonly Queue[]>();
  #routeWords = 0;

  constructor(
    readonly name: string,
    /** Milliseconds since 1970. */
    readonly startTime: number,
    /** `Durability` when the configuration names none. */
    readonly brokerLevel: number,
    readonly memory: RouteMemory,
    /** The connection that it was made for; undefined: before the broker started. */
    readonly maker?: number,
  ) {
    this.level = brokerLevel;
    this.usedAt = startTime;
    this.nameBytes = encoder.encode(name);
  }

  configure(config: TopicConfig): void {
    this.config = config;
    this.isPlain = (Object.keys(config) as (keyof TopicConfig)[]).every((key) => config[key] === DEFAULT_CONFIG[key]);
    this.level = config.durability === undefined ? this.brokerLevel : Durability[config.durability];
    this.forgetRoutes();
  }

  /** Route keys are patterns. */
  get isPattern(): boolean {
    return this.config.mode === "pattern";
  }

  /** What a recovery makes it again of. */
  get entry(): DirectoryEntry {
    return ["topic", this.name, this.config, this.startTime];
  }

  /** Nothing is in it, nobody waits at it, and it would come again by itself as it is. */
  get isVoid(): boolean {
    if (!this.isPlain) return false;
    for (const queue of this.queues.values()) if (queue.isDeclared || queue.paused || queue.isInUse) return false;
    return true;
  }

  /** Queues have come or gone, or the route mode has changed. */
  forgetRoutes(): void {
    if (this.#routes.size === 0) return;
    this.#routes.clear();
    this.memory.giveBack(this, this.#routeWords);
    this.#routeWords = 0;
  }

  /** The queues that a route key reaches; none: it reaches nothing. Undefined: that must be found out by a `Routing`. */
  route(routeKey: string): readonly Queue[] | undefined {
    if (this.isPattern && routeKey !== "") return this.#routes.get(routeKey);
    return this.queues.get(routeKey || DEFAULT_KEY)?.alone ?? NOWHERE;
  }

  /** Of a pattern that has been matched. */
  remember(routeKey: string, queues: readonly Queue[]): void {
    if (this.#routes.size >= REMEMBERED_ROUTES) this.forgetRoutes();
    const words = wordsOf(routeKey, queues);
    this.memory.take(this, words);
    this.#routeWords += words;
    this.#routes.set(routeKey, queues);
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
        consumers: [...queue.consumers].filter((consumer) => !consumer.isPop && !consumer.stopped).length,
        paused: queue.paused,
      })),
    };
  }
}
