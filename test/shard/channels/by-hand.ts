/** Channels of a shard by hand: numbered messages, and what each subscriber has seen of them. */
import assert from "node:assert/strict";
import type { Overflow, SubscribeOptions } from "../../../src/protocol/subscribe-options.js";
import type { ChannelConfig } from "../../../src/shard/command.js";
import type { ShardOptions } from "../../../src/shard/shard.js";
import type { Effect } from "../model/effects.js";
import { readInto, segmentsOf } from "../read-back.js";
import { ShardByHand } from "../shard-by-hand.js";

/** A message that a subscriber has got, or how many it was told that it lost. */
export type Seen = { readonly position: number; readonly body: string } | { readonly lost: number };

/** The connection of those who look and configure: it is never held. */
const OPERATOR = 98;

export class ChannelsByHand {
  readonly by: ShardByHand;
  /** By connection. */
  readonly seen = new Map<number, Seen[]>();
  readonly closed: number[] = [];
  /** Requests of publishes that are confirmed, with the subscribers that they reached. */
  confirmed: number[] = [];
  #serial = 0;

  constructor(options: Partial<ShardOptions> = {}) {
    this.by = new ShardByHand(options);
  }

  /** Commits the log. */
  commit(): void {
    const { log } = this.by.shard.store;
    for (const page of log.unwritten) page.written = page.used;
    log.markDurable(log.position);
  }

  /** Gives the shard turns until it has nothing to do at once. */
  settle(): void {
    this.commit();
    for (let turns = 0; this.by.shard.turn(this.by.now) <= this.by.now; turns++) assert.ok(turns < 10_000, "no rest");
    this.by.shard.invariants();
    this.#note(this.by.recorder.take());
  }

  /** Publishes messages with the next numbers for bodies; `size`: bytes of each. Answers what was answered. */
  publish(channel: string, count = 1, { key = "", size = 4, connection = 99 } = {}): Effect[] {
    const each = 4 + size;
    const bytes = new Uint8Array(count * each);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) {
      view.setUint32(i * each, size);
      view.setUint32(i * each + 4, this.#serial++);
    }
    const slice = { bytes, view, start: 0, end: bytes.length };
    return this.#note(this.by.ask({ op: "publishChannel", channel, key, count, ...slice }, connection));
  }

  subscribe(
    channel: string,
    connection: number,
    options?: SubscribeOptions,
    overflow: Overflow = "drop-oldest",
  ): unknown {
    const ask = { op: "subscribe", channel, overflow } as const;
    const effects = this.#note(this.by.ask(options === undefined ? ask : { ...ask, options }, connection));
    const answer = effects.find(({ kind }) => kind === "result" || kind === "fail");
    return answer?.kind === "result" ? answer.value : answer?.kind === "fail" ? answer.error : undefined;
  }

  unsubscribe(channel: string, connection: number): void {
    this.#note(this.by.ask({ op: "unsubscribe", channel }, connection));
  }

  credit(channel: string, connection: number, credit: number): void {
    this.#note(this.by.ask({ op: "channelCredit", channel, credit }, connection));
    this.settle();
  }

  hold(connection: number): void {
    this.by.shard.apply({ op: "hold", connection }, this.by.now);
  }

  unhold(connection: number): void {
    this.by.shard.apply({ op: "unhold", connection }, this.by.now);
    this.settle();
  }

  configure(channel: string, config: Partial<ChannelConfig>): unknown {
    return this.#value(this.by.ask({ op: "configureChannel", channel, config }, OPERATOR));
  }

  stats(channel: string): Record<string, unknown> {
    return this.#value(this.by.ask({ op: "channelStats", channel }, OPERATOR)) as Record<string, unknown>;
  }

  delete(channel: string): Effect[] {
    return this.#note(this.by.ask({ op: "deleteChannel", channel }, OPERATOR));
  }

  /** What a connection has seen since the last call. */
  take(connection: number): Seen[] {
    const seen = this.seen.get(connection) ?? [];
    this.seen.delete(connection);
    return seen;
  }

  /** As text: "3:7" is the message 7 at position 3, "-4" says that four are lost. */
  told(connection: number): string {
    return this.take(connection)
      .map((seen) => ("lost" in seen ? `-${seen.lost}` : `${seen.position}:${seen.body}`))
      .join(" ");
  }

  /** The shard ends and its log is read back by another. */
  restarted(options: Partial<ShardOptions> = {}): ChannelsByHand {
    const again = new ChannelsByHand({ now: this.by.now + 2_000, ...options });
    readInto(again.by.shard, segmentsOf(this.by.shard.store.log));
    again.#serial = this.#serial;
    again.settle();
    return again;
  }

  #value(effects: Effect[]): unknown {
    const answer = this.#note(effects).find(({ kind }) => kind === "result" || kind === "fail");
    return answer?.kind === "result" ? answer.value : answer?.kind === "fail" ? answer.error : undefined;
  }

  #note(effects: Effect[]): Effect[] {
    for (const effect of effects) {
      if (effect.kind === "confirm") this.confirmed.push(effect.request);
      if (effect.kind === "close") this.closed.push(effect.connection);
      if (effect.kind === "channelLost") this.#see(effect.connection, { lost: effect.count });
      if (effect.kind !== "channelMessages") continue;
      for (const [i, entry] of effect.entries.entries()) {
        const body = String(Buffer.from(entry, "latin1").readUInt32BE(4));
        for (const connection of effect.connections) this.#see(connection, { position: effect.position + i, body });
      }
    }
    return effects;
  }

  #see(connection: number, seen: Seen): void {
    const list = this.seen.get(connection);
    if (list === undefined) this.seen.set(connection, [seen]);
    else list.push(seen);
  }
}
