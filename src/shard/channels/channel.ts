/**
 * A channel: what is published goes at once to all subscribers that can take it, in one effect. Others fall behind and get
 * it later: from the log if the channel is kept, otherwise from the window of its last messages.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { BACKLOG_BYTES, BACKLOG_MESSAGES } from "../../protocol/limits.js";
import type { Overflow } from "../../protocol/subscribe-options.js";
import type { PublishChannel } from "../command.js";
import type { ConnectionEntry } from "../consumers/consumer.js";
import type { Effects } from "../effects.js";
import type { ChannelDefaults } from "../topics/channel-defaults.js";
import type { Numbering, StoredChannel } from "../topics/stored-channel.js";
import { BlockGate } from "./block-gate.js";
import { Conflation } from "./conflation.js";
import { KeptUntil, type StoredLog } from "./kept-until.js";
import { type SavedBatches, Source, Subscriber } from "./subscriber.js";
import { type Batch, Window } from "./window.js";

/** Memory that a saved batch takes beside its entries: the batch, and its place in a list. */
const SAVED_BYTES = 264;

export type ChannelSubscriber = Subscriber<Channel>;

export class Channel {
  /** Undefined: the journal knows nothing of it. */
  stored: StoredChannel | undefined;
  readonly subscribers = new Map<number, ChannelSubscriber>();
  readonly window: Window<ChannelSubscriber>;
  readonly gate: BlockGate;
  published = 0;
  dropped = 0;
  /** What of its bytes has been counted among those of all channels. */
  countedBytes = 0;
  /** A subscriber has asked for a history. */
  isRecoverable = false;
  /** When the last subscriber has gone, or what was stored was last used. */
  usedAt = 0;
  readonly #own: Numbering = { epoch: "", next: 0 };
  /** Connections of the subscribers that are not behind; undefined: to be rebuilt. */
  #current: number[] | undefined;
  #conflation: Conflation | undefined;
  /** They have had all there is and can take more, but are asked for each time. */
  readonly #waiting = new Set<ChannelSubscriber>();
  /** They have lost messages and are to be disconnected. */
  readonly #slow = new Set<ChannelSubscriber>();
  #savedBytes = 0;
  #keptUntil: KeptUntil | undefined;
  /** Bytes ever published. */
  #mark = 0;
  /** Bytes that the window and what is saved may take at present. */
  #memory = Number.POSITIVE_INFINITY;

  constructor(
    readonly name: string,
    readonly effects: Effects,
    readonly defaults: ChannelDefaults,
    /** A subscriber has something to be sent, or is to be looked at. */
    readonly onMissed: (subscriber: ChannelSubscriber) => void,
  ) {
    this.window = new Window((watchers, _batch, rest) => this.#onDrop(watchers, rest));
    this.gate = new BlockGate(({ connection, request, idHigh, idLow, receivers, level }) =>
      effects.confirm(connection, request, 1, idHigh, idLow, receivers, level),
    );
  }

  get numbering(): Numbering {
    return this.stored?.numbering ?? this.#own;
  }

  get next(): number {
    return this.numbering.next;
  }

  /** Goes on with a numbering, when what was stored is gone. */
  goOn({ epoch, next }: Numbering): void {
    this.#own.epoch = epoch;
    this.#own.next = next;
  }

  get keeps(): boolean {
    return this.stored?.settings.keep ?? false;
  }

  get size(): number {
    return this.subscribers.size;
  }

  /** Memory that it takes beside the log. */
  get bytes(): number {
    return this.window.bytes + (this.#conflation?.bytes ?? 0) + this.#savedBytes;
  }

  get conflation(): Conflation | undefined {
    return this.#conflation;
  }

  /** The position of the oldest message that there is. */
  get first(): number {
    if (this.keeps) return this.stored?.first ?? this.next;
    return this.window.messages > 0 ? this.window.first : this.next;
  }

  /** All messages from this position on are there, as far as that reaches back: none is missing between them. */
  get wholeFrom(): number {
    return this.keeps ? (this.stored?.wholeFrom ?? this.next) : 0;
  }

  /** The position of the first message published at `time` or later. */
  positionAt(time: number): number {
    if (this.keeps) return this.stored?.positionAt(time) ?? this.next;
    return this.window.messages > 0 ? this.window.positionOf(time) : this.next;
  }

  /** It was just recorded that it is not kept on disk any more; `durable` before that. What follows waits for that record. */
  endKeeping(log: StoredLog, durable: number): void {
    this.#keptUntil = new KeptUntil(durable, log);
  }

  /** Messages before this position are as durable as the channel asks, and will have no other's position. */
  get durable(): number {
    if (this.#keptUntil?.isOnDisk) this.#keptUntil = undefined;
    const durable = this.keeps ? this.stored?.durableBefore(this.stored.store.log) : undefined;
    return Math.min(durable ?? Number.POSITIVE_INFINITY, this.#keptUntil?.position ?? Number.POSITIVE_INFINITY);
  }

  get historyMessages(): number {
    const configured = this.stored?.settings.history ?? 0;
    return this.isRecoverable ? Math.max(configured, this.defaults.history) : configured;
  }

  get historyBytes(): number {
    return this.stored?.settings.historyBytes ?? this.defaults.historyBytes;
  }

  /** Subscribers that have not had all there is. */
  get behind(): number {
    let behind = 0;
    for (const { isCurrent, cursor } of this.subscribers.values()) if (!isCurrent && cursor < this.next) behind++;
    return behind;
  }

  // --- publish -------------------------------------------------------------------------------------------------------

  /** Throws BUSY or MEMORY_FULL, if a subscriber that blocks is too far behind. `memory`: bytes that the channel may take. */
  admit({ count, start, end }: PublishChannel, memory: number): void {
    if (this.gate.size === 0) return;
    this.gate.admit(this.name, this.next, this.#mark, count, end - start);
    // Nothing is dropped that it has not had.
    if (this.keeps || this.bytes + end - start <= memory) return;
    throw new ProtocolError("MEMORY_FULL", "the shard's memory budget is used, and a subscriber waits: raise --memory");
  }

  /**
   * Sends a batch, or has it wait. If it is kept it is in the log already, at `position`. `memory`: bytes that the channel
   * may take. Answers the subscribers that are to be disconnected; the caller unsubscribes them.
   */
  publish(
    c: PublishChannel,
    position: number,
    high: number,
    low: number,
    now: number,
    memory: number,
  ): readonly ChannelSubscriber[] {
    const { bytes, view, start, end, count } = c;
    const current = this.#currentConnections();
    if (current.length > 0) {
      this.effects.openChannel(current, this.name, position, high, low, position + count <= this.durable);
      this.effects.channelEntries(bytes, start, end);
      this.effects.closeChannel();
    }
    this.numbering.next = position + count;
    this.#mark += end - start;
    this.published += count;
    if (current.length === this.subscribers.size && this.historyMessages === 0) return [];
    this.#memory = memory;
    this.#conflation?.add(c.key, position, count, view, start, end, high, low, memory);
    if (!this.keeps) this.#remember(bytes.slice(start, end), position, count, now);
    for (const subscriber of this.#waiting) this.onMissed(subscriber);
    this.#waiting.clear();
    if (this.#slow.size === 0) return [];
    const slow = [...this.#slow];
    this.#slow.clear();
    return slow;
  }

  /** Answers a publish, at once unless a subscriber blocks. */
  answer(connection: number, request: number, idHigh: number, idLow: number, receivers: number, level: number): void {
    this.gate.answer({ connection, request, idHigh, idLow, receivers, level }, this.next, this.#mark);
  }

  #remember(entries: Uint8Array, first: number, count: number, time: number): void {
    const { window, historyMessages, historyBytes } = this;
    if (historyMessages === 0 && window.readers === 0) return;
    const share = this.gate.size > 0 ? 2 : 1;
    const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
    window.push(
      { first, count, entries, view, time },
      {
        messages: Math.max(BACKLOG_MESSAGES * share, historyMessages),
        bytes: Math.min(this.#memory, Math.max(BACKLOG_BYTES * share, historyBytes)),
        floor: this.gate.floor,
      },
    );
    window.trim(historyMessages, historyBytes);
  }

  /** Batches go that these subscribers have not had: they have chosen to be told. */
  #onDrop(watchers: ReadonlySet<ChannelSubscriber>, rest: () => readonly Batch[]): void {
    let saved: SavedBatches | undefined;
    for (const subscriber of watchers) {
      if (subscriber.overflow === "disconnect") {
        this.#slow.add(subscriber);
        continue;
      }
      saved ??= this.#save(rest());
      this.window.leave(subscriber.cursor, subscriber);
      subscriber.source = Source.SAVED;
      subscriber.saved = saved;
      saved.holders++;
    }
  }

  #save(batches: readonly Batch[]): SavedBatches {
    const bytes = batches.reduce((sum, { entries }) => sum + entries.length + SAVED_BYTES, 0);
    if (this.bytes + bytes > this.#memory) return { batches: [], end: 0, bytes: 0, holders: 0 };
    this.#savedBytes += bytes;
    return { batches, end: this.window.end, bytes, holders: 0 };
  }

  #currentConnections(): readonly number[] {
    if (this.#current === undefined) {
      this.#current = [];
      for (const { isCurrent, connection } of this.subscribers.values()) {
        if (isCurrent) this.#current.push(connection.number);
      }
    }
    return this.#current;
  }

  // --- subscribers ---------------------------------------------------------------------------------------------------

  /** Adds a subscriber whose next message is at `cursor`. It takes the place of the one that its connection has. */
  subscribe(connection: ConnectionEntry, overflow: Overflow, cursor: number, credit: number): void {
    const known = this.subscribers.get(connection.number);
    const subscriber = new Subscriber(this, connection, overflow);
    subscriber.credit = credit;
    this.subscribers.set(connection.number, subscriber);
    this.place(subscriber, cursor);
    // Last: what the one before it was behind by is what this one may begin with.
    if (known !== undefined) this.#end(known);
  }

  /** Changes the policy of a subscriber. */
  setOverflow(subscriber: ChannelSubscriber, overflow: Overflow): void {
    const { isCurrent, cursor, mark } = subscriber;
    if (subscriber.overflow === overflow) return;
    if (!isCurrent) this.#unplace(subscriber);
    subscriber.overflow = overflow;
    if (isCurrent) return;
    this.place(subscriber, cursor);
    if (!subscriber.isCurrent) subscriber.mark = mark;
  }

  unsubscribe(connection: number, now: number): void {
    const subscriber = this.subscribers.get(connection);
    if (subscriber === undefined) return;
    this.subscribers.delete(connection);
    this.usedAt = now;
    this.#end(subscriber);
  }

  #end(subscriber: ChannelSubscriber): void {
    subscriber.isOver = true;
    if (subscriber.isCurrent) this.#current = undefined;
    this.#unplace(subscriber);
    this.trim();
  }

  /** The connection is held: it is behind from now on. */
  hold(connection: number): void {
    const subscriber = this.subscribers.get(connection);
    if (subscriber === undefined) return;
    if (subscriber.isCurrent) this.place(subscriber, this.next);
    else this.#waiting.delete(subscriber);
  }

  /** The connection takes messages again. */
  unhold(connection: number): void {
    const subscriber = this.subscribers.get(connection);
    if (subscriber !== undefined && !subscriber.isCurrent) this.onMissed(subscriber);
  }

  addCredit(subscriber: ChannelSubscriber, credit: number): void {
    if (subscriber.isUnlimited) return;
    subscriber.credit = Math.min(Number.MAX_SAFE_INTEGER, subscriber.credit + credit);
    this.onMissed(subscriber);
  }

  /** Puts a subscriber where it belongs, whose next message is at `cursor`. */
  place(subscriber: ChannelSubscriber, cursor: number): void {
    // One that is behind and stays so changes nothing for those who are not: else each publish would list them anew.
    const wasCurrent = subscriber.isCurrent;
    this.#unplace(subscriber);
    if (cursor === this.next) subscriber.isFollowing = true;
    const isCurrent = cursor === this.next && subscriber.canTake && subscriber.isUnlimited;
    if (isCurrent || wasCurrent) this.#current = undefined;
    if (isCurrent) return;
    this.#putBehind(subscriber, cursor);
    if (!subscriber.canTake) return;
    if (cursor === this.next) this.#waiting.add(subscriber);
    else this.onMissed(subscriber);
  }

  /** A subscriber that is behind has been sent what is before `cursor`, `bytes` of it. */
  move(subscriber: ChannelSubscriber, cursor: number, bytes: number): void {
    if (cursor === this.next) {
      this.place(subscriber, cursor);
    } else {
      const watcher = watcherOf(subscriber);
      if (subscriber.source === Source.WINDOW) {
        this.window.leave(subscriber.cursor, watcher);
        this.window.enter(cursor, watcher);
      } else if (subscriber.source === Source.CONFLATION) {
        this.#conflation?.leave(subscriber.cursor);
        this.#conflation?.enter(cursor);
      }
      subscriber.cursor = cursor;
      subscriber.mark += bytes;
      this.gate.moved(subscriber);
    }
    this.trim();
  }

  /** What a subscriber had kept is sent: it has lost what was published since. */
  endSaved(subscriber: ChannelSubscriber, end: number): void {
    subscriber.lost += this.next - end;
    this.dropped += this.next - end;
    this.place(subscriber, this.next);
  }

  trim(): void {
    this.window.trim(this.historyMessages, this.historyBytes);
  }

  /**
   * Whether it is kept has changed: `change` does that. Subscribers get what is left of what they have missed; those that
   * conflate have it with them.
   */
  rekeep(change: () => void): void {
    // Others have copies of their own of what they are still to get.
    const behind = [...this.subscribers.values()].filter(
      ({ source }) => source === Source.WINDOW || source === Source.LOG,
    );
    const cursors = behind.map(({ cursor }) => cursor);
    for (const subscriber of behind) this.#unplace(subscriber);
    change();
    // What was kept goes; and a history begins behind what was kept.
    if (!this.keeps && this.window.end !== this.next) this.window.restart(this.next);
    behind.forEach((subscriber, i) => {
      const cursor = cursors[i] ?? this.next;
      const first = this.keeps && this.window.has(cursor) ? cursor : this.first;
      subscriber.lost += Math.max(0, first - cursor);
      this.place(subscriber, Math.max(cursor, first));
      // One that is not behind any more has nothing before which it would be told.
      if (subscriber.isCurrent) this.tellLost(subscriber);
    });
    this.trim();
  }

  /** Tells a subscriber how many messages it has lost, if any. */
  tellLost(subscriber: ChannelSubscriber): void {
    if (subscriber.lost === 0) return;
    this.effects.channelLost(subscriber.connection.number, this.name, subscriber.lost);
    subscriber.lost = 0;
  }

  /** Takes a subscriber that is behind out of where it is. It counts as current until it is put somewhere. */
  #unplace(subscriber: ChannelSubscriber): void {
    const { source, saved } = subscriber;
    if (source === Source.CURRENT) return;
    if (source === Source.WINDOW) this.window.leave(subscriber.cursor, watcherOf(subscriber));
    if (source === Source.CONFLATION) {
      this.#conflation?.leave(subscriber.cursor);
      if (!this.#conflation?.isRead) this.#conflation = undefined;
    }
    if (saved !== undefined && --saved.holders === 0) this.#savedBytes -= saved.bytes;
    this.#waiting.delete(subscriber);
    this.#slow.delete(subscriber);
    subscriber.source = Source.CURRENT;
    subscriber.saved = undefined;
    subscriber.batch = undefined;
    subscriber.extent = -1;
    this.gate.remove(subscriber);
  }

  #putBehind(subscriber: ChannelSubscriber, cursor: number): void {
    subscriber.cursor = cursor;
    // Only of use for those who were following, and fall behind here.
    subscriber.mark = this.#mark;
    // One that is behind already has messages to come that no conflation knows of.
    if (subscriber.overflow === "conflate" && subscriber.isFollowing && cursor === this.next) {
      this.#conflation ??= new Conflation();
      this.#conflation.enter(cursor);
      subscriber.source = Source.CONFLATION;
    } else if (this.keeps && !this.window.has(cursor)) {
      subscriber.source = Source.LOG;
    } else {
      // Without a reader and a history nothing was put into it.
      if (!this.keeps && this.window.messages === 0 && this.window.end !== this.next) this.window.restart(this.next);
      this.window.enter(cursor, watcherOf(subscriber));
      subscriber.source = Source.WINDOW;
      if (subscriber.overflow === "disconnect" && cursor < this.first) this.#slow.add(subscriber);
    }
    if (subscriber.overflow === "block" && subscriber.isFollowing) this.gate.add(subscriber);
  }

  /** Throws when counters and data contradict one another. */
  invariants(): void {
    this.window.invariants();
    const { current, window } = this.#count();
    if (window !== this.window.readers)
      throw new Error(`channel ${this.name}: ${window} read the window, not as counted`);
    if (this.#current !== undefined && this.#current.length !== current) {
      throw new Error(`channel ${this.name}: ${current} are current, ${this.#current.length} are listed`);
    }
    for (const { connection, canTake, isCurrent, cursor, isQueued } of this.subscribers.values()) {
      const fail = (what: string): never => {
        throw new Error(`channel ${this.name}: subscriber ${connection.number} ${what}`);
      };
      if (isCurrent && !canTake && !connection.isGone) fail("is sent messages and cannot take them");
      if (!isCurrent && cursor > this.next) fail("is ahead of the channel");
      if (!isCurrent && canTake && cursor < this.next && !isQueued) fail("is behind and forgotten");
    }
  }

  #count(): { readonly current: number; readonly window: number } {
    let current = 0;
    let window = 0;
    for (const { source } of this.subscribers.values()) {
      if (source === Source.CURRENT) current++;
      if (source === Source.WINDOW) window++;
    }
    return { current, window };
  }
}

/** The subscriber, if it is to be told when batches are dropped that it has not had. */
const watcherOf = (subscriber: ChannelSubscriber): ChannelSubscriber | undefined =>
  subscriber.overflow === "disconnect" || subscriber.overflow === "drop-newest" ? subscriber : undefined;
