/** The message of a push: `{"body","topic","delay","route_key"}`, `delay` in seconds. */
import { MAX_DELAY, MAX_NAME_BYTES } from "../../../protocol/limits.js";
import type { GatheredBody } from "../../native/gathered-body.js";
import type { ByteSink } from "./byte-sink.js";
import { JsonScanner, type MemberTarget, type ValueKind } from "./json-scanner.js";

const MILLISECONDS = 1000;

/** A name of as many UTF-16 units has at most three bytes of UTF-8 for each; one byte more shows that there is more. */
const TEXT_BYTES = MAX_NAME_BYTES * 3 + 1;

/** More digits than any number has that is a delay. */
const NUMBER_BYTES = 64;

const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
/** What a small letter has and its capital has not. */
const LOWER = 0x20;

/** Without its body. */
export interface Job {
  readonly topic: string;
  /** Milliseconds. */
  readonly delay: number;
  readonly routeKey: string;
}

/** One field, as far as it is wanted. */
class Field {
  kind: ValueKind | undefined;
  readonly #name: Uint8Array;
  #spelling: string | undefined;
  #bytes: Uint8Array;
  #size = 0;

  constructor(
    readonly name: string,
    maxBytes: number,
  ) {
    this.#name = Buffer.from(name);
    this.#bytes = new Uint8Array(maxBytes);
  }

  /**
   * Whether a member of this name is the field; then its value comes next. Names are matched without regard to case when
   * they do not match as they are; of several the one that matches as it is, else the first, and of several that are
   * spelled alike the last.
   */
  claims(name: Uint8Array, length: number): boolean {
    const own = this.#name;
    if (length !== own.length) return false;
    let isExact = true;
    for (let at = 0; at < length; at++) {
      const byte = name[at] ?? 0;
      if (byte === own[at]) continue;
      isExact = false;
      if (byte < UPPER_A || byte > UPPER_Z || (byte | LOWER) !== own[at]) return false;
    }
    const spelling = isExact ? this.name : Buffer.from(name.buffer, 0, length).toString("latin1");
    if (!isExact && this.#spelling !== undefined && this.#spelling !== spelling) return false;
    this.#spelling = spelling;
    this.#size = 0;
    return true;
  }

  reset(): void {
    this.kind = undefined;
    this.#spelling = undefined;
    this.#size = 0;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const kept = this.#bytes;
    for (let at = start; at < end && this.#size < kept.length; at++) kept[this.#size++] = bytes[at] ?? 0;
  }

  /** All its room is taken: there may have been more. */
  get isFull(): boolean {
    return this.#size === this.#bytes.length;
  }

  get text(): string {
    return Buffer.from(this.#bytes.buffer, 0, this.#size).toString();
  }

  /** Missing or null is empty, as in gmq; undefined when it is something else than text. */
  get textOrEmpty(): string | undefined {
    if (this.kind === undefined || this.kind === "null") return "";
    return this.kind === "string" ? this.text : undefined;
  }
}

/** Reads the JSON text of a message that comes in parts. */
export class JobReader implements ByteSink, MemberTarget {
  /** What has come of the field `body`, as it is to be published. */
  readonly body: GatheredBody;
  readonly #scanner = new JsonScanner(this);
  readonly #body = new Field("body", 0);
  readonly #topic = new Field("topic", TEXT_BYTES);
  readonly #delay = new Field("delay", NUMBER_BYTES);
  readonly #routeKey = new Field("route_key", TEXT_BYTES);
  readonly #fields: readonly Field[] = [this.#body, this.#topic, this.#delay, this.#routeKey];
  #current: Field | undefined;

  constructor(body: GatheredBody) {
    this.body = body;
  }

  /** Begins a new text. */
  reset(): void {
    this.#scanner.reset();
    this.body.reset();
    for (const field of this.#fields) field.reset();
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    this.#scanner.write(bytes, start, end);
  }

  member(name: Uint8Array, length: number): void {
    this.#current = undefined;
    for (const field of this.#fields) {
      if (!field.claims(name, length)) continue;
      this.#current = field;
      return;
    }
  }

  value(kind: ValueKind): void {
    if (this.#current === undefined) return;
    this.#current.kind = kind;
    if (this.#current === this.#body) this.body.restart();
  }

  bytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#current === this.#body) {
      if (this.#body.kind === "string") this.body.appendRange(bytes, start, end);
    } else {
      this.#current?.append(bytes, start, end);
    }
  }

  /**
   * No more comes. The job, or what is wrong with it, for people.
   *
   * @param fixedTopic takes the place of its own topic
   */
  end(fixedTopic?: string): Job | string {
    const fault = this.#scanner.end();
    if (fault !== undefined) return fault;
    const ownTopic = this.#topic.textOrEmpty;
    if (ownTopic === undefined) return "topic is not a string";
    const topic = fixedTopic ?? ownTopic;
    if (this.#body.textOrEmpty === undefined) return "body is not a string";
    const seconds = this.#seconds();
    if (!Number.isInteger(seconds)) return "delay is not a whole number of seconds";
    const routeKey = this.#routeKey.textOrEmpty;
    if (routeKey === undefined) return "route_key is not a string";
    if (topic === "") return "topic is empty";
    // Longer in characters is longer in bytes: the broker tells the rest, and a head stays small.
    if (topic.length > MAX_NAME_BYTES) return `topic is longer than ${MAX_NAME_BYTES} bytes`;
    if (routeKey.length > MAX_NAME_BYTES) return `route_key is longer than ${MAX_NAME_BYTES} bytes`;
    const delay = Math.max(0, seconds) * MILLISECONDS;
    if (delay > MAX_DELAY) return `delay is more than ${MAX_DELAY / MILLISECONDS} seconds`;
    return { topic, delay, routeKey };
  }

  /** NaN when it is no number, or one of which not all digits are kept. */
  #seconds(): number {
    const { kind } = this.#delay;
    if (kind === undefined || kind === "null") return 0;
    return kind === "number" && !this.#delay.isFull ? Number(this.#delay.text) : Number.NaN;
  }
}
