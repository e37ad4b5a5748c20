/**
 * Reads the arguments of a request out of its decoded head, each with its type, range and default.
 */
import { ProtocolError } from "../protocol/errors.js";
import { DEFAULT_KEY, MAX_DELAY } from "../protocol/limits.js";
import type { TopicConfig } from "../shard/command.js";
import { RETRIES_MAX } from "../shard/extent.js";

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_A_NAME = /[\u0000-\u001f\u007f\ufffd]/;

const encoder = new TextEncoder();

/** Throws BAD_NAME unless the text may be the name of a topic, a queue or a channel. */
const checkName = (what: string, name: string, maxNameBytes: number): string => {
  if (name === "") throw new ProtocolError("BAD_NAME", `${what} is empty`);
  // A replacement character stands where the bytes were not UTF-8.
  if (NOT_A_NAME.test(name)) {
    throw new ProtocolError("BAD_NAME", `${what} has a control character or is not UTF-8`);
  }
  if (name.length > maxNameBytes || (name.length * 3 > maxNameBytes && encoder.encode(name).length > maxNameBytes)) {
    throw new ProtocolError("BAD_NAME", `${what} has more than ${maxNameBytes} bytes`);
  }
  return name;
};

export class HeadReader {
  #head: readonly unknown[] = [];
  #at = 0;

  constructor(readonly maxNameBytes: number) {}

  begin(head: readonly unknown[]): void {
    this.#head = head;
    this.#at = 0;
  }

  /** Throws BAD_HEAD when there is more than has been read. */
  end(): void {
    if (this.#at < this.#head.length) {
      throw new ProtocolError("BAD_HEAD", `the head has ${this.#head.length} elements, the request takes ${this.#at}`);
    }
  }

  /** The name of a topic or channel. */
  name(what: string): string {
    const value = this.#next();
    if (typeof value !== "string") throw new ProtocolError("BAD_HEAD", `${what} must be a string`);
    return checkName(what, value, this.maxNameBytes);
  }

  /** A route key, or "" for none. */
  key(what: string): string {
    const value = this.#next();
    if (value === undefined || value === "") return "";
    if (typeof value !== "string") throw new ProtocolError("BAD_HEAD", `${what} must be a string`);
    return checkName(what, value, this.maxNameBytes);
  }

  /** A bind key; `default` for none. */
  queue(): string {
    return this.key("queue") || DEFAULT_KEY;
  }

  /** A bind key, or null for all queues. */
  queueOrAll(): string | null {
    const value = this.#head[this.#at];
    if (value !== null && value !== undefined) return this.queue();
    this.#at++;
    return null;
  }

  integer(what: string, fallback: number, min: number, max: number): number {
    const value = this.#next();
    if (value === undefined) return fallback;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw new ProtocolError("BAD_HEAD", `${what} must be a whole number from ${min} to ${max}`);
    }
    return value;
  }

  /** Milliseconds up to ten years. */
  duration(what: string): number {
    return this.integer(what, 0, 0, MAX_DELAY);
  }

  boolean(what: string): boolean {
    const value = this.#next();
    if (value === undefined) return false;
    if (typeof value !== "boolean") throw new ProtocolError("BAD_HEAD", `${what} must be true or false`);
    return value;
  }

  text(what: string): string {
    const value = this.#next();
    if (value === undefined) return "";
    if (typeof value !== "string") throw new ProtocolError("BAD_HEAD", `${what} must be a string`);
    return value;
  }

  oneOf<T extends string>(what: string, choices: readonly T[], fallback: T): T {
    const value = this.#next();
    if (value === undefined) return fallback;
    const choice = choices.find((known) => known === value);
    if (choice === undefined) throw new ProtocolError("BAD_HEAD", `${what} must be one of ${choices.join(", ")}`);
    return choice;
  }

  config(): Partial<TopicConfig> {
    const value = this.#next();
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ProtocolError("BAD_HEAD", "config must be a map");
    }
    return checkConfig(value);
  }

  /** The next element; undefined for one that is nil or left out. */
  #next(): unknown {
    return this.#head[this.#at++] ?? undefined;
  }
}

const isWhole = (min: number, max: number) => (value: unknown) =>
  typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;

const isOneOf =
  (...choices: readonly string[]) =>
  (value: unknown) =>
    typeof value === "string" && choices.includes(value);

/** What each key of a topic's configuration may be; docs/protocol.md has the same table. */
const CONFIG_KEYS: { readonly [K in keyof TopicConfig]: (value: unknown) => boolean } = {
  autoAck: (value) => typeof value === "boolean",
  mode: isOneOf("exact", "pattern"),
  ttr: isWhole(1, MAX_DELAY),
  retries: isWhole(0, RETRIES_MAX),
  maxLength: isWhole(0, 0xffff_ffff),
  maxBytes: isWhole(0, Number.MAX_SAFE_INTEGER),
  overflow: isOneOf("refuse", "drop-oldest"),
  expired: isOneOf("drop", "dead-letter"),
};

const isConfigKey = (key: string): key is keyof TopicConfig => Object.hasOwn(CONFIG_KEYS, key);

const checkConfig = (config: object): Partial<TopicConfig> => {
  for (const [key, value] of Object.entries(config)) {
    if (!isConfigKey(key)) throw new ProtocolError("BAD_CONFIG", `there is no configuration key ${key}`);
    if (!CONFIG_KEYS[key](value)) throw new ProtocolError("BAD_CONFIG", `${key} cannot be ${JSON.stringify(value)}`);
  }
  return config;
};
