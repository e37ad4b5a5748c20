/**
 * What each request takes beside its messages. Every method throws BAD_ARGUMENT for the first argument that is not that.
 */
import { MAX_BROWSE } from "../protocol/limits.js";
import {
  badArgument,
  checkChoice,
  checkDuration,
  checkFlag,
  checkKey,
  checkName,
  checkTimeout,
  checkWhole,
} from "./arguments.js";
import { checkOptions, type Known, OPTIONS } from "./known-options.js";
import type {
  BrowseOptions,
  ConsumeOptions,
  NackOptions,
  PopDeadOptions,
  PopOptions,
  PublishOptions,
  PurgeOptions,
  QueueOptions,
  SubscribeOptions,
  TouchOptions,
} from "./options.js";

const MAX_U32 = 0xffff_ffff;
const STATES = ["ready", "delayed", "in-flight", "dead"];

export class RequestChecks {
  readonly #maxNameBytes: number;

  constructor(maxNameBytes: number) {
    this.#maxNameBytes = maxNameBytes;
  }

  name(what: string, value: unknown): void {
    checkName(what, value, this.#maxNameBytes);
  }

  /** A queue that must be named. */
  queue(value: unknown): void {
    if (value === undefined) throw badArgument("queue", value, `text of at most ${this.#maxNameBytes} bytes`);
    checkKey("queue", value, this.#maxNameBytes);
  }

  /** A topic, and options of which one may be a queue. */
  topic(topic: unknown, options: QueueOptions, names: Known): void {
    this.name("topic", topic);
    checkOptions(options, names);
    checkKey("queue", options.queue, this.#maxNameBytes);
  }

  publish(topic: unknown, { routeKey, delay, ttl }: PublishOptions): void {
    this.name("topic", topic);
    checkKey("routeKey", routeKey, this.#maxNameBytes);
    checkDuration("delay", delay);
    checkDuration("ttl", ttl);
  }

  pop(topic: unknown, options: PopOptions): void {
    this.topic(topic, options, OPTIONS.pop);
    this.#amount(options);
    checkTimeout("wait", options.wait);
  }

  popDead(topic: unknown, options: PopDeadOptions): void {
    this.topic(topic, options, OPTIONS.popDead);
    this.#amount(options);
  }

  consume(topic: unknown, options: ConsumeOptions): void {
    this.topic(topic, options, OPTIONS.consume);
    checkWhole("prefetch", options.prefetch, 1, MAX_U32);
  }

  browse(topic: unknown, options: BrowseOptions): void {
    this.topic(topic, options, OPTIONS.browse);
    checkChoice("state", options.state, STATES);
    checkWhole("offset", options.offset, 0, MAX_U32);
    checkWhole("max", options.max, 1, MAX_BROWSE);
    checkWhole("maxBytes", options.maxBytes, 1, MAX_U32);
  }

  purge(topic: unknown, options: PurgeOptions): void {
    this.topic(topic, options, OPTIONS.purge);
    checkChoice("state", options.state, [...STATES, "all"]);
  }

  subscribe(channel: unknown, options: SubscribeOptions): void {
    this.name("channel", channel);
    checkOptions(options, OPTIONS.subscribe);
    checkChoice("overflow", options.overflow, ["drop-oldest", "disconnect"]);
    const { onLost } = options;
    if (onLost !== undefined && typeof onLost !== "function") throw badArgument("onLost", onLost, "a function");
  }

  #amount({ max, maxBytes }: PopDeadOptions): void {
    checkWhole("max", max, 1, MAX_U32);
    checkWhole("maxBytes", maxBytes, 1, MAX_U32);
  }
}

export const checkNack = (options: NackOptions, names = OPTIONS.nack): void => {
  checkOptions(options, names);
  checkDuration("delay", options.delay);
  checkFlag("reject", options.reject);
};

export const checkTouch = (options: TouchOptions, names = OPTIONS.touch): void => {
  checkOptions(options, names);
  checkDuration("ttr", options.ttr);
};
