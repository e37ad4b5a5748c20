/**
 * Plays a history on a shard and on its model side by side. After every move the shard's data must agree with itself,
 * and every message, counter and timer with the model's.
 */
import assert from "node:assert/strict";
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, WORD_BYTES } from "../../../src/protocol/entry.js";
import { EPOCH, SEQUENCES } from "../../../src/protocol/id.js";
import { COUNT, DELIVERY, FIRST_ID_HIGH, FIRST_ID_LOW, SELECTION_BYTES } from "../../../src/protocol/selection.js";
import type { Command, MessageState, Slice } from "../../../src/shard/command.js";
import { MemoryCompaction } from "../../../src/shard/compaction/memory-compaction.js";
import { localIdSource } from "../../../src/shard/messages/id-allocator.js";
import { Shard, type ShardOptions } from "../../../src/shard/shard.js";
import { keysSlice } from "../keys-slice.js";
import { STEP } from "./dispatcher.js";
import { type Effect, Recorder } from "./effects.js";
import { Model } from "./model.js";
import type { ModelQueue } from "./queue.js";
import type { KeyedWith, Move, Numbered, Pick, Step } from "./steps.js";
import { STATES } from "./steps.js";

const LIMITS = { maxTopics: 3, maxQueues: 3, maxConsumers: 6, topicIdle: 2000 };
const START = Date.UTC(2026, 0, 1);
/** Of the shard that is played on. */
export const OPTIONS = {
  node: 1,
  limits: LIMITS,
  memoryBytes: 1024 ** 3,
  now: START,
  // Small, so that pages fill, become sparse and are used again all the time.
  pageBytes: 512,
  // As small, so that requests are carried out in steps.
  stepExtents: STEP,
  headBytes: 64,
  // Lists are short as well, and are to have marks all the same.
  markSteps: 2,
};
/** Who looks at the state after each move; never held. */
const OBSERVER = 99;
/** What those clients call themselves that do. */
const NAMES = [
  [1, "one"],
  [2, "two"],
] as const;
const BROWSE_MAX = 1000;
const BROWSE_BYTES = 1024 * 1024;

interface Where {
  readonly topic: string;
  readonly queue: string;
}

export class Driver {
  readonly recorder = new Recorder();
  readonly model = new Model(LIMITS, START);
  readonly shard: Shard;
  #clock = START;
  #serial = 0;
  #request = 0;
  /** The next number of each producer of a topic. */
  readonly #sequences = new Map<string, number>();
  /** Nothing has happened since the last turn: another one changes nothing. */
  #isAtRest = true;
  /** Every id that was ever published. */
  readonly #known: bigint[] = [];

  /** `options` over those of a shard in memory alone. */
  constructor(options: Partial<ShardOptions> = {}) {
    this.shard = new Shard({ ...OPTIONS, effects: this.recorder, ids: localIdSource(EPOCH), ...options });
    for (const [connection, name] of NAMES) {
      this.shard.name(connection, name);
      this.model.world.names.set(connection, name);
    }
  }

  /** `looks` false: the state is not looked at between the moves, only what they do. */
  play(history: readonly Move[], looks = true): void {
    for (const { step, turn } of history) {
      this.#isAtRest = false;
      if (step.do === "wait") this.#clock += step.time;
      else if (step.do === "stepBack") this.#clock -= step.time;
      else this.#command(this.#commandOf(step));
      if (turn) this.turn();
      // At once, where the shard itself waits for it to be worth the work.
      new MemoryCompaction(this.shard.store, 0).run();
      if (looks) this.#compare();
    }
  }

  /** Gives the shard turns until it says that it has no more to do now. */
  turn(): Effect[] {
    let next = this.shard.turn(this.#clock);
    for (let turns = 1; next <= this.model.world.now || next <= this.#clock; turns++) {
      assert.ok(turns < 1000, "the shard never comes to rest");
      next = this.shard.turn(this.#clock);
    }
    const effects = this.recorder.take();
    this.#isAtRest = true;
    this.model.turn(this.#clock, effects, (name) => this.shard.directory.find(name) !== undefined);
    assert.ok(
      next <= this.model.world.nextDue,
      `the next turn at ${next} is late for what is due at ${this.model.world.nextDue}`,
    );
    return effects;
  }

  #command(command: Command): Effect[] {
    this.#lend(command);
    const effects = this.recorder.take();
    this.model.apply(command, this.#clock, effects);
    for (const effect of effects) {
      if (effect.kind !== "confirm" || effect.id === 0n) continue;
      for (let i = 0; i < effect.messages; i++) this.#known.push(effect.id + BigInt(i));
    }
    return effects;
  }

  #lend(command: Command): void {
    for (let steps = 1; !this.#step(command); steps++)
      assert.ok(steps < 10_000, `${command.op} never comes to its end`);
  }

  /** Applies a command that its owner uses for something else afterwards, as its buffer: the shard may keep neither. */
  #step(command: Command): boolean {
    const lent: Record<string, unknown> = { ...command };
    if ("bytes" in command) {
      lent["bytes"] = command.bytes.slice();
      lent["view"] = new DataView((lent["bytes"] as Uint8Array).buffer);
    }
    const isDone = this.shard.apply(lent as unknown as Command, this.#clock);
    for (const [key, value] of Object.entries(lent)) {
      if (typeof value === "number") lent[key] = 0xdead;
      else if (typeof value === "string") lent[key] = "somebody else's";
      else if (value instanceof Uint8Array) value.fill(0xdd);
    }
    return isDone;
  }

  /** Looks at everything. */
  #compare(): void {
    this.shard.invariants();
    for (const topic of [...this.model.world.topics.values()]) {
      this.#command({ op: "stats", connection: OBSERVER, request: ++this.#request, topic: topic.name });
      for (const queue of topic.queues.values()) {
        for (const state of STATES) this.#browse(topic.name, queue, state);
      }
    }
  }

  /** Looks at all messages in a state, page by page; the model compares what it sees. */
  #browse(topic: string, queue: ModelQueue, state: MessageState): void {
    for (let offset = 0; offset < queue.count(state); ) {
      const request = ++this.#request;
      const where = { connection: OBSERVER, request, topic, queue: queue.bindKey, state };
      let effects = this.#command({
        op: "browse",
        ...where,
        offset,
        max: BROWSE_MAX,
        maxBytes: BROWSE_BYTES,
        withFailures: true,
      });
      // Put off to the next turn, which may change the queue unless the shard was at rest.
      const changed = effects.length === 0 && !this.#isAtRest;
      if (effects.length === 0) effects = this.turn();
      const page = effects.find((effect) => effect.kind === "messages" && effect.request === request);
      assert.ok(page?.kind === "messages", "a browse was not answered");
      assert.ok(changed || page.messages.length > 0, `a page of ${state} messages is empty`);
      offset = changed ? 0 : offset + page.messages.length;
    }
  }

  #commandOf(step: Exclude<Step, { do: "wait" | "stepBack" }>): Command {
    const request = ++this.#request;
    switch (step.do) {
      case "publish": {
        const { connection, topic, key, delay, ttl, count } = step;
        const requests = step.merged ? count : 1;
        this.#request += requests;
        const { entries, ...keys } = withKeys(this.#entries(count, step.size), count, step.keyed);
        const options = { routeKey: key, delay, ttl, ...this.#numbers(topic, count, step.numbered) };
        return { op: "publish", connection, request, requests, topic, ...options, ...keys, count, ...entries };
      }
      case "publishChannel": {
        const { channel, count } = step;
        return {
          op: "publishChannel",
          connection: 1,
          request,
          channel,
          key: "",
          count,
          ...this.#entries(count, step.size),
        };
      }
      case "credit":
      case "stop": {
        const all = [...this.model.world.topics.values()].flatMap((topic) =>
          [...topic.queues.values()].flatMap((queue) =>
            queue.consumers.map((consumer) => ({ topic, queue, consumer })),
          ),
        );
        const chosen = step.which === undefined ? undefined : all[step.which % Math.max(1, all.length)];
        const { topic, queue, consumer } = chosen ?? {};
        const where = { connection: consumer?.connection ?? 1, topic: topic?.name ?? "t", queue: queue?.bindKey ?? "" };
        const about = { ...where, consumer: consumer?.request ?? 0 };
        if (step.do === "stop") return { op: "stop", request, ...about, givesBack: step.givesBack ?? false };
        return { op: "credit", request: 0, ...about, credit: step.credit };
      }
      case "seen":
        return this.#seen(step);
      case "answered": {
        const { topic, producer, all } = step;
        const answered = all ? (this.#sequences.get(`${topic} ${producer}`) ?? 0) : 0;
        return { op: "answered", connection: 1, request: 0, topic, producer, answered };
      }
      case "ack":
      case "nack":
      case "release":
      case "touch":
      case "redrive":
      case "dropDead": {
        const { do: op, picks, aim, ...rest } = step;
        const where = this.#aim(step);
        return { ...rest, ...where, ...this.#selections(where, picks), request, op } as Command;
      }
      case "cancel":
      case "reschedule": {
        const { do: op, picks, aim, all, ...rest } = step;
        const where = this.#aim(step);
        const queue = all ? null : where.queue;
        return { ...rest, topic: where.topic, queue, ...this.#selections(where, picks), request, op } as Command;
      }
      case "stats":
        return { op: "stats", connection: step.connection, request, topic: step.topic };
      case "topics": {
        const { connection, topic } = step;
        return { op: "topics", connection, request, after: topic === "t" ? "" : topic, max: 2 };
      }
      case "subscribe":
      case "unsubscribe":
      case "pop":
      case "popDead":
      case "consume":
      case "browse": {
        const { do: op, ...rest } = step;
        return { ...rest, request, op } as Command;
      }
      case "cancelKeys":
      case "rescheduleKeys": {
        const { topic, all, keys } = step;
        const about = { connection: 1, request, topic, queue: all ? null : step.queue, byKey: true };
        const slice = sliceOf(Buffer.from(keysSlice(keys.map((key) => `k${key}`))));
        if (step.do === "cancelKeys") return { op: "cancel", ...about, ...slice };
        return { op: "reschedule", delay: step.delay, ...about, ...slice };
      }
      case "hold":
      case "unhold":
      case "disconnect":
        return { op: step.do, connection: step.connection };
      default: {
        const { do: op, ...rest } = step;
        return { ...rest, connection: 1, request, op } as Command;
      }
    }
  }

  /** What a producer says of messages that it has numbered. */
  #numbers(topic: string, count: number, numbered: Numbered | undefined): object {
    if (numbered === undefined) return {};
    const { producer, back, unanswered } = numbered;
    const name = `${topic} ${producer}`;
    const next = this.#sequences.get(name) ?? 0;
    const sequence = Math.max(0, next - back);
    this.#sequences.set(name, Math.max(next, sequence + count));
    const answered = unanswered === undefined ? 0 : Math.max(0, sequence - unanswered);
    return { producer, sequence, answered };
  }

  #seen({ which, at, to, renews }: Extract<Step, { do: "seen" }>): Command {
    const all = [...this.model.world.topics.values()].flatMap((topic) =>
      [...topic.queues.values()].flatMap((queue) => {
        const holders = [...queue.messages.values()].map(({ holder }) => holder);
        const consumers = [...new Set([...queue.consumers, ...holders])];
        return consumers.flatMap((each) => (each === undefined ? [] : { topic, queue, consumer: each }));
      }),
    );
    const reporting = all.filter(({ consumer }) => consumer.reports);
    const chosen = which === undefined ? undefined : reporting[which % Math.max(1, reporting.length)];
    const { topic, queue, consumer } = chosen ?? {};
    const { connection = 1, request = 0, sent = [] } = consumer ?? {};
    const message = sent[at % Math.max(1, sent.length)];
    const delivery = to === "none" ? 0 : ((message?.delivery ?? 0) + (to === "beyond" ? 100_000 : 0)) >>> 0;
    const idLow = Number((message?.id ?? 0n) & 0xffff_ffffn);
    const about = { connection, request: 0, topic: topic?.name ?? "t", queue: queue?.bindKey ?? "" };
    return { op: "seen", ...about, consumer: request, delivery, idLow, renews };
  }

  /** Messages with bodies of about `size` bytes, each of them unlike all others. */
  #entries(count: number, size: number): Slice {
    const parts: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const serial = ++this.#serial;
      const headers = serial % 5 === 0 ? `h${serial}` : undefined;
      const body = `m${serial}`.padEnd(size + (serial % 3), ".");
      const extra = headers === undefined ? 0 : HEADERS_LENGTH_BYTES + headers.length;
      const entry = Buffer.alloc(WORD_BYTES + extra + body.length);
      entry.writeUInt32BE(((headers === undefined ? 0 : HAS_HEADERS) | (extra + body.length)) >>> 0, 0);
      if (headers !== undefined) {
        entry.writeUInt16BE(headers.length, WORD_BYTES);
        entry.write(headers, WORD_BYTES + HEADERS_LENGTH_BYTES, "latin1");
      }
      entry.write(body, WORD_BYTES + extra, "latin1");
      parts.push(entry);
    }
    return sliceOf(Buffer.concat(parts));
  }

  /** A queue that has messages such as are looked for, or else the one that is named. */
  #aim({
    topic,
    queue,
    picks,
    aim,
  }: Where & { readonly picks: readonly Pick[]; readonly aim: number | undefined }): Where {
    if (aim === undefined) return { topic, queue };
    const from = picks[0]?.from ?? "dead";
    const all = [...this.model.world.topics.values()].flatMap((each) =>
      [...each.queues.values()].map((one) => ({ topic: each.name, queue: one.bindKey, model: one })),
    );
    const likely = all.filter(({ model }) => from !== "any" && model.count(from) > 0);
    const chosen = likely[aim % Math.max(1, likely.length)];
    return chosen === undefined ? { topic, queue } : { topic: chosen.topic, queue: chosen.queue };
  }

  #selections({ topic, queue: key }: Where, picks: readonly Pick[]): Slice {
    const buffer = Buffer.alloc(picks.length * SELECTION_BYTES);
    for (const [i, pick] of picks.entries()) {
      const queue = this.model.world.topics.get(topic)?.queues.get(key || "default");
      const ids = pick.from === "any" ? this.#known : (queue?.list(pick.from).map(({ id }) => id) ?? []);
      const first = ids[pick.at % Math.max(1, ids.length)] ?? BigInt(pick.at);
      const held = queue?.messages.get(first)?.delivery ?? 0;
      const at = i * SELECTION_BYTES;
      buffer.writeUInt32BE(Number(first >> 32n), at + FIRST_ID_HIGH);
      buffer.writeUInt32BE(Number(first & 0xffff_ffffn), at + FIRST_ID_LOW);
      buffer.writeUInt32BE(Math.min(pick.count, SEQUENCES - Number(first & 0xfffn)), at + COUNT);
      buffer.writeUInt32BE(pick.quote === "right" ? held : pick.quote === "none" ? 0 : held + 1, at + DELIVERY);
    }
    return sliceOf(buffer);
  }
}

/** Puts the keys of messages before their entries; none where the circle is at 0. */
const withKeys = (entries: Slice, count: number, keyed: KeyedWith | undefined): { entries: Slice } & object => {
  if (keyed === undefined) return { entries };
  const { first, circle, window, oneByOne } = keyed;
  const names = Array.from({ length: count }, (_, i) => (first + i) % circle).map((at) => (at === 0 ? "" : `k${at}`));
  const keys = keysSlice(names);
  const whole = sliceOf(Buffer.concat([keys, entries.bytes.subarray(entries.start, entries.end)]));
  const start = whole.start + keys.length;
  const about = { keyWindow: window, isOneByOne: oneByOne, keysStart: whole.start, keysEnd: start };
  return { entries: { ...whole, start }, ...about };
};

/** Commands point into buffers that are somebody else's before and behind. */
const sliceOf = (content: Buffer): Slice => {
  const bytes = new Uint8Array(content.length + 20).fill(0xee);
  bytes.set(content, 7);
  return { bytes, view: new DataView(bytes.buffer), start: 7, end: 7 + content.length };
};
