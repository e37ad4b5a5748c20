/**
 * Publishers and subscribers of channels, and what they hold the broker to:
 *
 * - A position of an epoch has one message, whoever sees it and whenever.
 * - A follower, also one that goes on after a restart, gets each message once and in order, or is told how many it lost.
 *   One that goes on where messages are missing is told that before it does.
 * - What was confirmed on a kept channel, or was seen, is there after a restart, unless its retention has taken it.
 */
import assert from "node:assert/strict";
import { SIZE_MASK, WORD_BYTES } from "../../src/protocol/entry.js";
import { Durability } from "../../src/protocol/op.js";
import type { Overflow, SubscribeOptions } from "../../src/protocol/subscribe-options.js";
import type { Command } from "../../src/shard/command.js";
import * as ext from "../../src/shard/messages/extent.js";
import type { Shard } from "../../src/shard/shard.js";
import type { Numbering, StoredChannel } from "../../src/shard/topics/stored-channel.js";
import { keyOf } from "./photograph.js";
import { Register } from "./register.js";
import type { Holds, Pledge } from "./shadow.js";
import type { Answer } from "./staged-answers.js";
import type { ChannelStep } from "./steps.js";

/** A message that a shard has kept. */
interface Kept {
  readonly position: number;
  readonly key: number;
  readonly entry: string;
}

interface Sent {
  readonly channel: string;
  readonly entries: readonly string[];
  /** The id of the first; 0: none is known. */
  firstKey: number;
  /** Undefined: not confirmed. */
  promise: Pledge | undefined;
}

interface Follower {
  readonly channel: string;
  /** Undefined: it has not been told. */
  epoch: string | undefined;
  /** The position of its next message. */
  next: number | undefined;
  /** The channel was kept when it began. */
  readonly isKept: boolean;
  /** When it is behind it gets the last message of each key, and does not miss the others. */
  readonly conflates: boolean;
}

type Pending =
  | { readonly about: "publish"; readonly sent: Sent }
  /** Its configuration is set, or (undefined) it is deleted. `confirm`: undefined before the broker has said so. */
  | { readonly about: "settings"; readonly channel: string; confirm: ((pledge: Pledge) => void) | undefined }
  | {
      readonly about: "subscribe";
      readonly channel: string;
      readonly options: SubscribeOptions;
      readonly overflow: Overflow;
      readonly wasKept: boolean;
    };

interface SubscribeResult {
  readonly epoch: string;
  readonly position: number;
  readonly kept: boolean;
  readonly recovered: boolean | null;
  readonly lost: number | null;
}

/** What a channel was made to do that may cost messages: all of them, or the oldest. */
type Risk = "all" | "oldest";

export class ChannelClients {
  readonly #pending = new Map<string, Pending>();
  /** In the order in which they were published. */
  #sent: Sent[] = [];
  /** Channels that were not always as durable as can be. */
  readonly #weak = new Set<string>();
  readonly #risks = new Map<string, Risk>();
  /** Channels that were kept in memory alone for a while: what was published then may be missing between what is kept. */
  readonly #volatile = new Set<string>();
  /** By channel and epoch, of what a restart has found: the position behind its last gap. */
  readonly #gapEnds = new Map<string, number>();
  /** What channels are configured to be. */
  readonly #settings = new Map<string, Register<unknown>>();
  /** By channel and epoch: entries by position. */
  readonly #seen = new Map<string, Map<number, string>>();
  /** By connection and channel; and where they were when everything ended. */
  readonly #followers = new Map<string, Follower>();
  readonly #ended = new Map<string, Follower>();
  #serial = 0;

  /** The `level` of the broker. */
  constructor(readonly level: number) {}

  command(step: ChannelStep, request: number): Command {
    const { channel } = step;
    switch (step.do) {
      case "publishChannel": {
        const { connection, count, size } = step;
        const parts = Array.from({ length: count }, () => this.#entry(size));
        const entries = parts.map((part) => part.toString("latin1"));
        const sent: Sent = { channel, entries, firstKey: 0, promise: undefined };
        this.#sent.push(sent);
        this.#pend(connection, request, { about: "publish", sent });
        const bytes = new Uint8Array(Buffer.concat([Buffer.alloc(9, 0xee), ...parts, Buffer.alloc(5, 0xee)]));
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const slice = { bytes, view, start: 9, end: bytes.length - 5 };
        return { op: "publishChannel", connection, request, channel, key: step.key, count, ...slice };
      }
      case "subscribe": {
        const { connection, overflow, credit } = step;
        const at = this.#ended.get(`${connection}/${channel}`);
        const beginning: SubscribeOptions =
          step.from === "resume" && at?.next !== undefined && at.epoch !== undefined
            ? { position: at.next, epoch: at.epoch }
            : { from: step.from === "resume" ? "now" : step.from };
        const options = { ...beginning, recover: step.recover, ...(credit > 0 && { credit }) };
        this.#pend(connection, request, {
          about: "subscribe",
          channel,
          options,
          overflow,
          wasKept: at?.isKept ?? false,
        });
        return { op: "subscribe", connection, request, channel, overflow, options };
      }
      case "unsubscribe":
        this.#end(`${step.connection}/${channel}`);
        return { op: "unsubscribe", connection: step.connection, request, channel };
      case "channelCredit":
        return { op: "channelCredit", connection: step.connection, request: 0, channel, credit: step.credit };
      case "hold":
      case "unhold":
        return { op: step.do, connection: step.connection };
      case "configureChannel": {
        const { keep, durability, maxMessages, maxBytes, maxAge } = step.config;
        if (durability !== undefined && durability !== "fsync") this.#weak.add(channel);
        if (durability === "memory") this.#volatile.add(channel);
        if (keep === false || durability === "memory") this.#risk(channel, "all");
        if (maxMessages || maxBytes || maxAge) this.#risk(channel, "oldest");
        this.#pend(1, request, { about: "settings", channel, confirm: undefined });
        return { op: "configureChannel", connection: 1, request, channel, config: step.config };
      }
      case "deleteChannel":
        this.#risk(channel, "all");
        this.#pend(1, request, { about: "settings", channel, confirm: undefined });
        return { op: "deleteChannel", connection: 1, request, channel };
    }
  }

  /** The broker has said this, and has not sent it yet: ids are taken. */
  staged(answer: Answer): void {
    if (answer.kind !== "confirm" && answer.kind !== "result") return;
    const pending = this.#pending.get(`${answer.connection}/${answer.request}`);
    if (pending?.about === "publish" && answer.kind === "confirm") pending.sent.firstKey = answer.firstKey;
    if (pending?.about !== "settings") return;
    pending.confirm = this.#settingsOf(pending.channel).set(answer.kind === "result" ? answer.value : undefined);
  }

  /** A client has got this, at a time. */
  released(answer: Answer, at: number): void {
    switch (answer.kind) {
      case "channelMessages":
        for (const connection of answer.connections) this.#deliver(`${connection}/${answer.channel}`, answer);
        return;
      case "channelLost": {
        const follower = this.#followers.get(`${answer.connection}/${answer.channel}`);
        assert.ok(answer.count > 0, "a subscriber is told that it has lost nothing");
        if (follower?.next !== undefined) follower.next += answer.count;
        return;
      }
      case "close":
        for (const name of [...this.#followers.keys()]) if (name.startsWith(`${answer.connection}/`)) this.#end(name);
        return;
      case "confirm":
      case "result": {
        const pending = this.#pending.get(`${answer.connection}/${answer.request}`);
        if (pending?.about === "publish" && answer.kind === "confirm") {
          if (answer.firstKey !== 0) pending.sent.promise = { level: answer.level, at };
        } else if (pending?.about === "settings") {
          pending.confirm?.({ level: answer.level, at });
        } else if (pending?.about === "subscribe" && answer.kind === "result") {
          this.#subscribed(answer.connection, pending, answer.value as SubscribeResult);
        }
        return;
      }
    }
  }

  /** The shard of these channels, or all of them, have ended, and this is what there is. */
  restart(shards: readonly Shard[], isOver: (channel: string) => boolean, holds: Holds, now: number): void {
    for (const [request, pending] of this.#pending) {
      if (isOver(pending.about === "publish" ? pending.sent.channel : pending.channel)) this.#pending.delete(request);
    }
    for (const [name, { channel }] of this.#followers) if (isOver(channel)) this.#end(name);
    const found = new Map<string, readonly Kept[]>();
    const channels = shards.flatMap((shard) =>
      [...shard.directory.channels.byName.values()].map((channel) => ({ shard, channel })),
    );
    for (const { shard, channel } of channels) {
      const { name, queue, numbering, isJournalled } = channel;
      if (!isOver(name)) continue;
      assert.ok(!found.has(name), `channel ${name} is in two shards`);
      const kept = keptIn(shard, queue.ready.head);
      found.set(name, kept);
      if (!isJournalled) continue;
      if (this.#isWeak(name) && !holds({ level: Durability.write, at: Number.POSITIVE_INFINITY }))
        this.#forgetFrom(name, numbering);
      this.#expectNumbered(name, numbering, kept);
    }
    this.#judgeSettings(new Map(channels.map(({ channel }) => [channel.name, channel])), isOver, holds, now);
    const durable: Pledge = { level: Durability.fsync, at: now };
    for (const sent of this.#sent) {
      if (isOver(sent.channel)) this.#judge(sent, found.get(sent.channel) ?? [], holds, durable);
    }
    this.#sent = this.#sent.filter(
      ({ channel, firstKey, promise }) => !isOver(channel) || (firstKey !== 0 && promise !== undefined),
    );
  }

  /** What a channel has kept has the positions that it had, and what is missing in between may be. */
  #expectNumbered(name: string, { epoch, next }: Numbering, kept: readonly Kept[]): void {
    let end = kept[0]?.position ?? next;
    let gapEnd = 0;
    for (const { position, entry } of kept) {
      assert.ok(position === end || (position > end && this.#volatile.has(name)), `channel ${name} has a gap`);
      if (position > end) gapEnd = position;
      this.#see(name, epoch, position, entry);
      end = position + 1;
    }
    assert.ok(end <= next, `channel ${name} will number another message ${end - 1}`);
    this.#gapEnds.set(`${name}/${epoch}`, end < next ? next : gapEnd);
  }

  #judgeSettings(
    stored: ReadonlyMap<string, StoredChannel>,
    isOver: (channel: string) => boolean,
    holds: Holds,
    now: number,
  ): void {
    for (const [name, settings] of this.#settings) {
      if (!isOver(name)) continue;
      const channel = stored.get(name);
      settings.restart(channel?.followsDefaults === false ? channel.settings : undefined, holds, now);
    }
  }

  #judge(sent: Sent, found: readonly Kept[], holds: Holds, durable: Pledge): void {
    const { channel, entries, firstKey, promise } = sent;
    if (firstKey === 0) return;
    const risk = this.#risks.get(channel);
    const first = found[0]?.key ?? Number.POSITIVE_INFINITY;
    const present = new Map(
      found.filter(({ key }) => key >= firstKey && key < firstKey + entries.length).map((each) => [each.key, each]),
    );
    for (const [i, entry] of entries.entries()) {
      const kept = present.get(firstKey + i);
      if (kept !== undefined) {
        assert.equal(kept.entry, entry, `message ${firstKey + i} of channel ${channel} has the bytes of another`);
        continue;
      }
      const isTaken = risk === "all" || (risk === "oldest" && firstKey + i < first);
      const isPromised = promise !== undefined && holds(promise);
      assert.ok(isTaken || !isPromised, `message ${firstKey + i} of channel ${channel} was confirmed and is lost`);
    }
    const isWhole = present.size === 0 || present.size === entries.length || risk !== undefined;
    assert.ok(isWhole, `a part of a batch of channel ${channel} is lost`);
    sent.promise = present.size > 0 ? durable : undefined;
  }

  #deliver(name: string, answer: Extract<Answer, { kind: "channelMessages" }>): void {
    const follower = this.#followers.get(name);
    // It has unsubscribed meanwhile.
    if (follower === undefined) return;
    const { channel, position, entries } = answer;
    if (follower.conflates) {
      assert.ok(position >= (follower.next ?? 0), `subscriber ${name} got message ${position}, not ${follower.next}`);
    } else if (follower.next !== undefined) {
      assert.equal(position, follower.next, `subscriber ${name} got message ${position}, not ${follower.next}`);
    }
    for (const [i, entry] of entries.entries()) {
      if (follower.epoch !== undefined) this.#see(channel, follower.epoch, position + i, entry);
    }
    follower.next = position + entries.length;
  }

  #see(channel: string, epoch: string, position: number, entry: string): void {
    const name = `${channel}/${epoch}`;
    const seen = this.#seen.get(name) ?? new Map<number, string>();
    this.#seen.set(name, seen);
    const known = seen.get(position);
    assert.ok(known === undefined || known === entry, `message ${position} of channel ${name} is seen with two bodies`);
    const before = seen.get(position - 1);
    if (before !== undefined) assert.ok(serialOf(before) < serialOf(entry), `channel ${name} is out of order`);
    seen.set(position, entry);
  }

  #subscribed(
    connection: number,
    { channel, options, overflow, wasKept }: Extract<Pending, { about: "subscribe" }>,
    result: SubscribeResult,
  ): void {
    const { recovered, lost, epoch, position } = result;
    const name = `${connection}/${channel}`;
    // Before the first message has come it may be the next one, or another that retention has spared.
    const follower: Follower = {
      channel,
      epoch,
      next: recovered === null ? position : undefined,
      isKept: result.kept,
      conflates: overflow === "conflate",
    };
    if (recovered !== null && options.position !== undefined) {
      const asked = options.position;
      if (recovered) {
        assert.deepEqual([epoch, position, lost], [options.epoch, asked, 0], `subscriber ${name} goes on elsewhere`);
        const gapEnd = this.#gapEnds.get(`${channel}/${epoch}`) ?? 0;
        assert.ok(
          asked >= gapEnd,
          `subscriber ${name} goes on at ${asked} and is not told of the gap before ${gapEnd}`,
        );
      } else if (lost !== null) assert.equal(position, asked + lost, `subscriber ${name} has not lost what it is told`);
      const mayLose = this.#risks.has(channel) || !wasKept || !result.kept || this.#isWeak(channel);
      assert.ok(
        recovered || mayLose,
        `subscriber ${name} of a kept channel cannot go on: ${JSON.stringify([options, result])}`,
      );
      follower.next = position;
    }
    this.#followers.set(name, follower);
  }

  #end(name: string): void {
    const follower = this.#followers.get(name);
    if (follower === undefined) return;
    this.#followers.delete(name);
    this.#ended.set(name, follower);
  }

  /** The machine may take messages of it with it, and their positions are then given again. */
  #isWeak(channel: string): boolean {
    return this.level < Durability.fsync || this.#weak.has(channel);
  }

  #forgetFrom(channel: string, { epoch, next }: Numbering): void {
    const seen = this.#seen.get(`${channel}/${epoch}`);
    for (const position of [...(seen?.keys() ?? [])]) if (position >= next) seen?.delete(position);
    for (const [name, follower] of this.#ended) {
      if (name.endsWith(`/${channel}`) && (follower.next ?? 0) > next) this.#ended.delete(name);
    }
  }

  #settingsOf(channel: string): Register<unknown> {
    const known =
      this.#settings.get(channel) ?? new Register<unknown>(`the configuration of channel ${channel}`, undefined);
    this.#settings.set(channel, known);
    return known;
  }

  #risk(channel: string, risk: Risk): void {
    if (this.#risks.get(channel) !== "all") this.#risks.set(channel, risk);
  }

  #pend(connection: number, request: number, pending: Pending): void {
    this.#pending.set(`${connection}/${request}`, pending);
  }

  #entry(size: number): Buffer {
    const body = `channel message ${this.#serial++} ${"x".repeat(size)}`;
    const entry = Buffer.alloc(WORD_BYTES + body.length);
    entry.writeUInt32BE(body.length);
    entry.write(body, WORD_BYTES, "latin1");
    return entry;
  }
}

const serialOf = (entry: string): number => Number(entry.slice(WORD_BYTES).split(" ")[2]);

/** The journalled channels of a shard, as far as the journal has them. */
export const keptChannels = (shard: Shard): ReadonlyMap<string, unknown> => {
  const channels = [...shard.directory.channels.byName.values()].filter(({ isJournalled }) => isJournalled);
  return new Map(
    channels.map(({ name, queue, numbering: { epoch, next } }) => [
      name,
      { epoch, next, messages: keptIn(shard, queue.ready.head) },
    ]),
  );
};

/** The messages of the extents from `head` on that are in the journal, with their positions as the shard has them. */
const keptIn = ({ store }: Shard, head: number): readonly Kept[] => {
  const { extents } = store;
  const kept: Kept[] = [];
  for (let extent = head; extent !== ext.NONE; extent = extents.get(extent, ext.NEXT)) {
    const { bytes, view, segment } = store.pageOf(extent);
    if (segment === undefined) continue;
    let at = extents.get(extent, ext.OFFSET);
    for (let i = 0; i < extents.get(extent, ext.SPAN); i++) {
      const low = extents.idLow(extent) + i;
      const end = at + WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
      const entry = Buffer.from(bytes.subarray(at, end)).toString("latin1");
      kept.push({ position: (extents.times[extent] ?? 0) + low, key: keyOf(extents.idHigh(extent), low), entry });
      at = end;
    }
  }
  return kept;
};
