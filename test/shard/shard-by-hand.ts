/** A shard whose commands are given one by one, and whose clock is moved by hand. */
import { unpackHead } from "../../src/protocol/head.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import type { Command, TopicConfig } from "../../src/shard/command.js";
import * as record from "../../src/shard/log/record.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard, type ShardLimits, type ShardOptions } from "../../src/shard/shard.js";
import { keysSlice } from "./keys-slice.js";
import { type Effect, Recorder } from "./model/effects.js";
import { readInto, segmentsOf } from "./read-back.js";

export const NOW = Date.UTC(2026, 0, 1);
/** Milliseconds after which a topic is forgotten. */
export const IDLE = 60_000;
export const LIMITS: ShardLimits = { maxTopics: 100_000, maxQueues: 10, maxConsumers: 100_000, topicIdle: IDLE };
const JOURNALLED = { level: Durability.fsync, segmentBytes: 1024 * 1024 };

interface KeyedOptions {
  readonly window?: number;
  readonly routeKey?: string;
  readonly delay?: number;
  readonly ttl?: number;
  readonly oneByOne?: boolean;
  readonly connection?: number;
  readonly producer?: string;
  readonly sequence?: number;
}

/** A command without where to answer it. */
type Asked = Command extends infer C ? (C extends Command ? Omit<C, "connection" | "request"> : never) : never;

export class ShardByHand {
  readonly recorder = new Recorder();
  readonly shard: Shard;
  now: number;
  #request = 0;

  constructor(options: Partial<ShardOptions> = {}) {
    this.now = options.now ?? NOW;
    const { recorder, now } = this;
    const rest = { node: 1, limits: LIMITS, memoryBytes: 1024 ** 3, pageBytes: 64 * 1024 };
    this.shard = new Shard({ effects: recorder, ids: localIdSource(EPOCH), now, ...rest, ...JOURNALLED, ...options });
  }

  get names(): string[] {
    return [...this.shard.directory.topics].map(({ name }) => name);
  }

  get position(): number {
    return this.shard.store.log.position;
  }

  ask(command: Asked, connection = 1): Effect[] {
    const whole = { connection, request: ++this.#request, ...command } as Command;
    while (!this.shard.apply(whole, this.now));
    return this.recorder.take();
  }

  publish(topic: string, { routeKey = "", delay = 0, ttl = 0, count = 1, requests = 1 } = {}): Effect[] {
    const bytes = new Uint8Array(count * 8);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < count; i++) view.setUint32(i * 8, 4);
    const slice = { bytes, view, start: 0, end: bytes.length };
    return this.ask({ op: "publish", topic, routeKey, delay, ttl, count, requests, ...slice });
  }

  /** Publishes messages with keys; an empty one: that message has none. A body is the place of its message in the batch. */
  publishKeyed(topic: string, keys: readonly string[], options: KeyedOptions = {}): Effect[] {
    const { window = 0, routeKey = "", delay = 0, ttl = 0, oneByOne = false, connection = 1, ...numbers } = options;
    const texts = keysSlice(keys);
    const bytes = new Uint8Array(texts.length + keys.length * 8);
    const view = new DataView(bytes.buffer);
    bytes.set(texts);
    for (let i = 0; i < keys.length; i++) {
      view.setUint32(texts.length + i * 8, 4);
      view.setUint32(texts.length + i * 8 + 4, i);
    }
    const slice = { bytes, view, start: texts.length, end: bytes.length, keysStart: 0, keysEnd: texts.length };
    const rest = { count: keys.length, requests: 1, isOneByOne: oneByOne, keyWindow: window, ...slice };
    return this.ask({ op: "publish", topic, routeKey, delay, ttl, ...numbers, ...rest }, connection);
  }

  consume(topic: string, connection = 1, queue = "", credit = 10): Effect[] {
    return this.ask({ op: "consume", topic, queue, credit, renew: false }, connection);
  }

  pop(topic: string, wait: number, connection = 1, queue = ""): Effect[] {
    return this.ask({ op: "pop", topic, queue, max: 10, maxBytes: 65_536, wait }, connection);
  }

  configure(topic: string, config: Partial<TopicConfig>): Effect[] {
    return this.ask({ op: "configure", topic, config });
  }

  /** Ends all that is in flight. */
  endAll(topic: string): void {
    this.ask({ op: "purge", topic, queue: "", state: "in-flight" });
  }

  /** Gives the shard turns until it has no more to do now. Answers what it did. */
  rest(): Effect[] {
    while (this.shard.turn(this.now) <= this.now);
    return this.recorder.take();
  }

  /** Moves the clock and gives the shard turns whenever it asks for one; how many. */
  wait(time: number): number {
    const end = this.now + time;
    let turns = 0;
    for (;;) {
      const due = this.shard.turn(this.now);
      turns++;
      this.shard.invariants();
      if (due > this.now) this.now = Math.min(end, due);
      else if (turns > 10_000) throw new Error("the shard never comes to rest");
      if (this.now === end && due > end) return turns;
    }
  }

  /** What a shard is that is started now and reads what this one has written. */
  restarted(options: Partial<ShardOptions> = {}): ShardByHand {
    const again = new ShardByHand({ now: this.now, ...options });
    readInto(again.shard, segmentsOf(this.shard.store.log));
    return again;
  }

  /** The DIRECTORY records of the log that are about a topic or a queue. */
  entries(): unknown[][] {
    const entries: unknown[][] = [];
    for (const page of this.shard.store.log.unwritten) {
      for (let at = 0; at < page.used; at += record.align(page.view.getUint32(at))) {
        if (page.view.getUint8(at + record.TYPE) !== record.RecordType.DIRECTORY) continue;
        const end = at + page.view.getUint32(at + record.LENGTH);
        const entry = [...unpackHead(page.bytes, at + record.DIRECTORY_BODY, end)];
        if (entry.length > 1) entries.push(entry);
      }
    }
    return entries;
  }
}
