/**
 * A channel: ephemeral fan-out. Subscribers that can take a batch get it at once, all in one effect. A subscriber whose
 * connection is held falls behind, and later catches up from the channel's backlog, which keeps only the latest
 * messages. One that falls out of the backlog is told how many it lost, or is disconnected, as it has chosen.
 */
import { countEntries, SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES } from "../../protocol/limits.js";
import type { ConnectionEntry } from "../consumers/consumer.js";
import type { Effects } from "../effects.js";

/** How far a subscriber may fall behind. */
export const BACKLOG_MESSAGES = 8192;
export const BACKLOG_BYTES = 4 * 1024 * 1024;

/** Memory that a batch of the backlog takes beside its entries. */
const BATCH_BYTES = 256;

interface Subscriber {
  readonly connection: ConnectionEntry;
  disconnects: boolean;
  /** The number of the next message for it while it is behind; NaN while it is not. */
  cursor: number;
}

interface Batch {
  readonly first: number;
  readonly count: number;
  readonly entries: Uint8Array;
}

export class Channel {
  readonly #subscribers = new Map<number, Subscriber>();
  /** Connections of the subscribers that are not behind; undefined: to be rebuilt. */
  #current: number[] | undefined;
  #behind = 0;
  #next = 0;
  readonly #backlog: Batch[] = [];
  #backlogMessages = 0;
  #backlogBytes = 0;

  constructor(
    readonly name: string,
    readonly effects: Effects,
  ) {}

  get size(): number {
    return this.#subscribers.size;
  }

  /** Memory that the backlog takes. */
  get bytes(): number {
    return this.#backlogBytes + this.#backlog.length * BATCH_BYTES;
  }

  /** Subscribes a connection, or changes its policy. */
  subscribe(connection: ConnectionEntry, disconnects: boolean): void {
    const known = this.#subscribers.get(connection.number);
    if (known !== undefined) {
      known.disconnects = disconnects;
      return;
    }
    const cursor = connection.isOnHold ? this.#next : Number.NaN;
    if (connection.isOnHold) this.#behind++;
    this.#subscribers.set(connection.number, { connection, disconnects, cursor });
    this.#current = undefined;
  }

  unsubscribe(connection: number): void {
    const subscriber = this.#subscribers.get(connection);
    if (subscriber === undefined) return;
    this.#subscribers.delete(connection);
    this.#current = undefined;
    if (!Number.isNaN(subscriber.cursor)) this.#behind--;
    this.#trim();
  }

  /**
   * Entries [start, end) of `bytes` for everybody. `memory`: bytes that the backlog may take. Answers the subscribers
   * that are to be disconnected because they have lost messages; the caller unsubscribes them.
   */
  publish(bytes: Uint8Array, start: number, end: number, count: number, memory: number): readonly ConnectionEntry[] {
    const current = this.#currentConnections();
    if (current.length > 0) this.#send(current, this.#next, bytes, start, end);
    this.#next += count;
    if (this.#behind === 0) return [];
    this.#backlog.push({ first: this.#next - count, count, entries: bytes.slice(start, end) });
    this.#backlogMessages += count;
    this.#backlogBytes += end - start;
    this.#trim(memory);
    return this.#lost();
  }

  /** The connection is held: it is behind from now on. */
  hold(connection: number): void {
    const subscriber = this.#subscribers.get(connection);
    if (subscriber === undefined || !Number.isNaN(subscriber.cursor)) return;
    subscriber.cursor = this.#next;
    this.#behind++;
    this.#current = undefined;
  }

  /**
   * The connection can take messages again: sends how many it has lost, then what it has missed. Answers the bytes
   * sent, at most those of the whole backlog.
   */
  catchUp(connection: number): number {
    const subscriber = this.#subscribers.get(connection);
    if (subscriber === undefined || Number.isNaN(subscriber.cursor)) return 0;
    const to = [connection];
    const oldest = this.#backlog[0]?.first ?? this.#next;
    if (subscriber.cursor < oldest) {
      this.effects.channelLost(connection, this.name, oldest - subscriber.cursor);
      subscriber.cursor = oldest;
    }
    let sent = 0;
    for (const batch of this.#backlog) {
      if (batch.first + batch.count <= subscriber.cursor) continue;
      const start = offsetOf(batch.entries, subscriber.cursor - batch.first);
      this.#send(to, Math.max(batch.first, subscriber.cursor), batch.entries, start, batch.entries.length);
      sent += batch.entries.length - start;
    }
    subscriber.cursor = Number.NaN;
    this.#behind--;
    this.#current = undefined;
    this.#trim();
    return sent;
  }

  /** Throws when counters and data contradict one another. */
  invariants(): void {
    let messages = 0;
    let bytes = 0;
    for (const batch of this.#backlog) {
      const view = new DataView(batch.entries.buffer, batch.entries.byteOffset, batch.entries.length);
      const count = countEntries(view, 0, batch.entries.length, MAX_MESSAGE_BYTES, MAX_BATCH_MESSAGES);
      if (count !== batch.count) throw new Error(`channel ${this.name}: a batch counts ${count}, not ${batch.count}`);
      messages += count;
      bytes += batch.entries.length;
    }
    const behind = [...this.#subscribers.values()].filter((subscriber) => !Number.isNaN(subscriber.cursor)).length;
    if (messages !== this.#backlogMessages || bytes !== this.#backlogBytes || behind !== this.#behind) {
      throw new Error(`channel ${this.name}: counters contradict the backlog`);
    }
  }

  #send(to: readonly number[], position: number, bytes: Uint8Array, start: number, end: number): void {
    this.effects.openChannel(to, this.name, position, 0, 0, true);
    this.effects.channelEntries(bytes, start, end);
    this.effects.closeChannel();
  }

  #currentConnections(): readonly number[] {
    if (this.#current === undefined) {
      this.#current = [];
      for (const subscriber of this.#subscribers.values()) {
        if (Number.isNaN(subscriber.cursor)) this.#current.push(subscriber.connection.number);
      }
    }
    return this.#current;
  }

  /** Drops batches that nobody needs or that are over the limits. */
  #trim(memory = BACKLOG_BYTES): void {
    let needed = this.#next;
    if (this.#behind > 0) {
      for (const { cursor } of this.#subscribers.values()) if (cursor < needed) needed = cursor;
    }
    const bytes = Math.min(memory, BACKLOG_BYTES);
    let drop = 0;
    for (const batch of this.#backlog) {
      const isNeeded = batch.first + batch.count > needed;
      if (isNeeded && this.#backlogMessages <= BACKLOG_MESSAGES && this.#backlogBytes <= bytes) break;
      this.#backlogMessages -= batch.count;
      this.#backlogBytes -= batch.entries.length;
      drop++;
    }
    if (drop > 0) this.#backlog.splice(0, drop);
  }

  /** Subscribers that have lost messages and have chosen to be disconnected. */
  #lost(): readonly ConnectionEntry[] {
    const oldest = this.#backlog[0]?.first ?? this.#next;
    const lost: ConnectionEntry[] = [];
    for (const { connection, disconnects, cursor } of this.#subscribers.values()) {
      if (disconnects && cursor < oldest) lost.push(connection);
    }
    return lost;
  }
}

/** Where the entries after the first `skip` begin. */
const offsetOf = (entries: Uint8Array, skip: number): number => {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  let at = 0;
  for (let i = 0; i < skip; i++) at += WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
  return at;
};
