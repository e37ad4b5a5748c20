/**
 * The channels of a shard by name. One exists while somebody is subscribed to it, while it has a history, and as long as
 * the journal knows of it because it is kept or configured.
 */
import { Fifo } from "../../collections/fifo.js";
import { LISTING_NAMES, SortedNames } from "../../collections/sorted-names.js";
import { ProtocolError } from "../../protocol/errors.js";
import { Durability } from "../../protocol/op.js";
import type { SubscribeOptions } from "../../protocol/subscribe-options.js";
import type { TopicPatterns } from "../../protocol/topic-pattern.js";
import type { ChannelCredit, PublishChannel, Subscribe, Unsubscribe } from "../command.js";
import type { Connections } from "../consumers/connections.js";
import type { ConnectionEntry } from "../consumers/consumer.js";
import { CROWDED_WAIT } from "../effects.js";
import { shrink } from "../messages/overflow.js";
import type { Store } from "../messages/store.js";
import type { BatchAppender } from "../topics/batch-appender.js";
import type { ChannelDefaults } from "../topics/channel-defaults.js";
import type { Directory } from "../topics/directory.js";
import type { StoredChannel } from "../topics/stored-channel.js";
import { CatchUp } from "./catch-up.js";
import { Channel, type ChannelSubscriber } from "./channel.js";

/** The most that a turn sends of what subscribers have missed; one of them out of the log; and out of a window: all. */
const TURN_BYTES = 256 * 1024;
const SLICE_BYTES = 256 * 1024;
const WINDOW_BYTES = Number.POSITIVE_INFINITY;

/** Subscribers that a turn looks at. */
const TURN_LOOKS = 4096;

/** Where a subscription begins. */
interface Beginning {
  readonly cursor: number;
  /** Of one that goes on: whether all of what it missed is there, and if not, how much is known to be lost. */
  readonly recovered: boolean | null;
  readonly lost: number | null;
}

export interface NameList {
  readonly names: readonly string[];
  readonly more: boolean;
  /** The last name that was looked at. */
  readonly last: string;
}

export class Channels {
  /** A channel has something from now on that ends after that time, in milliseconds. */
  onTimed: (time: number) => void = () => {};
  /** Those of which more is known than what is stored. */
  readonly #channels = new Map<string, Channel>();
  /** Sorted, for listings. */
  readonly #names = new SortedNames();
  /** Subscribers that may have something to be sent, in the order of their turns. */
  readonly #missed = new Fifo<ChannelSubscriber>();
  readonly #catchUp: CatchUp;
  /** Memory that all channels take beside the log. */
  #bytes = 0;

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly appender: BatchAppender,
    readonly connections: Connections,
    readonly maxChannels: number,
    readonly defaults: ChannelDefaults,
    maxFrameBytes: number,
    /** So much is on its way to clients that subscribers which are behind should wait. */
    readonly isCrowded: () => boolean,
  ) {
    this.#catchUp = new CatchUp(store, maxFrameBytes, (subscriber) => this.#sendAway(subscriber));
  }

  get bytes(): number {
    return this.#bytes;
  }

  get all(): Iterable<Channel> {
    return this.#channels.values();
  }

  get isEmpty(): boolean {
    return this.#channels.size === 0;
  }

  /**
   * Up to `max` names of channels in their order, from behind the name `after`, of those in `sight`; whether there are more, and
   * the last name that was looked at.
   */
  names(after: string, max: number, sight?: TopicPatterns): NameList {
    const names: string[] = [];
    let looked = 0;
    let last = after;
    const live = this.#names.after(after);
    const stored = this.directory.channels.names.after(after);
    let a = live.next();
    let b = stored.next();
    while (a.value !== undefined || b.value !== undefined) {
      if (names.length === max || looked === LISTING_NAMES) return { names, more: true, last };
      const isLive = b.value === undefined || (a.value !== undefined && a.value <= b.value);
      const name = (isLive ? a.value : b.value) as string;
      if (sight?.match(name) !== false) names.push(name);
      looked++;
      last = name;
      if (a.value === name) a = live.next();
      if (b.value === name) b = stored.next();
    }
    return { names, more: false, last };
  }

  /** A channel that is in use or has been. */
  peek(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  /** The channel of a name, if it exists. */
  find(name: string): Channel | undefined {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const stored = this.directory.findChannel(name);
    return stored === undefined ? undefined : this.#add(name, stored);
  }

  /** The channel of a name, made if there is none. Call `tidy` if it may not be needed. Throws TOO_MANY_TOPICS. */
  use(name: string): Channel {
    const known = this.find(name);
    if (known !== undefined) return known;
    if (this.#channels.size >= this.maxChannels) {
      throw new ProtocolError("TOO_MANY_TOPICS", `the shard has its maximum of ${this.maxChannels} channels`);
    }
    return this.#add(name, undefined);
  }

  /** Has the journal know a channel from now on, for a connection. Throws TOO_MANY_TOPICS, MEMORY_FULL. */
  keep(channel: Channel, connection: number): StoredChannel {
    if (channel.stored === undefined) {
      channel.stored = this.directory.addChannel(channel.name, channel.numbering, connection);
      this.onTimed(channel.stored.settings.maxAge || Number.POSITIVE_INFINITY);
    }
    return channel.stored;
  }

  /**
   * Has the journal forget a channel of which it keeps nothing. Durability `memory` will do: if the record is lost, the
   * channel comes back and goes again.
   */
  forgetStored(channel: Channel): void {
    const { stored } = channel;
    if (stored === undefined) return;
    this.directory.removeQueue(stored.queue, Durability.memory);
    channel.stored = undefined;
    channel.goOn(stored.numbering);
  }

  /** Forgets a channel that nobody needs. */
  tidy(channel: Channel): void {
    if (channel.size > 0 || channel.stored !== undefined || channel.historyMessages > 0) return;
    this.account(channel, () => channel.trim());
    this.#channels.delete(channel.name);
    this.#names.remove(channel.name);
  }

  /** Does something that may change how much memory a channel takes. */
  account<T>(channel: Channel, act: () => T): T {
    try {
      return act();
    } finally {
      this.#recount(channel);
    }
  }

  #recount(channel: Channel): void {
    this.#bytes += channel.bytes - channel.countedBytes;
    channel.countedBytes = channel.bytes;
  }

  #add(name: string, stored: StoredChannel | undefined): Channel {
    const channel = new Channel(name, this.store.effects, this.defaults, (subscriber) => this.#onMissed(subscriber));
    channel.stored = stored;
    this.#channels.set(name, channel);
    this.#names.add(name);
    return channel;
  }

  /** Throws TOO_MANY_TOPICS, TOO_MANY_CONSUMERS. */
  subscribe(c: Subscribe): void {
    const channel = this.use(c.channel);
    const connection = this.connections.use(c.connection);
    const known = channel.subscribers.get(c.connection);
    try {
      if (known === undefined) this.connections.admit(connection);
    } catch (error) {
      this.tidy(channel);
      throw error;
    }
    if (known !== undefined && c.options === undefined) {
      this.account(channel, () => channel.setOverflow(known, c.overflow));
      return this.#confirm(c, channel.size);
    }
    const { recover = false, credit = Number.POSITIVE_INFINITY } = c.options ?? {};
    if (recover && !channel.isRecoverable) {
      channel.isRecoverable = true;
      this.onTimed(this.defaults.historyIdle);
    }
    const beginning = this.#beginning(channel, c.options ?? {});
    this.account(channel, () => channel.subscribe(connection, c.overflow, beginning.cursor, credit));
    connection.channels.add(c.channel);
    if (c.options === undefined) return this.#confirm(c, channel.size);
    const { stored } = channel;
    const isNumbered = this.appender.number(channel.numbering);
    if (isNumbered && stored?.isJournalled) this.directory.recordChannel(stored, stored.level);
    const value = {
      subscribers: channel.size,
      epoch: channel.numbering.epoch,
      position: beginning.cursor,
      kept: channel.keeps,
      recovered: beginning.recovered,
      lost: beginning.lost,
    };
    // Where it has just ceased to be kept, positions are told once they will not be given again.
    const other = channel.next > channel.durable ? Durability.write : Durability.memory;
    const level = stored?.isJournalled ? stored.level : other;
    this.store.effects.result(c.connection, c.request, value, level, channel.name);
  }

  #beginning(channel: Channel, { from = "now", position, epoch }: SubscribeOptions): Beginning {
    const { next, first, numbering } = channel;
    if (position === undefined) {
      const cursor = from === "now" ? next : from === "start" ? first : channel.positionAt(from);
      return { cursor, recovered: null, lost: null };
    }
    const cursor = Math.min(next, Math.max(position, first));
    if (epoch === undefined) return { cursor, recovered: null, lost: null };
    // Positions have begun again, or some that it knows were lost with the machine.
    if (epoch !== numbering.epoch || position > next) return { cursor: first, recovered: false, lost: null };
    // What is missing further on it is told when it comes there.
    return { cursor, recovered: cursor === position && cursor >= channel.wholeFrom, lost: cursor - position };
  }

  /** Throws NOT_SUBSCRIBED. */
  unsubscribe(c: Unsubscribe): void {
    const connection = this.connections.find(c.connection);
    if (connection === undefined || !connection.channels.has(c.channel)) throw notSubscribed(c.channel);
    this.leave(connection, c.channel);
    this.connections.tidy(connection);
    this.#confirm(c, 0);
  }

  /** Credit for a subscription that has ended is ignored. */
  credit(c: ChannelCredit): void {
    const channel = this.#channels.get(c.channel);
    const subscriber = channel?.subscribers.get(c.connection);
    if (subscriber !== undefined) channel?.addCredit(subscriber, c.credit);
  }

  /** `memory`: bytes that channels may take in all. Throws BUSY; of a kept one also what a PUBLISH throws. */
  publish(c: PublishChannel, memory: number): void {
    const channel = this.defaults.keep ? this.use(c.channel) : this.find(c.channel);
    const { effects } = this.store;
    if (channel === undefined) {
      return effects.confirm(c.connection, c.request, 1, 0, 0, 0, Durability.memory);
    }
    const position = channel.next;
    const room = memory - this.#bytes + channel.bytes;
    const isNew = channel.stored === undefined;
    let idHigh = 0;
    let idLow = 0;
    let level: number = Durability.memory;
    try {
      channel.admit(c, room);
      if (channel.stored === undefined && this.defaults.keep) this.keep(channel, c.connection);
      const { stored } = channel;
      if (stored?.settings.keep) {
        this.appender.keep(stored, c);
        stored.usedAt = this.store.now;
        ({ high: idHigh, low: idLow } = this.appender.ids);
        level = stored.level;
        const { maxMessages, maxBytes } = stored.settings;
        if (maxMessages > 0 || maxBytes > 0) shrink(stored.queue, c.count + this.store.stepExtents);
      }
    } catch (error) {
      if (isNew) this.forgetStored(channel);
      this.tidy(channel);
      throw error;
    }
    const { totals } = this.store;
    totals.channel += c.count;
    totals.publishedBytes += c.end - c.start;
    const receivers = channel.size;
    const slow = channel.publish(c, position, idHigh, idLow, this.store.now, room);
    this.#recount(channel);
    for (const subscriber of slow) this.#sendAway(subscriber);
    channel.answer(c.connection, c.request, idHigh, idLow, receivers, level);
  }

  hold(connection: ConnectionEntry): void {
    for (const name of connection.channels) this.#channel(name).hold(connection.number);
  }

  /** A connection can take messages again: the next turns send it what it has missed. */
  unhold(connection: ConnectionEntry): void {
    for (const name of connection.channels) this.#channel(name).unhold(connection.number);
  }

  /**
   * Sends subscribers what they have missed, a bounded amount. Answers when to call again.
   *
   * What is read back from disk takes a while: that is done for one of them, after those that need none, so that a page
   * serves all who are in it before it leaves memory again.
   */
  turn(now: number): number {
    const { pages } = this.store.log;
    const { scans } = pages;
    let sent = 0;
    let reader: ChannelSubscriber | undefined;
    // Each has one turn.
    for (let left = Math.min(TURN_LOOKS, this.#missed.length); left > 0; left--) {
      if (sent >= TURN_BYTES || pages.scans !== scans) break;
      // Answers would have to wait behind what is sent now.
      if (this.isCrowded()) return now + CROWDED_WAIT;
      const subscriber = this.#missed.shift();
      if (subscriber === undefined) break;
      subscriber.isQueued = false;
      if (!this.#catchUp.isOnDisk(subscriber)) {
        sent += this.#send(subscriber);
        continue;
      }
      reader ??= subscriber;
      this.#onMissed(subscriber);
    }
    if (reader !== undefined && pages.scans === scans) this.#send(reader);
    return this.#missed.length > 0 ? now : Number.POSITIVE_INFINITY;
  }

  #send(subscriber: ChannelSubscriber): number {
    if (subscriber.isOver) return 0;
    const { channel } = subscriber;
    const max = channel.keeps ? SLICE_BYTES : WINDOW_BYTES;
    const sent = this.account(channel, () => this.#catchUp.send(subscriber, max));
    if (!subscriber.isCurrent && subscriber.canTake && subscriber.cursor < channel.next) this.#onMissed(subscriber);
    return sent;
  }

  /** Ends a subscription. */
  leave(connection: ConnectionEntry, name: string): void {
    const channel = this.#channel(name);
    this.account(channel, () => channel.unsubscribe(connection.number, this.store.now));
    connection.channels.delete(name);
    this.connections.dismiss();
    this.tidy(channel);
  }

  invariants(): void {
    let bytes = 0;
    for (const channel of this.#channels.values()) {
      channel.invariants();
      bytes += channel.bytes;
      if (channel.size === 0 && channel.stored === undefined && channel.historyMessages === 0) {
        throw new Error(`channel ${channel.name} exists without a reason`);
      }
      if (channel.stored !== this.directory.findChannel(channel.name)) {
        throw new Error(`channel ${channel.name} is not as it is stored`);
      }
    }
    if (bytes !== this.#bytes) throw new Error(`channels: backlogs take ${bytes} bytes, ${this.#bytes} are counted`);
  }

  #onMissed(subscriber: ChannelSubscriber): void {
    if (subscriber.isQueued || subscriber.isOver) return;
    subscriber.isQueued = true;
    this.#missed.push(subscriber);
  }

  #sendAway({ connection, channel }: ChannelSubscriber): void {
    this.leave(connection, channel.name);
    this.connections.tidy(connection);
    this.store.effects.close(
      connection.number,
      "SLOW_SUBSCRIBER",
      `channel ${channel.name}: the subscriber fell behind; read faster or subscribe with another overflow`,
    );
  }

  #channel(name: string): Channel {
    const channel = this.#channels.get(name);
    if (channel === undefined) throw new Error(`channel ${name} is subscribed to and does not exist`);
    return channel;
  }

  #confirm({ connection, request }: Subscribe | Unsubscribe, messages: number): void {
    this.store.effects.confirm(connection, request, 1, 0, 0, messages, Durability.memory);
  }
}

const notSubscribed = (channel: string): ProtocolError =>
  new ProtocolError("NOT_SUBSCRIBED", `the connection has no subscription to channel ${channel}`);
