/**
 * The producers of a topic that number their messages, each with what is remembered of it, for as long and as many messages as
 * the topic is configured to. Memory is charged to the shard's account.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { MAX_PRODUCERS } from "../../protocol/limits.js";
import type { TopicConfig } from "../command.js";
import type { Batch } from "../log/log.js";
import type { DirectoryItem } from "../log/recorder.js";
import { ProducerWindow } from "./producer-window.js";

/** Where memory is charged to. */
export interface Account {
  directoryBytes: number;
}

/** What a topic's configuration says about them. */
export type Remembering = Pick<TopicConfig, "dedupWindow" | "dedupMessages">;

/** Milliseconds until those that are over are looked for again. */
const FULL_WAIT = 1_000;

/** Producers that are looked through, at least, before more are remembered. */
const MIN_SWEEP = 64;

export class Producers {
  readonly #windows = new Map<string, ProducerWindow>();
  /** When the last of what was read back was taken. */
  #latest = Number.NEGATIVE_INFINITY;
  /** So many of them are there when those that are over are looked for. */
  #sweepAt = MIN_SWEEP;
  /** There are too many of them, and until then it is not looked whether some are over. */
  #fullUntil = Number.NEGATIVE_INFINITY;

  constructor(
    readonly topic: string,
    readonly account: Account,
  ) {}

  get size(): number {
    return this.#windows.size;
  }

  get windows(): Iterable<ProducerWindow> {
    return this.#windows.values();
  }

  /** What is remembered of a producer at `now`, who has had the answers to all numbers below `answered`. */
  find(name: string, now: number, { dedupWindow }: Remembering, answered: number): ProducerWindow | undefined {
    const window = this.#windows.get(name);
    if (window === undefined || window.isOver(now, dedupWindow)) return undefined;
    const before = window.bytes;
    window.forget(answered);
    this.account.directoryBytes += window.bytes - before;
    return window;
  }

  /**
   * A producer has had the answers to all lower numbers. One of whom nothing else is remembered is forgotten, which this answers:
   * what it sends from now on is new.
   */
  answered(name: string, below: number): boolean {
    const window = this.#windows.get(name);
    if (window === undefined) return false;
    const before = window.bytes;
    window.forget(below);
    this.account.directoryBytes += window.bytes - before;
    // Numbers above may come again that it has taken and does not remember.
    if (!window.isEmpty || below < window.floor) return false;
    this.forget(window);
    return true;
  }

  forget(window: ProducerWindow): void {
    this.account.directoryBytes -= window.bytes;
    this.#windows.delete(window.name);
  }

  /** Whether there is room to remember a producer at `now`, who may be known already. */
  hasRoom(name: string, now: number, { dedupWindow }: Remembering): boolean {
    if (this.#windows.size < MAX_PRODUCERS || this.#windows.has(name)) return true;
    // When it is full, whoever comes next would look in vain each time.
    if (now < this.#fullUntil) return false;
    this.expire(now, dedupWindow);
    const hasRoom = this.#windows.size < MAX_PRODUCERS;
    if (!hasRoom) this.#fullUntil = now + FULL_WAIT;
    return hasRoom;
  }

  /** The window of a producer, which is made if there is none. */
  use(name: string): ProducerWindow {
    let window = this.#windows.get(name);
    if (window === undefined) {
      window = new ProducerWindow(this.topic, name);
      this.#windows.set(name, window);
      this.account.directoryBytes += window.bytes;
    }
    return window;
  }

  /** Messages of a producer were taken at `now`, none of which was known. */
  took(
    window: ProducerWindow,
    sequence: number,
    { count, idHigh, idLow }: Pick<Batch, "count" | "idHigh" | "idLow">,
    level: number,
    now: number,
    { dedupWindow, dedupMessages }: Remembering,
  ): void {
    const before = window.bytes;
    if (window.isOver(now, dedupWindow)) window.clear();
    window.add(sequence, count, idHigh, idLow, level, now);
    window.trim(dedupMessages, now - dedupWindow);
    this.account.directoryBytes += window.bytes - before;
    if (this.#windows.size >= this.#sweepAt) this.expire(now, dedupWindow);
  }

  /** Has the window of a producer filled with what was read back. What was too old by then is seen when all has been. */
  restore(name: string, fill: (window: ProducerWindow) => void, config: Remembering): void {
    const { dedupWindow, dedupMessages } = config;
    const window = this.use(name);
    const before = window.bytes;
    fill(window);
    window.trim(dedupMessages, Number.NEGATIVE_INFINITY);
    this.account.directoryBytes += window.bytes - before;
    this.#latest = Math.max(this.#latest, window.usedAt);
    // A backlog may have messages of many more producers than were remembered at a time.
    if (this.#windows.size >= this.#sweepAt) this.expire(this.#latest, dedupWindow);
  }

  /** All has been read back, at `now`. */
  finishRestore(now: number, { dedupWindow, dedupMessages }: Remembering): void {
    this.expire(now, dedupWindow);
    for (const window of this.#windows.values()) {
      const before = window.bytes;
      window.finishRestore(dedupMessages, now - dedupWindow);
      this.account.directoryBytes += window.bytes - before;
    }
  }

  /** Forgets those that have published nothing for so long. */
  expire(now: number, dedupWindow: number): void {
    for (const window of this.#windows.values()) {
      if (window.isOver(now, dedupWindow)) this.forget(window);
    }
    this.#sweepAt = Math.max(MIN_SWEEP, 2 * this.#windows.size);
  }

  clear(): void {
    this.expire(Number.POSITIVE_INFINITY, 0);
  }

  /** What a recovery restores them from, while messages are added. */
  *parts(): Iterable<DirectoryItem> {
    for (const window of this.#windows.values()) yield* window.parts();
  }

  invariants(): void {
    for (const window of this.#windows.values()) window.invariants();
  }
}

/** Those of a topic, from when somebody numbers messages to it. */
export const producersOf = (
  topic: { readonly name: string; producers: Producers | undefined },
  account: Account,
): Producers => {
  topic.producers ??= new Producers(topic.name, account);
  return topic.producers;
};

/** Why numbered messages are refused of which nobody knows whether they were taken. */
export const forgotten = (topic: string, { name, floor }: ProducerWindow, sequence: number): ProtocolError =>
  new ProtocolError(
    "SEQUENCE_FORGOTTEN",
    `topic ${topic} remembers producer ${name} from message ${floor} on: whether it has taken ${sequence} is not known`,
  );
