/** PUBLISH: whole or not at all, to every queue that the route key reaches, with ids that nobody had before. */
import assert from "node:assert/strict";
import { type ErrorName, errorName } from "../../../src/protocol/errors.js";
import { idTime, SEQUENCES } from "../../../src/protocol/id.js";
import { DUPLICATE } from "../../../src/protocol/op.js";
import type { Publish } from "../../../src/shard/command.js";
import type { PublishFate } from "../../../src/shard/topics/publish-fate.js";
import { STEP } from "./dispatcher.js";
import { splitEntries, type Witness, wholeId } from "./effects.js";
import { splitKeys } from "./keys.js";
import type { ModelProducers } from "./producers.js";
import { type ModelQueue, newMessage } from "./queue.js";
import { type ModelTopic, Refusal } from "./topic.js";

/** A batch that was taken, and waits for its ids. */
interface Taken {
  readonly entries: readonly string[];
  readonly queues: readonly ModelQueue[];
}

type Outcome = Taken | ErrorName;

export class ModelPublisher {
  #lastId = 0n;

  /** `requests` above 1 stand for as many publishes of one message. */
  publish(cmd: Publish, useTopic: (name: string) => ModelTopic, now: number, witness: Witness): void {
    if ((cmd.keyWindow ?? -1) >= 0) return this.#keyed(cmd, useTopic, now, witness);
    if (cmd.producer !== undefined) return this.#numbered(cmd, useTopic, now, witness);
    const entries = splitEntries(cmd.bytes, cmd.start, cmd.end);
    const batches = cmd.requests === 1 ? [entries] : entries.map((entry) => [entry]);
    let request = cmd.request;
    while (request < cmd.request + cmd.requests) {
      const batch = batches[request - cmd.request] ?? [];
      const effect = witness.next;
      if (effect?.kind === "fail") {
        const outcome = this.#try(cmd, useTopic, batch);
        assert.deepEqual(outcome, effect.error);
        witness.expect({ kind: "fail", connection: cmd.connection, request, error: effect.error });
        request++;
        continue;
      }
      const seen = witness.take("confirm");
      assert.deepEqual([seen.connection, seen.request], [cmd.connection, request]);
      assert.ok(
        seen.requests >= 1 && request + seen.requests <= cmd.request + cmd.requests,
        "too many requests answered",
      );
      const all = batches.slice(request - cmd.request, request - cmd.request + seen.requests);
      assert.equal(seen.messages, all.flat().length);
      this.#holdIds(seen.id, seen.messages, now);
      let id = seen.id;
      for (const one of all) {
        const outcome = this.#try(cmd, useTopic, one);
        assert.ok(
          typeof outcome !== "string",
          `a publish that should be refused with ${String(outcome)} was confirmed`,
        );
        this.#add(cmd, useTopic(cmd.topic), outcome, id, now);
        id += BigInt(one.length);
      }
      request += seen.requests;
    }
  }

  /** The same of messages with keys: those whose key is known are not taken again. */
  #keyed(cmd: Publish, useTopic: (name: string) => ModelTopic, now: number, witness: Witness): void {
    const keys = splitKeys(cmd.bytes, cmd.keysStart ?? 0, cmd.keysEnd ?? 0);
    const entries = splitEntries(cmd.bytes, cmd.start, cmd.end);
    const fates = eachFate(cmd, entries.length, witness);
    const refused = fates.find(({ error }) => error !== undefined)?.error;
    let topic: ModelTopic;
    try {
      topic = useTopic(cmd.topic);
      // A pattern must be one, whether it is needed or not.
      topic.assertPattern(cmd.routeKey);
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      return assert.deepEqual([...new Set(fates.map(({ error }) => error))], [cause.error]);
    }
    dropFarOver(topic, cmd.routeKey, entries);
    const seen = new Set<string>();
    const isFirst = keys.map((key) => key === "" || (!seen.has(key) && seen.add(key) !== undefined));
    // Keys are looked up as the request comes: what it takes may displace a message whose key was known then.
    const before = keys.map((key) => topic.keys.find(key, now));
    const known = (i: number): bigint | undefined => before[i] ?? topic.keys.find(keys[i] ?? "", now);
    const groups = cmd.isOneByOne === true ? entries.map((_, i) => [i]) : [entries.map((_, i) => i)];
    for (const group of groups) {
      // A second one of a key that was refused is tried by itself, if at all.
      const news = group.filter((i) => {
        const isTaken = keys[i] !== "" && known(i) !== undefined;
        return !isTaken && (group.length === 1 || isFirst[i]);
      });
      const some = news.map((i) => entries[i] ?? "");
      const outcome = some.length === 0 ? undefined : this.#try(cmd, useTopic, some);
      if (typeof outcome === "string" && cmd.isOneByOne !== true) assert.equal(outcome, refused);
      for (const i of group) {
        const is = fates[i] as Fate;
        if (news.includes(i)) this.#takeKeyed(cmd, topic, keys[i] ?? "", entries[i] ?? "", outcome, is, now);
        else expectKnown(known(i), refused, is);
      }
    }
  }

  /** A message was tried whose key nobody had. */
  #takeKeyed(
    cmd: Publish,
    topic: ModelTopic,
    key: string,
    entry: string,
    outcome: Outcome | undefined,
    { id, isDuplicate, error }: Fate,
    now: number,
  ): void {
    assert.deepEqual([isDuplicate, error], [false, typeof outcome === "string" ? outcome : undefined]);
    if (typeof outcome !== "object") return;
    const { keyWindow = 0 } = cmd;
    this.#holdIds(id, 1, now);
    this.#add(cmd, topic, { ...outcome, entries: [entry] }, id, now);
    topic.keys.took(key, id, keyWindow > 0 ? now + keyWindow : 0);
  }

  /** The same of messages that a producer has numbered: those that were taken before are answered as they were then. */
  #numbered(cmd: Publish, useTopic: (name: string) => ModelTopic, now: number, witness: Witness): void {
    const { producer = "", sequence = 0 } = cmd;
    const entries = splitEntries(cmd.bytes, cmd.start, cmd.end);
    const known = (): ModelProducers | undefined => {
      try {
        const { producers, config } = useTopic(cmd.topic);
        producers.age(now, config);
        return producers;
      } catch (cause) {
        // There is no room for the topic.
        if (cause instanceof Refusal) return undefined;
        throw cause;
      }
    };
    known()?.answered(producer, cmd.answered ?? 0);
    for (let at = 0; at < entries.length; ) {
      const fate = nextFate(cmd, at, entries.length, witness);
      const some = entries.slice(at, at + fate.count);
      if (fate.error === "SEQUENCE_FORGOTTEN") {
        // Where the messages of a batch are taken together, the first one is enough.
        known()?.forgotten(producer, sequence + at);
        dropFarOver(useTopic(cmd.topic), cmd.routeKey, entries);
      } else if (fate.isDuplicate) {
        for (let i = 0; i < some.length; i++) known()?.again(producer, sequence + at + i, fate.id + BigInt(i));
      } else {
        this.#take(cmd, useTopic, some, sequence + at, fate, now);
      }
      at += fate.count;
    }
  }

  /** Numbered messages, the first of which has this sequence, were taken or refused. */
  #take(
    cmd: Publish,
    useTopic: (name: string) => ModelTopic,
    entries: readonly string[],
    sequence: number,
    fate: Fate,
    now: number,
  ): void {
    if (fate.error === undefined) this.#holdIds(fate.id, entries.length, now);
    let taken = 0;
    for (const batch of cmd.requests === 1 ? [entries] : entries.map((entry) => [entry])) {
      const outcome = this.#try(cmd, useTopic, batch);
      assert.equal(typeof outcome === "string" ? outcome : undefined, fate.error);
      if (typeof outcome === "string") continue;
      const topic = useTopic(cmd.topic);
      this.#add(cmd, topic, outcome, fate.id + BigInt(taken), now);
      for (let i = 0; i < batch.length; i++, taken++) {
        topic.producers.took(cmd.producer ?? "", sequence + taken, fate.id + BigInt(taken), now, topic.config);
      }
    }
  }

  /** Makes room for a batch, or says why it is refused. */
  #try(cmd: Publish, useTopic: (name: string) => ModelTopic, entries: readonly string[]): Outcome {
    try {
      const topic = useTopic(cmd.topic);
      const queues = topic.route(cmd.routeKey);
      const excess = queues.map((queue) => excessOf(topic, queue, entries));
      if (excess.includes(undefined)) return "QUEUE_FULL";
      for (const [i, queue] of queues.entries()) {
        const dropped = queue.list("ready").slice(0, excess[i] ?? 0);
        for (const message of dropped) queue.messages.delete(message.id);
        topic.counters.dropped += dropped.length;
      }
      return { entries, queues };
    } catch (cause) {
      if (cause instanceof Refusal) return cause.error;
      throw cause;
    }
  }

  #add(cmd: Publish, topic: ModelTopic, { entries, queues }: Taken, first: bigint, now: number): void {
    topic.counters.published += entries.length;
    const expiry = cmd.ttl > 0 ? now + cmd.ttl : Number.POSITIVE_INFINITY;
    for (const queue of queues) {
      for (const [i, entry] of entries.entries()) {
        const message = newMessage(first + BigInt(i), entry, cmd.routeKey, expiry, (cmd.keyWindow ?? -1) >= 0);
        if (cmd.delay > 0) topic.delay(queue, message, now + cmd.delay);
        else queue.join(message, "ready");
      }
    }
  }

  /** The laws of ids: consecutive in a batch, of one millisecond that is about now, and above all before. */
  #holdIds(first: bigint, count: number, now: number): void {
    assert.ok(first > this.#lastId, `id ${first} after ${this.#lastId}`);
    assert.ok(Number(first & 0xfffn) + count <= SEQUENCES, "a batch runs past its millisecond");
    const time = idTime(Number(first >> 32n), Number(first & 0xffff_ffffn));
    assert.ok(Math.abs(time - now) <= 100, `an id says ${time} at ${now}`);
    this.#lastId = first + BigInt(count) - 1n;
  }
}

/** What became of so many messages, as an answer tells it. */
interface Fate {
  readonly count: number;
  readonly id: bigint;
  readonly isDuplicate: boolean;
  readonly error: ErrorName | undefined;
}

/** A message was not tried: another one has its key, or was to have it and was refused. */
const expectKnown = (known: bigint | undefined, refused: ErrorName | undefined, fate: Fate): void => {
  const expected = known === undefined ? [0n, false, refused] : [known, true, undefined];
  assert.deepEqual([fate.id, fate.isDuplicate, fate.error], expected);
};

/** What the one answer to a publish says of each of its messages. */
const eachFate = (cmd: Publish, entries: number, witness: Witness): readonly Fate[] => {
  const fates: Fate[] = [];
  while (fates.length < entries) {
    const fate = nextFate(cmd, fates.length, entries, witness);
    for (let i = 0; i < fate.count; i++) {
      fates.push({ ...fate, count: 1, id: fate.error === undefined ? fate.id + BigInt(i) : 0n });
    }
  }
  return fates;
};

/** What the answers say of the messages from `at` on: of some of them, or of all. */
const nextFate = (cmd: Publish, at: number, entries: number, witness: Witness): Fate => {
  const effect = witness.next;
  const request = cmd.requests === 1 ? cmd.request : cmd.request + at;
  assert.ok(effect !== undefined && "request" in effect, "a publish is not answered");
  assert.deepEqual([effect.connection, effect.request], [cmd.connection, request]);
  switch (effect.kind) {
    case "fail": {
      witness.take("fail");
      return { count: cmd.requests === 1 ? entries : 1, id: 0n, isDuplicate: false, error: effect.error };
    }
    case "confirm":
    case "duplicate":
      witness.take(effect.kind);
      assert.equal(effect.requests, cmd.requests === 1 ? 1 : effect.messages);
      return { count: effect.messages, id: effect.id, isDuplicate: effect.kind === "duplicate", error: undefined };
    default: {
      assert.equal(effect.kind, "result");
      assert.equal(cmd.requests, 1, "merged publishes are answered one by one");
      return fateIn(effect.value as readonly PublishFate[], at, entries, witness);
    }
  }
};

/** The part of a RESULT that begins with a message; the last part ends it. */
const fateIn = (fates: readonly PublishFate[], at: number, entries: number, witness: Witness): Fate => {
  let begin = 0;
  for (const [count, first, second, flags = 0] of fates) {
    if (begin === at) {
      if (begin + count === entries) witness.take("result");
      if (typeof second === "string") return { count, id: 0n, isDuplicate: false, error: errorName(first) };
      return { count, id: wholeId(first, second), isDuplicate: (flags & DUPLICATE) !== 0, error: undefined };
    }
    begin += count;
  }
  assert.fail(`a RESULT about ${begin} messages of ${entries} says nothing of message ${at}`);
};

/**
 * What queues have far over a limit that was lowered goes in steps, before the keys and numbers of a request are looked up: as much
 * as leaves less than a step's worth.
 */
const dropFarOver = (topic: ModelTopic, routeKey: string, entries: readonly string[]): void => {
  const queues = reachedBy(topic, routeKey);
  if (topic.config.overflow !== "drop-oldest" || queues.some((each) => excessOf(topic, each, entries) === undefined))
    return;
  while (queues.reduce((sum, queue) => sum + overOf(topic, queue), 0) > STEP) {
    let left = STEP;
    for (const queue of queues) {
      const dropped = queue.list("ready").slice(0, Math.min(left, excessOf(topic, queue, []) ?? left));
      for (const { id } of dropped) queue.messages.delete(id);
      topic.counters.dropped += dropped.length;
      left -= dropped.length;
    }
  }
};

/** The queues that a route key reaches; none if it is refused. */
const reachedBy = (topic: ModelTopic, routeKey: string): readonly ModelQueue[] => {
  try {
    return topic.route(routeKey);
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    return [];
  }
};

/** About how many messages a queue has over its limits: bytes are taken for messages of its average size. */
const overOf = ({ config }: ModelTopic, queue: ModelQueue): number => {
  const ready = queue.list("ready");
  if (ready.length === 0) return 0;
  const { messages, bytes } = queue.waiting();
  const each = ready.reduce((sum, { entry }) => sum + entry.length, 0) / ready.length;
  const over = config.maxLength > 0 ? messages - config.maxLength : 0;
  const heavier = config.maxBytes > 0 ? (bytes - config.maxBytes) / each : 0;
  return Math.max(0, Math.min(ready.length, Math.max(over, heavier)));
};

/** How many of the oldest ready messages of a queue must go for a batch; undefined: it cannot be held. */
const excessOf = (topic: ModelTopic, queue: ModelQueue, entries: readonly string[]): number | undefined => {
  const { maxLength, maxBytes, overflow } = topic.config;
  let { messages, bytes } = queue.waiting();
  messages += entries.length;
  bytes += entries.reduce((sum, entry) => sum + entry.length, 0);
  const isOver = (): boolean => (maxLength > 0 && messages > maxLength) || (maxBytes > 0 && bytes > maxBytes);
  const ready = overflow === "drop-oldest" ? queue.list("ready") : [];
  let drop = 0;
  for (; isOver(); drop++) {
    const oldest = ready[drop];
    if (oldest === undefined) return undefined;
    messages--;
    bytes -= oldest.entry.length;
  }
  return drop;
};
