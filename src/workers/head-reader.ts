/** Reads the arguments of a request from its head, each with its type, range and default. */
import { ProtocolError } from "../protocol/errors.js";
import { unpackHead } from "../protocol/head.js";
import { HeadCursor, Kind } from "../protocol/head-cursor.js";
import { DEFAULT_KEY, MAX_DELAY } from "../protocol/limits.js";
import { readTextUpTo } from "../protocol/text.js";
import { NameTable } from "./name-table.js";

export class HeadReader {
  readonly #names: NameTable;
  readonly #cursor = new HeadCursor();
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  /** Elements read. */
  #count = 0;

  constructor(maxNameBytes: number) {
    this.#names = new NameTable(maxNameBytes);
  }

  /** Begins with the head in [start, end). Throws BAD_HEAD. */
  begin(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.#cursor.begin(view, start, end);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#count = 0;
  }

  /** Throws BAD_HEAD if there are unread elements. */
  end(): void {
    if (this.#cursor.left > 0) {
      throw new ProtocolError(
        "BAD_HEAD",
        `the head has ${this.#count + this.#cursor.left} elements, the request takes ${this.#count}`,
      );
    }
  }

  /** The name of a topic or channel. */
  name(what: string): string {
    const name = this.#string(what);
    if (name === undefined) throw new ProtocolError("BAD_HEAD", `${what} must be a string`);
    if (name === "") throw new ProtocolError("BAD_NAME", `${what} is empty`);
    return name;
  }

  /** A route key, or "" for none. */
  key(what: string): string {
    return this.#string(what) ?? "";
  }

  /** The same; null for nil. */
  keyOrNone(what: string): string | null {
    return this.#string(what) ?? null;
  }

  /** A bind key; `default` for none. */
  queue(): string {
    return this.key("queue") || DEFAULT_KEY;
  }

  /** A bind key, or null for all queues. */
  queueOrAll(): string | null {
    const key = this.#string("queue");
    return key === undefined ? null : key || DEFAULT_KEY;
  }

  integer(what: string, fallback: number, min: number, max: number): number {
    const cursor = this.#next();
    if (cursor.kind === Kind.NIL) return fallback;
    const { number } = cursor;
    if (cursor.kind !== Kind.NUMBER || !Number.isInteger(number) || number < min || number > max) {
      throw new ProtocolError("BAD_HEAD", `${what} must be a whole number from ${min} to ${max}`);
    }
    return number;
  }

  /** Text that is no name: at most so many bytes of it. "" for none. */
  text(what: string, maxBytes: number): string {
    const { kind, start, end } = this.#next();
    if (kind === Kind.NIL) return "";
    if (kind !== Kind.STRING) throw new ProtocolError("BAD_HEAD", `${what} must be a string`);
    return readTextUpTo(this.#bytes, start, end, maxBytes);
  }

  /** Milliseconds up to ten years. */
  duration(what: string): number {
    return this.integer(what, 0, 0, MAX_DELAY);
  }

  /** The same; undefined for nil. */
  maybeDuration(what: string): number | undefined {
    const duration = this.integer(what, -1, 0, MAX_DELAY);
    return duration < 0 ? undefined : duration;
  }

  /** Milliseconds since 1970; undefined for nil. */
  maybeTime(what: string): number | undefined {
    const time = this.integer(what, -1, 0, Number.MAX_SAFE_INTEGER);
    return time < 0 ? undefined : time;
  }

  boolean(what: string): boolean {
    const cursor = this.#next();
    if (cursor.kind === Kind.NIL) return false;
    if (cursor.kind !== Kind.BOOLEAN) throw new ProtocolError("BAD_HEAD", `${what} must be true or false`);
    return cursor.boolean;
  }

  oneOf<T extends string>(what: string, choices: readonly T[], fallback: T): T {
    const value = this.key(what);
    if (value === "") return fallback;
    const choice = choices.find((known) => known === value);
    if (choice === undefined) throw new ProtocolError("BAD_HEAD", `${what} must be one of ${choices.join(", ")}`);
    return choice;
  }

  /** As `map`, which there must be. */
  config(): object {
    const config = this.map("config");
    if (config === undefined) throw new ProtocolError("BAD_HEAD", "config must be a map");
    return config;
  }

  /** A map, which is the last element. Undefined for none. A library decodes it. */
  map(what: string): object | undefined {
    const at = this.#count;
    const { kind } = this.#next();
    if (kind === Kind.NIL) return undefined;
    if (kind !== Kind.OTHER) throw new ProtocolError("BAD_HEAD", `${what} must be a map`);
    const head = unpackHead(this.#bytes, this.#start, this.#end);
    const value = head[at];
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
      throw new ProtocolError("BAD_HEAD", `${what} must be a map`);
    }
    if (head.length > this.#count) throw new ProtocolError("BAD_HEAD", `the request takes ${this.#count} elements`);
    return value;
  }

  /** A name or an empty string; undefined for nil. */
  #string(what: string): string | undefined {
    const { kind, start, end } = this.#next();
    if (kind === Kind.NIL) return undefined;
    if (kind !== Kind.STRING) throw new ProtocolError("BAD_HEAD", `${what} must be a string`);
    return start === end ? "" : this.#names.find(what, this.#bytes, start, end);
  }

  #next(): HeadCursor {
    this.#cursor.next();
    this.#count++;
    return this.#cursor;
  }
}
