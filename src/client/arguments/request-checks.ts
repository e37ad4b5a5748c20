/**
 * Checks of the arguments of each request. Every method throws BAD_ARGUMENT for the first wrong one, and returns the
 * options that it has read.
 */

import { formatId, parseId } from "../../protocol/id.js";
import { MAX_BROWSE, MAX_CALL_CREDIT, MAX_CALL_TIMEOUT } from "../../protocol/limits.js";
import { OVERFLOWS } from "../../protocol/subscribe-options.js";
import {
  badArgument,
  checkDuration,
  checkFlag,
  checkObject,
  checkSignal,
  checkTimeout,
  readFrom,
} from "./argument-checks.js";
import { OPTIONS, type OptionNames, readOptions } from "./option-reader.js";
import type {
  BrowseOptions,
  ConsumeOptions,
  DrainOptions,
  NackOptions,
  PopDeadOptions,
  PopOptions,
  Prefetch,
  PurgeOptions,
  QueueOptions,
  RequestOptions,
  RespondOptions,
  SubscribeOptions,
  TouchOptions,
} from "./options.js";
import { PublishChecks } from "./publish-checks.js";
import { readReason } from "./reason.js";
import { REQUEST_OPTIONS } from "./request-options.js";
import { checkChoice, checkWait, checkWhole } from "./value-checks.js";

const MAX_U32 = 0xffff_ffff;
const STATES = ["ready", "delayed", "in-flight", "dead"];

/** Options of a nack that have been read. */
export interface ReadNackOptions extends NackOptions {
  readonly reason?: string | undefined;
}

export class RequestChecks extends PublishChecks {
  /** A topic, and options that may have a queue. */
  topic<T extends QueueOptions>(topic: unknown, options: T, names: OptionNames): T {
    this.name("topic", topic);
    const read = readOptions(options, names);
    this.key("queue", read.queue);
    return read;
  }

  pop(topic: unknown, options: PopOptions): PopOptions {
    const read = this.topic(topic, options, REQUEST_OPTIONS.pop);
    checkAmount(read);
    checkWait("wait", read.wait);
    return read;
  }

  popDead(topic: unknown, options: PopDeadOptions): PopDeadOptions {
    const read = this.topic(topic, options, REQUEST_OPTIONS.popDead);
    checkAmount(read);
    return read;
  }

  consume(topic: unknown, options: ConsumeOptions): ConsumeOptions {
    const read = this.topic(topic, options, REQUEST_OPTIONS.consume);
    return { ...read, prefetch: readPrefetch(read.prefetch) };
  }

  nackById(topic: unknown, options: QueueOptions & NackOptions): QueueOptions & ReadNackOptions {
    return checkedNack(this.topic(topic, options, REQUEST_OPTIONS.nackById));
  }

  touchById(topic: unknown, options: QueueOptions & TouchOptions): QueueOptions & TouchOptions {
    const read = this.topic(topic, options, REQUEST_OPTIONS.touchById);
    checkTouch(read);
    return read;
  }

  browse(topic: unknown, options: BrowseOptions): BrowseOptions {
    const read = this.topic(topic, options, REQUEST_OPTIONS.browse);
    checkChoice("state", read.state, STATES);
    checkWhole("offset", read.offset, 0, MAX_U32);
    checkWhole("max", read.max, 1, MAX_BROWSE);
    checkWhole("maxBytes", read.maxBytes, 1, MAX_U32);
    return read;
  }

  purge(topic: unknown, options: PurgeOptions): PurgeOptions {
    const read = this.topic(topic, options, REQUEST_OPTIONS.purge);
    checkChoice("state", read.state, [...STATES, "all"]);
    return read;
  }

  request(channel: unknown, options: RequestOptions): RequestOptions {
    this.name("channel", channel);
    const read = readOptions(options, REQUEST_OPTIONS.request);
    checkWhole("timeout", read.timeout, 1, MAX_CALL_TIMEOUT);
    checkSignal("signal", read.signal);
    return read;
  }

  respond(channel: unknown, handler: unknown, options: RespondOptions): RespondOptions {
    this.name("channel", channel);
    if (typeof handler !== "function") throw badArgument("handler", handler, "a function");
    const read = readOptions(options, REQUEST_OPTIONS.respond);
    checkWhole("concurrency", read.concurrency, 1, MAX_CALL_CREDIT);
    return read;
  }

  subscribe(channel: unknown, options: SubscribeOptions): SubscribeOptions {
    this.name("channel", channel);
    const read = readOptions(options, REQUEST_OPTIONS.subscribe);
    checkChoice("overflow", read.overflow, OVERFLOWS);
    checkFlag("recover", read.recover);
    checkCountOrAuto("credit", read.credit);
    checkFunction("onLost", read.onLost);
    checkFunction("onResumed", read.onResumed);
    return { ...read, from: readFromOption(read.from) };
  }
}

const checkFunction = (what: string, value: unknown): void => {
  if (value !== undefined && typeof value !== "function") throw badArgument(what, value, "a function");
};

const MAX_PREFETCH_MIN = 65_536;

/** A copy of it, read once. */
const readPrefetch = (prefetch: Prefetch | undefined): Prefetch | undefined => {
  if (typeof prefetch !== "object") {
    checkCountOrAuto("prefetch", prefetch);
    return prefetch;
  }
  const { min } = readOptions(prefetch, REQUEST_OPTIONS.prefetch);
  if (min === undefined) throw badArgument("prefetch.min", min, "a whole number from 1 to 65,536");
  checkWhole("prefetch.min", min, 1, MAX_PREFETCH_MIN);
  return { min };
};

const checkCountOrAuto = (what: string, value: unknown): void => {
  if (value === undefined || value === "auto") return;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_U32) return;
  throw badArgument(what, value, 'a whole number from 1 to 4,294,967,295, or "auto"');
};

const START = '"now", "start", a Date, or an object with a position';

/** A copy of it: the program may change its Date. */
const readFromOption = (from: SubscribeOptions["from"]): SubscribeOptions["from"] => {
  if (from === undefined || from === "now" || from === "start") return from;
  if (from instanceof Date) {
    const time = readFrom("from", () => from.getTime());
    if (!Number.isSafeInteger(time) || time < 0) throw badArgument("from", from, "a valid Date from 1970 on");
    return new Date(time);
  }
  checkObject("from", from, START);
  const { position, epoch } = readOptions(from, REQUEST_OPTIONS.position);
  if (position === undefined) throw badArgument("from.position", position, "a whole number from 0 on");
  checkWhole("from.position", position, 0, Number.MAX_SAFE_INTEGER);
  const id = typeof epoch === "string" ? parseId(epoch) : undefined;
  if (epoch !== undefined && id === undefined) throw badArgument("from.epoch", epoch, "the epoch of a subscription");
  return id === undefined ? { position } : { position, epoch: formatId(id.high, id.low) };
};

const checkAmount = ({ max, maxBytes }: PopDeadOptions): void => {
  checkWhole("max", max, 1, MAX_U32);
  checkWhole("maxBytes", maxBytes, 1, MAX_U32);
};

/** The same, with the reason as text. */
const checkedNack = <T extends NackOptions>(options: T): T & ReadNackOptions => {
  checkDuration("delay", options.delay);
  checkFlag("retry", options.retry);
  return { ...options, reason: readReason(options.reason) };
};

const checkTouch = ({ ttr }: TouchOptions): void => checkDuration("ttr", ttr);

/** Reads and checks the options of a nack. */
export const readNack = (options: NackOptions): ReadNackOptions =>
  checkedNack(readOptions(options, REQUEST_OPTIONS.nack));

/** Reads and checks the options of a touch. */
export const readTouch = (options: TouchOptions): TouchOptions => {
  const read = readOptions(options, REQUEST_OPTIONS.touch);
  checkTouch(read);
  return read;
};

/** How long a responder that stops waits for its handlers, unless it is told. Milliseconds. */
const STOP_TIMEOUT = 30_000;

/** Reads and checks the options of a responder's stop: the timeout in milliseconds. */
export const readStop = (options: DrainOptions): number => {
  const { timeout = STOP_TIMEOUT } = readOptions(options, OPTIONS.drain);
  checkTimeout("timeout", timeout);
  return timeout;
};
