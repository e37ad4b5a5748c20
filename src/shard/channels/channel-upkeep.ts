/**
 * What time does to channels: kept messages grow too old, histories are not needed any more, and kept channels that are
 * empty are forgotten. It walks all channels, round after round, a bounded amount of work each turn, so that no message
 * costs a timer.
 */
import { idTime } from "../../protocol/id.js";
import * as ext from "../messages/extent.js";
import { dropFront, excessOf, shrink } from "../messages/overflow.js";
import { drop } from "../messages/purge.js";
import type { Store } from "../messages/store.js";
import type { Directory } from "../topics/directory.js";
import type { StoredChannel } from "../topics/stored-channel.js";
import type { Channel } from "./channel.js";
import type { ChannelAdministration } from "./channel-administration.js";
import type { Channels } from "./channels.js";

/** Rounds within the shortest age: a message stays at most an eighth longer than that. */
const ROUNDS = 8;

/** Milliseconds between the beginnings of two rounds. */
const MIN_ROUND = 100;
const MAX_ROUND = 60_000;

/** Channels that a turn looks at. */
const TURN_LOOKS = 1024;

export class ChannelUpkeep {
  #stored: Iterator<StoredChannel> | undefined;
  #live: Iterator<Channel> | undefined;
  /** When the next round begins, and the shortest time that matters to a channel of this one. */
  #due = Number.NEGATIVE_INFINITY;
  #shortest = Number.POSITIVE_INFINITY;

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly channels: Channels,
    readonly administration: ChannelAdministration,
    /** Milliseconds after which an empty channel is forgotten that nobody has configured. Infinity: never. */
    readonly idle: number,
    /** The journal has no room for records that can wait. */
    readonly isShort: () => boolean,
  ) {}

  /** A channel was configured, or has a history: the next round may have to begin earlier. */
  hurry(time: number): void {
    this.#due = Math.min(this.#due, this.store.now + roundOf(Math.min(time, this.idle)));
  }

  /** Answers when to call again. */
  turn(now: number): number {
    if (this.#stored === undefined) {
      if (this.channels.isEmpty && this.directory.channels.byName.size === 0) {
        this.#due = Number.NEGATIVE_INFINITY;
        return Number.POSITIVE_INFINITY;
      }
      if (now < this.#due) return this.#due;
      this.#stored = this.directory.channels.byName.values();
      this.#live = this.channels.all[Symbol.iterator]();
      this.#shortest = Number.POSITIVE_INFINITY;
    }
    let left = this.store.stepExtents;
    for (let looks = 0; looks < TURN_LOOKS && left > 0; looks++) {
      const stored = this.#stored.next().value as StoredChannel | undefined;
      if (stored !== undefined) {
        left -= this.#lookAt(stored, now, left);
        continue;
      }
      const live = this.#live?.next().value as Channel | undefined;
      if (live === undefined) return this.#end(now);
      this.#lookAtHistory(live, now);
    }
    return now;
  }

  #end(now: number): number {
    this.#stored = undefined;
    this.#live = undefined;
    this.#due = Math.min(this.#due > now ? this.#due : Number.POSITIVE_INFINITY, now + roundOf(this.#shortest));
    return this.#due;
  }

  /** Answers how many extents it has dropped. */
  #lookAt(stored: StoredChannel, now: number, max: number): number {
    const { queue, settings } = stored;
    let dropped = 0;
    if (!settings.keep) {
      // A crash has come in between.
      if (queue.readyCount > 0) dropped = drop(queue, "ready", max);
    } else {
      if (settings.maxAge > 0) dropped = this.#expire(stored, now - settings.maxAge, max);
      if (excessOf(queue) > 0) dropped += shrink(queue, max);
    }
    if (settings.maxAge > 0) this.#matters(settings.maxAge);
    if (dropped >= max) this.#matters(0);
    this.#forget(stored, now);
    return dropped;
  }

  #expire({ queue, store }: StoredChannel, until: number, max: number): number {
    const { extents } = store;
    let dropped = 0;
    for (let { head } = queue.ready; head !== ext.NONE && dropped < max; { head } = queue.ready) {
      if (idTime(extents.idHigh(head), extents.idLow(head)) > until) break;
      dropFront(queue, extents.get(head, ext.SPAN));
      dropped++;
    }
    return dropped;
  }

  #forget(stored: StoredChannel, now: number): void {
    if (!stored.followsDefaults || this.idle === Number.POSITIVE_INFINITY) return;
    this.#matters(this.idle);
    const isUsed = stored.queue.readyCount > 0 || (this.channels.peek(stored.name)?.size ?? 0) > 0;
    if (isUsed) stored.usedAt = now;
    else if (now - stored.usedAt >= this.idle && !this.isShort()) this.administration.forget(stored);
  }

  #lookAtHistory(channel: Channel, now: number): void {
    if (!channel.isRecoverable) return;
    const { historyIdle } = this.channels.defaults;
    this.#matters(historyIdle);
    if (channel.size > 0 || now - channel.usedAt < historyIdle) return;
    this.channels.account(channel, () => {
      channel.isRecoverable = false;
      channel.trim();
    });
    this.channels.tidy(channel);
  }

  #matters(time: number): void {
    this.#shortest = Math.min(this.#shortest, time);
  }
}

/** The time between two rounds, when the shortest time that matters is this. */
const roundOf = (time: number): number =>
  time === Number.POSITIVE_INFINITY ? time : Math.min(MAX_ROUND, Math.max(MIN_ROUND, time / ROUNDS));
