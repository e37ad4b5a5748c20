/** Checks the maps of requests: configurations and the options of a subscription, each key with its type and range. */
import { ProtocolError } from "../protocol/errors.js";
import { formatId, parseId } from "../protocol/id.js";
import {
  MAX_DEDUP_MESSAGES,
  MAX_DELAY,
  MAX_FIND_TEXT,
  MAX_HISTORY,
  MAX_HISTORY_BYTES,
  MAX_KEYS,
  MAX_RETRIES,
  MAX_RETRY_FACTOR,
} from "../protocol/limits.js";
import { didYouMean } from "../protocol/spelling.js";
import type { SubscribeOptions } from "../protocol/subscribe-options.js";
import type { ChannelConfig, FindConditions, TopicConfig } from "../shard/command.js";

/** The valid values of a key, and what an error says of them. */
interface Check {
  readonly takes: string;
  readonly accepts: (value: unknown) => boolean;
}

type Checks<T> = { readonly [K in keyof T]-?: Check };

const isWhole = (min: number, max: number): Check => ({
  takes: `a whole number from ${min} to ${max}`,
  accepts: (value) => typeof value === "number" && Number.isInteger(value) && value >= min && value <= max,
});

const isWithin = (min: number, max: number): Check => ({
  takes: `a number from ${min} to ${max}`,
  accepts: (value) => typeof value === "number" && value >= min && value <= max,
});

const isOneOf = (...choices: readonly string[]): Check => ({
  takes: choices.map((choice) => `"${choice}"`).join(" or "),
  accepts: (value) => typeof value === "string" && choices.includes(value),
});

const isBoolean: Check = { takes: "true or false", accepts: (value) => typeof value === "boolean" };

const isSize = isWhole(0, Number.MAX_SAFE_INTEGER);

/** In its only decimal form: it is compared as text. */
const isId: Check = {
  takes: "an id, as decimal text",
  accepts: (value) => {
    const id = typeof value === "string" ? parseId(value) : undefined;
    return id !== undefined && formatId(id.high, id.low) === value;
  },
};

const isStart: Check = {
  takes: `"now", "start", or a time, ${isSize.takes}`,
  accepts: (value) => value === "now" || value === "start" || isSize.accepts(value),
};

/** docs/protocol.md has the same tables. */
const TOPIC_KEYS: Checks<TopicConfig> = {
  autoAck: isBoolean,
  mode: isOneOf("exact", "pattern"),
  ttr: isWhole(1, MAX_DELAY),
  retries: isWhole(0, MAX_RETRIES),
  retryDelay: isWhole(0, MAX_DELAY),
  retryFactor: isWithin(1, MAX_RETRY_FACTOR),
  retryMaxDelay: isWhole(0, MAX_DELAY),
  retryJitter: isWithin(0, 1),
  retryMaxAge: isWhole(0, MAX_DELAY),
  brake: isWithin(0, 1),
  dedupWindow: isWhole(0, MAX_DELAY),
  dedupMessages: isWhole(0, MAX_DEDUP_MESSAGES),
  maxKeys: isWhole(0, MAX_KEYS),
  maxLength: isWhole(0, 0xffff_ffff),
  maxBytes: isSize,
  overflow: isOneOf("refuse", "drop-oldest"),
  expired: isOneOf("drop", "dead-letter"),
  durability: isOneOf("fsync", "write", "memory"),
};

const CHANNEL_KEYS: Checks<ChannelConfig> = {
  keep: isBoolean,
  maxMessages: isSize,
  maxBytes: isSize,
  maxAge: isWhole(0, MAX_DELAY),
  history: isWhole(0, MAX_HISTORY),
  historyBytes: isWhole(0, MAX_HISTORY_BYTES),
  durability: isOneOf("fsync", "write", "memory"),
};

const SUBSCRIBE_KEYS: Checks<SubscribeOptions> = {
  from: isStart,
  position: isSize,
  epoch: isId,
  recover: isBoolean,
  credit: isWhole(0, 0xffff_ffff),
};

const encoder = new TextEncoder();

const isShort = (value: unknown): boolean => {
  if (value instanceof Uint8Array) return value.length >= 1 && value.length <= MAX_FIND_TEXT;
  // Its characters are counted first: each has a byte at least.
  if (typeof value !== "string" || value === "" || value.length > MAX_FIND_TEXT) return false;
  return encoder.encode(value).length <= MAX_FIND_TEXT;
};

const isText = (min: number): Check => ({
  takes: `a string of ${min} to ${MAX_FIND_TEXT} bytes`,
  accepts: (value) => typeof value === "string" && ((min === 0 && value === "") || isShort(value)),
});

const FIND_KEYS: Checks<FindConditions> = {
  header: isText(1),
  value: isText(0),
  text: { takes: `a string or binary of 1 to ${MAX_FIND_TEXT} bytes`, accepts: isShort },
  ignoreCase: isBoolean,
  routeKey: isText(0),
};

/** How many characters of a client's key an error repeats. */
const SHOWN = 64;

const noSuchKey = (key: string, keys: readonly string[]): string =>
  `there is no key ${key}${didYouMean(key, keys)}; the keys are ${keys.join(", ")}`;

/** Throws the error for a key that there is not, or for a value that the key does not take. */
const checked = <T extends object>(checks: Checks<T>, kind: "BAD_CONFIG" | "BAD_HEAD", map: object): Partial<T> => {
  for (const [key, value] of Object.entries(map)) {
    if (!Object.hasOwn(checks, key)) throw new ProtocolError(kind, noSuchKey(key.slice(0, SHOWN), Object.keys(checks)));
    const { takes, accepts } = checks[key as keyof T];
    // The value may be of any type and length, so the error does not repeat it.
    if (!accepts(value)) throw new ProtocolError(kind, `${key} must be ${takes}`);
  }
  return map;
};

/** Throws BAD_CONFIG. */
export const topicConfig = (map: object): Partial<TopicConfig> => checked(TOPIC_KEYS, "BAD_CONFIG", map);

/** Throws BAD_CONFIG. */
export const channelConfig = (map: object): Partial<ChannelConfig> => checked(CHANNEL_KEYS, "BAD_CONFIG", map);

/** A nil is as good as an absent key. */
const withoutNil = (map: object): object =>
  Object.fromEntries(Object.entries(map).filter(([, value]) => value !== null));

/** Throws BAD_HEAD. */
export const findConditions = (map: object | undefined): FindConditions => {
  const conditions = checked(FIND_KEYS, "BAD_HEAD", withoutNil(map ?? {}));
  if (conditions.value !== undefined && conditions.header === undefined) {
    throw new ProtocolError("BAD_HEAD", "a value is that of a header: give both");
  }
  if (conditions.ignoreCase !== undefined && conditions.text === undefined) {
    throw new ProtocolError("BAD_HEAD", "ignoreCase says how a text is looked for: give both");
  }
  return conditions;
};

/** Throws BAD_HEAD. */
export const subscribeOptions = (map: object): SubscribeOptions => {
  const options = checked(SUBSCRIBE_KEYS, "BAD_HEAD", withoutNil(map));
  if (options.epoch !== undefined && options.position === undefined) {
    throw new ProtocolError("BAD_HEAD", "an epoch says what a position counts in: give both");
  }
  return options;
};
