/** What operators ask of channels: configure, delete, statistics. What is dropped is dropped in steps. */
import { ProtocolError } from "../../protocol/errors.js";
import { Durability } from "../../protocol/op.js";
import type { TopicPatterns } from "../../protocol/topic-pattern.js";
import type { ChannelCommand, Command, ConfigureChannel, ListChannels } from "../command.js";
import { shrink } from "../messages/overflow.js";
import { drop } from "../messages/purge.js";
import type { Store } from "../messages/store.js";
import type { Steps } from "../steps.js";
import type { BatchAppender } from "../topics/batch-appender.js";
import type { Directory } from "../topics/directory.js";
import { defaultSettings, type StoredChannel } from "../topics/stored-channel.js";
import type { Channel } from "./channel.js";
import type { Channels } from "./channels.js";

export class ChannelAdministration {
  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly appender: BatchAppender,
    readonly channels: Channels,
  ) {}

  /** Throws BAD_CONFIG, TOO_MANY_TOPICS, MEMORY_FULL. */
  *configure(c: ConfigureChannel): Steps {
    const { connection, request, config } = c;
    const { durability, keep } = config;
    if (this.store.level === Durability.memory && durability !== undefined && durability !== "memory") {
      throw new ProtocolError("BAD_CONFIG", "the broker keeps nothing on disk: start it without --durability memory");
    }
    const channel = this.channels.use(c.channel);
    const stored = this.#known(channel, c.connection);
    const kept = channel.keeps;
    const wasJournalled = stored.isJournalled;
    const { durable } = channel;
    this.appender.number(channel.numbering);
    const configure = (): void => stored.configure(config);
    this.channels.account(channel, () => {
      if (keep === undefined || keep === kept) configure();
      else channel.rekeep(configure);
      channel.trim();
    });
    stored.usedAt = this.store.now;
    if (stored.settings.maxAge > 0) this.channels.onTimed(stored.settings.maxAge);
    // As durable as the channel's messages are to be from now on.
    const level = this.store.levelOf(stored);
    this.directory.recordChannel(stored, level);
    if (wasJournalled && !stored.isJournalled) channel.endKeeping(this.store.log, durable);
    if (kept && keep === false) {
      yield* this.#empty(stored, () => !stored.settings.keep);
    } else while (shrink(stored.queue, this.store.stepExtents) > 0) yield;
    this.store.effects.result(connection, request, stored.settings, level);
  }

  /** Throws NO_TOPIC. */
  *delete(c: ChannelCommand): Steps {
    const { connection, request } = c;
    const channel = this.#find(c.channel);
    const { stored } = channel;
    let dropped = channel.window.messages;
    if (stored === undefined) {
      if (channel.historyMessages === 0) throw noChannel(c.channel);
      this.#forgetHistory(channel);
    } else {
      dropped += yield* this.#empty(stored, () => true);
      if (channel.stored === stored) {
        const { durable } = channel;
        dropped += this.#remove(channel, stored);
        if (stored.isJournalled) channel.endKeeping(this.store.log, durable);
      }
    }
    this.channels.tidy(channel);
    const level = stored === undefined ? this.store.level : this.store.levelOf(stored);
    this.store.effects.confirm(connection, request, 1, 0, 0, dropped, level);
  }

  /** Throws NO_TOPIC. */
  stats(c: ChannelCommand): void {
    this.store.effects.result(c.connection, c.request, this.#statsOf(this.#find(c.channel)));
  }

  /** `sight`: what it may show; undefined: all. */
  list(c: ListChannels, sight: TopicPatterns | undefined): void {
    const { names, more, last } = this.channels.names(c.after, c.max, sight);
    const channels = names.map((name) => this.#statsOf(this.#find(name)));
    this.store.effects.result(c.connection, c.request, sight === undefined ? [channels, more] : [channels, more, last]);
  }

  /** Forgets a channel that nobody has configured, that holds nothing and that nobody is subscribed to. */
  forget(stored: StoredChannel): void {
    const channel = this.channels.peek(stored.name);
    if (channel === undefined) {
      this.directory.removeQueue(stored.queue, Durability.memory);
      return;
    }
    this.channels.forgetStored(channel);
    this.channels.tidy(channel);
  }

  #known(channel: Channel, connection: number): StoredChannel {
    try {
      return this.channels.keep(channel, connection);
    } catch (error) {
      this.channels.tidy(channel);
      throw error;
    }
  }

  /** Drops what a channel has kept until now, as long as it `isStill` to be dropped. Answers how many messages. */
  *#empty(stored: StoredChannel, isStill: () => boolean): Steps<Command, number> {
    const { queue } = stored;
    const before = stored.numbering.next;
    let dropped = 0;
    while (queue.readyCount > 0 && stored.first < before && isStill()) {
      dropped += drop(queue, "ready", this.store.stepExtents);
      if (queue.readyCount > 0 && stored.first < before) yield;
    }
    stored.dropped += dropped;
    this.store.totals.dropped += dropped;
    return dropped;
  }

  /** Forgets what is stored of a channel, with what was published meanwhile. Who is subscribed goes on behind that. */
  #remove(channel: Channel, stored: StoredChannel): number {
    const { numbering } = stored;
    let dropped = 0;
    this.channels.account(channel, () =>
      channel.rekeep(() => {
        dropped = drop(stored.queue, "ready", Number.POSITIVE_INFINITY);
        this.directory.removeQueue(stored.queue, this.store.levelOf(stored));
        channel.stored = undefined;
        channel.goOn(numbering);
        channel.isRecoverable = false;
      }),
    );
    return dropped;
  }

  #forgetHistory(channel: Channel): void {
    this.channels.account(channel, () => {
      channel.isRecoverable = false;
      channel.trim();
    });
  }

  #find(name: string): Channel {
    const channel = this.channels.find(name);
    if (channel === undefined) throw noChannel(name);
    return channel;
  }

  #statsOf(channel: Channel): Record<string, unknown> {
    const { stored, keeps, window, numbering } = channel;
    return {
      name: channel.name,
      config: stored?.settings ?? { ...defaultSettings(this.channels.defaults), keep: false },
      kept: keeps,
      epoch: numbering.epoch,
      first: channel.first,
      next: channel.next,
      messages: keeps ? (stored?.queue.readyCount ?? 0) : window.messages,
      bytes: keeps ? (stored?.queue.readyBytes ?? 0) : window.entryBytes,
      published: channel.published,
      dropped: channel.dropped + (stored?.dropped ?? 0),
      subscribers: channel.size,
      behind: channel.behind,
    };
  }
}

const noChannel = (name: string): ProtocolError => new ProtocolError("NO_TOPIC", `channel ${name} does not exist`);
