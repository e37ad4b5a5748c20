/** Channels as the specification describes them: who is subscribed now gets a copy; who is behind gets it later. */
import assert from "node:assert/strict";
import type { Overflow } from "../../../src/protocol/subscribe-options.js";
import type { PublishChannel, Subscribe, Unsubscribe } from "../../../src/shard/command.js";
import { splitEntries, type Witness } from "./effects.js";
import { Refusal } from "./topic.js";

/** How far a subscriber may fall behind. */
const BACKLOG_MESSAGES = 8192;
const BACKLOG_BYTES = 4 * 1024 * 1024;
/** Losses are whole batches. */
const MAX_BATCH = 4096;

interface Subscription {
  overflow: Overflow;
  /** Its connection is held, or was and has not been sent yet what it missed. */
  isBehind: boolean;
  /** Batches that it missed. */
  backlog: string[][];
}

const bytesOf = (entries: readonly string[]): number => entries.reduce((bytes, entry) => bytes + entry.length, 0);

export class ModelChannels {
  /** By channel, then by connection in order of subscription. */
  readonly #channels = new Map<string, Map<number, Subscription>>();

  get names(): number {
    return this.#channels.size;
  }

  get subscriptions(): number {
    let count = 0;
    for (const subscriptions of this.#channels.values()) count += subscriptions.size;
    return count;
  }

  has(channel: string): boolean {
    return this.#channels.has(channel);
  }

  isSubscribed(channel: string, connection: number): boolean {
    return this.#channels.get(channel)?.has(connection) ?? false;
  }

  /** Answers how many subscribers the channel has. */
  subscribe({ channel, connection, overflow }: Subscribe, isHeld: boolean): number {
    const subscriptions = this.#channels.get(channel) ?? new Map<number, Subscription>();
    this.#channels.set(channel, subscriptions);
    const known = subscriptions.get(connection);
    if (known === undefined) subscriptions.set(connection, { overflow, isBehind: isHeld, backlog: [] });
    else known.overflow = overflow;
    return subscriptions.size;
  }

  unsubscribe({ channel, connection }: Unsubscribe): void {
    if (!this.#remove(channel, connection)) throw new Refusal("NOT_SUBSCRIBED");
  }

  disconnect(connection: number): void {
    for (const channel of [...this.#channels.keys()]) this.#remove(channel, connection);
  }

  hold(connection: number): void {
    for (const subscriptions of this.#channels.values()) {
      const subscription = subscriptions.get(connection);
      if (subscription !== undefined) subscription.isBehind = true;
    }
  }

  /** Everybody who is not behind gets the batch now; the others have it waiting, or have fallen too far behind. */
  publish(command: PublishChannel, witness: Witness): void {
    const { channel, connection, request, bytes, start, end } = command;
    const subscriptions = this.#channels.get(channel) ?? new Map<number, Subscription>();
    const messages = subscriptions.size;
    const entries = splitEntries(bytes, start, end);
    const expected: number[] = [];
    const slow: number[] = [];
    for (const [each, subscription] of subscriptions) {
      if (subscription.isBehind) subscription.backlog.push(entries);
      else expected.push(each);
      if (subscription.overflow === "disconnect" && this.#isOver(subscription)) slow.push(each);
    }
    const closed: number[] = [];
    for (let done = false; !done; ) {
      switch (witness.next?.kind) {
        case "channelMessages": {
          const seen = witness.take("channelMessages");
          assert.deepEqual([...seen.connections].sort(), expected.splice(0).sort());
          assert.deepEqual({ channel: seen.channel, entries: seen.entries }, { channel, entries });
          break;
        }
        case "close": {
          const seen = witness.take("close");
          assert.equal(seen.error, "SLOW_SUBSCRIBER");
          closed.push(seen.connection);
          break;
        }
        default:
          witness.expect({ kind: "confirm", connection, request, requests: 1, id: 0n, messages });
          done = true;
      }
    }
    assert.deepEqual(expected, [], "subscribers that got nothing");
    assert.deepEqual(closed.sort(), slow.sort(), "connections closed for being slow");
    for (const each of slow) this.#remove(channel, each);
  }

  /** Takes an effect that tells a connection what it missed. */
  catchUp(isHeld: (connection: number) => boolean, witness: Witness): void {
    const { next } = witness;
    assert.ok(next?.kind === "channelLost" || next?.kind === "channelMessages");
    const connection = next.kind === "channelLost" ? next.connection : (next.connections[0] ?? 0);
    const subscription = this.#channels.get(next.channel)?.get(connection);
    assert.ok(subscription?.isBehind === true && !isHeld(connection), `${connection} is not to be sent a backlog`);
    subscription.isBehind = false;
    this.#catchUp(next.channel, connection, subscription, witness);
  }

  /** Takes the close of a connection that lost messages before it chose rather to be closed, and can be told now. */
  closed(isHeld: (connection: number) => boolean, witness: Witness): void {
    const { connection, error } = witness.take("close");
    assert.equal(error, "SLOW_SUBSCRIBER");
    assert.ok(!isHeld(connection), `${connection} is held, and closed in a turn`);
    for (const [channel, subscriptions] of this.#channels) {
      const subscription = subscriptions.get(connection);
      if (subscription?.overflow !== "disconnect" || !this.#isOver(subscription)) continue;
      this.#remove(channel, connection);
      return;
    }
    assert.fail(`${connection} is closed and has lost nothing`);
  }

  /** At rest nobody is behind but those who are held. */
  rest(isHeld: (connection: number) => boolean): void {
    for (const subscriptions of this.#channels.values()) {
      for (const [connection, subscription] of subscriptions) {
        if (isHeld(connection)) continue;
        assert.deepEqual(subscription.backlog, [], "a backlog was not sent");
        subscription.isBehind = false;
      }
    }
  }

  #catchUp(channel: string, connection: number, subscription: Subscription, witness: Witness): void {
    const missed = subscription.backlog.flat();
    const isOver = this.#isOver(subscription);
    subscription.backlog = [];
    let lost = 0;
    if (witness.next?.kind === "channelLost") {
      const effect = witness.take("channelLost");
      assert.deepEqual([effect.connection, effect.channel], [connection, channel]);
      lost = effect.count;
    }
    const got: string[] = [];
    while (witness.next?.kind === "channelMessages" && witness.next.channel === channel) {
      assert.equal(witness.next.connections.length, 1, "a backlog is sent to several at once");
      if (witness.next.connections[0] !== connection) break;
      got.push(...witness.take("channelMessages").entries);
    }
    assert.equal(lost + got.length, missed.length, "messages missed are neither lost nor sent");
    assert.deepEqual(got, missed.slice(lost), "not the latest messages, in order");
    assert.equal(lost > 0, isOver, "messages are lost past the bound, and only then");
    assert.ok(got.length <= BACKLOG_MESSAGES && bytesOf(got) <= BACKLOG_BYTES, "more was kept than the bound");
    if (!isOver) return;
    // What was lost was one batch too many at the most.
    const kept = missed.slice(Math.max(0, lost - MAX_BATCH));
    assert.ok(kept.length > BACKLOG_MESSAGES || bytesOf(kept) > BACKLOG_BYTES, "more was lost than had to be");
  }

  #isOver({ backlog }: Subscription): boolean {
    const all = backlog.flat();
    return all.length > BACKLOG_MESSAGES || bytesOf(all) > BACKLOG_BYTES;
  }

  #remove(channel: string, connection: number): boolean {
    const subscriptions = this.#channels.get(channel);
    if (subscriptions === undefined || !subscriptions.delete(connection)) return false;
    if (subscriptions.size === 0) this.#channels.delete(channel);
    return true;
  }
}
