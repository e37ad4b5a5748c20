/** A topic as the specification describes it: a configuration, queues, counters, and where a route key leads. */
import { isDeepStrictEqual } from "node:util";
import type { ErrorName } from "../../../src/protocol/errors.js";
import { Failed } from "../../../src/protocol/failure.js";
import { EPOCH } from "../../../src/protocol/id.js";
import { DEFAULT_KEY, MAX_DELAY } from "../../../src/protocol/limits.js";
import { Reason } from "../../../src/protocol/run.js";
import type { TopicConfig } from "../../../src/shard/command.js";
import { retryDelay } from "../../../src/shard/messages/retry-policy.js";
import type { SeenFailure } from "./effects.js";
import { ModelKeys } from "./keys.js";
import { ModelProducers } from "./producers.js";
import { giveCredit, isAhead, type ModelMessage, ModelQueue, nextPlace } from "./queue.js";

/** A request that is refused. */
export class Refusal extends Error {
  constructor(readonly error: ErrorName) {
    super(error);
  }
}

const DEFAULTS: TopicConfig = {
  autoAck: false,
  mode: "exact",
  ttr: 60_000,
  retries: 5,
  retryDelay: 0,
  retryFactor: 2,
  retryMaxDelay: 0,
  retryJitter: 0,
  retryMaxAge: 0,
  brake: 0,
  dedupWindow: 600_000,
  dedupMessages: 100_000,
  maxKeys: 1_000_000,
  maxLength: 0,
  maxBytes: 0,
  overflow: "refuse",
  expired: "drop",
};

/** Route keys of mode `pattern`, and what they are: RE2 knows neither back references nor looking ahead. */
export const PATTERNS: ReadonlyMap<string, RegExp | undefined> = new Map([
  ["a", /a/],
  ["^a$", /^a$/],
  ["^(a|b)$", /^(a|b)$/],
  [".*", /.*/],
  ["b|default", /b|default/],
  ["[x-z]", /[x-z]/],
  ["(", undefined],
  ["(a)\\1", undefined],
  ["a(?=b)", undefined],
]);

/** What is said of a failure, and when the message is to be tried again; undefined: as the topic is configured. */
export interface ModelFailure extends Pick<SeenFailure, "how" | "consumer" | "reason"> {
  readonly delay: number | undefined;
}

export class ModelTopic {
  config = DEFAULTS;
  readonly queues = new Map<string, ModelQueue>();
  readonly producers = new ModelProducers();
  readonly keys = new ModelKeys(this.queues);
  /** It was configured. */
  isMeant = false;
  /** When a command has last named it; and when it was last named or seen in use by anybody. */
  namedAt: number;
  seenAt: number;
  readonly counters = {
    published: 0,
    delivered: 0,
    acked: 0,
    retried: 0,
    released: 0,
    dead: 0,
    expired: 0,
    dropped: 0,
  };

  constructor(
    readonly name: string,
    readonly startTime: number,
    readonly maxQueues: number,
  ) {
    this.namedAt = startTime;
    this.seenAt = startTime;
  }

  /** Nothing is in it, and nothing of it was asked for that should stay. */
  get isVoid(): boolean {
    const isPlain = isDeepStrictEqual(this.config, DEFAULTS);
    return isPlain && [...this.queues.values()].every((each) => !(each.isDeclared || each.paused || each.isInUse));
  }

  /** The queue of a bind key; `default` is made on first use. */
  use(key: string): ModelQueue {
    const bindKey = key || DEFAULT_KEY;
    const queue = this.queues.get(bindKey);
    if (queue !== undefined) return queue;
    if (bindKey !== DEFAULT_KEY) throw new Refusal("NO_QUEUE");
    return this.declare(bindKey);
  }

  declare(key: string): ModelQueue {
    const bindKey = key || DEFAULT_KEY;
    if (this.queues.has(bindKey)) throw new Refusal("QUEUE_EXISTS");
    if (this.queues.size === this.maxQueues) throw new Refusal("TOO_MANY_QUEUES");
    const queue = new ModelQueue(bindKey);
    this.queues.set(bindKey, queue);
    return queue;
  }

  /** The queue of a bind key, which must be there. */
  find(key: string): ModelQueue {
    const queue = this.queues.get(key || DEFAULT_KEY);
    if (queue === undefined) throw new Refusal("NO_QUEUE");
    return queue;
  }

  /** The queues that a route key reaches. */
  route(key: string): ModelQueue[] {
    if (key === "" || (this.config.mode === "exact" && key === DEFAULT_KEY)) return [this.use(DEFAULT_KEY)];
    if (this.config.mode === "exact") {
      const queue = this.queues.get(key);
      if (queue === undefined) throw new Refusal("NO_ROUTE");
      return [queue];
    }
    const pattern = PATTERNS.has(key) ? PATTERNS.get(key) : new RegExp(key);
    if (pattern === undefined) throw new Refusal("BAD_PATTERN");
    const reached = [...this.queues.values()].filter((queue) => pattern.test(queue.bindKey));
    if (reached.length > 0) return reached;
    if (key === DEFAULT_KEY) return [this.use(DEFAULT_KEY)];
    throw new Refusal("NO_ROUTE");
  }

  /** Throws BAD_PATTERN for a route key that is to be a pattern and is none. */
  assertPattern(key: string): void {
    if (key !== "" && this.config.mode === "pattern" && PATTERNS.has(key) && PATTERNS.get(key) === undefined) {
      throw new Refusal("BAD_PATTERN");
    }
  }

  /** To the dead letters. */
  bury(queue: ModelQueue, message: ModelMessage, reason: number, now: number, place = nextPlace()): void {
    message.reason = reason;
    message.diedAt = now;
    this.counters.dead++;
    queue.join(message, "dead", place);
  }

  /** The end of a time to live. */
  expire(queue: ModelQueue, message: ModelMessage, now: number, place = nextPlace()): void {
    this.counters.expired++;
    if (this.config.expired === "drop") queue.messages.delete(message.id);
    else this.bury(queue, message, Reason.EXPIRED, now, place);
  }

  /** A delivery ended without an ack: the message goes back to where it came from, or dies. */
  fail(queue: ModelQueue, message: ModelMessage, now: number, failure: ModelFailure, place = nextPlace()): void {
    this.returnCredit(message);
    message.isReturned = false;
    if (message.fromDead) {
      queue.join(message, "dead", place);
      return;
    }
    message.retry++;
    this.counters.retried++;
    const { how, consumer, reason, delay } = failure;
    message.failures = [...message.failures, { number: message.failures.length + 1, time: now, how, consumer, reason }];
    const wait = delay ?? this.#backOff(message);
    if (how === Failed.REJECTED) this.bury(queue, message, Reason.REJECTED, now, place);
    else if (message.retry > this.config.retries) this.bury(queue, message, Reason.RETRIES, now, place);
    else if (this.#isPastAge(message, now)) this.bury(queue, message, Reason.TOO_OLD, now, place);
    else if (message.expiry <= now) this.expire(queue, message, now, place);
    else if (wait > 0) this.delay(queue, message, now + wait, place);
    else queue.join(message, "ready", place);
  }

  /** What was re-driven begins anew. */
  #isPastAge({ id, isRedriven }: ModelMessage, now: number): boolean {
    const { retryMaxAge } = this.config;
    return !isRedriven && retryMaxAge > 0 && now - EPOCH - Number(id >> 22n) > retryMaxAge;
  }

  /** Twice as long each time, or whatever the factor is. Which share the jitter takes off is the shard's choice. */
  #backOff({ id, retry }: ModelMessage): number {
    const { retryDelay: first, retryFactor, retryMaxDelay, retryJitter } = this.config;
    if (retryJitter > 0) return retryDelay(this.config, retry, Number(id >> 32n), Number(id & 0xffff_ffffn));
    let delay = first;
    const cap = retryMaxDelay || MAX_DELAY;
    for (let i = 1; i < retry && delay < cap; i++) delay *= retryFactor;
    return Math.round(Math.min(delay, cap));
  }

  /** Nobody was handed the message: it goes back to where it stood. */
  release(queue: ModelQueue, message: ModelMessage, now: number, place = nextPlace()): void {
    this.returnCredit(message);
    this.counters.released++;
    if (!message.fromDead && message.expiry <= now) this.expire(queue, message, now, place);
    else queue.rejoin(message, message.fromDead ? "dead" : "ready");
  }

  /** An ack of a message in flight. */
  ack(queue: ModelQueue, message: ModelMessage): void {
    this.returnCredit(message);
    this.counters.acked++;
    queue.messages.delete(message.id);
  }

  /** Whoever held it holds it no longer: what no program was handed is given back, the rest has failed. */
  endLease(queue: ModelQueue, message: ModelMessage, now: number, how: number, place = nextPlace()): void {
    if (isAhead(message)) this.release(queue, message, now, place);
    else if (message.holder?.acksSeen === true) this.ack(queue, message);
    else {
      const consumer = message.holder?.client ?? "";
      this.fail(queue, message, now, { how, consumer, reason: "", delay: undefined }, place);
    }
  }

  delay(queue: ModelQueue, message: ModelMessage, due: number, place = nextPlace()): void {
    message.due = due;
    queue.join(message, "delayed", place);
  }

  /** The message leaves the hands of whom it was handed to. */
  returnCredit(message: ModelMessage): void {
    const { holder } = message;
    if (holder?.renew === true) giveCredit(holder, 1);
    message.holder = undefined;
  }

  /** What STATS tells. */
  stats(): unknown {
    const queues = [...this.queues.values()].map((queue) => ({
      bindKey: queue.bindKey,
      ready: queue.count("ready"),
      delayed: queue.count("delayed"),
      inFlight: queue.count("in-flight"),
      deadLetters: queue.count("dead"),
      bytes: queue.waiting().bytes,
      consumers: queue.consumers.length,
      paused: queue.paused,
      braked: false,
      rate: 0,
    }));
    return { name: this.name, config: this.config, startTime: this.startTime, ...this.counters, queues };
  }
}
