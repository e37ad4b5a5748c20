/**
 * The clients of a simulation: they make commands of steps, remember which request was about what, and tell the shadow
 * what they sent and what they were told.
 */
import assert from "node:assert/strict";
import { DEFAULT_KEY } from "../../src/protocol/limits.js";
import { Durability } from "../../src/protocol/op.js";
import { COUNT, DELIVERY, FIRST_ID_HIGH, FIRST_ID_LOW, SELECTION_BYTES } from "../../src/protocol/selection.js";
import type { Command, MessageState, Slice } from "../../src/shard/command.js";
import { State } from "../../src/shard/messages/extent.js";
import type { Queue } from "../../src/shard/messages/queue.js";
import { RouteSearch } from "../../src/shard/topics/route-search.js";
import type { Topic } from "../../src/shard/topics/topic.js";
import { keysSlice } from "../shard/keys-slice.js";
import type { ChannelClients } from "./channel-clients.js";
import { type Keyed, type Keying, keysOf } from "./keying.js";
import { type Held, type View, wordsOf } from "./photograph.js";
import type { Numbered, Producing } from "./producing.js";
import { type Fate, fatesIn } from "./publish-fates.js";
import type { Batch, Shadow } from "./shadow.js";
import type { Answer, Delivered } from "./staged-answers.js";
import type { ClientStep, Pick } from "./steps.js";

export const NODE = 1;

/** Bytes of entries that a pop or a browse takes. */
const FETCH_BYTES = 64 * 1024;

const STATE_OF: Readonly<Record<MessageState, number>> = {
  ready: State.READY,
  delayed: State.DELAYED,
  "in-flight": State.IN_FLIGHT,
  dead: State.DEAD,
};

/** What a request that is unanswered is about. */
type Pending =
  | {
      readonly about: "publish";
      readonly batch: Batch;
      readonly index: number;
      readonly numbered: Numbered | undefined;
      readonly keyed: Keyed | undefined;
    }
  | {
      readonly about: "end";
      readonly topic: string;
      /** Of messages, by queue. */
      readonly keys: ReadonlyMap<string, readonly number[]>;
    }
  /** `level`: the lowest that the topic had when some of them were handed out; 0: none were. */
  | { readonly about: "messages"; readonly topic: string; readonly queue: string; level: number };

type Publishing = Extract<Pending, { readonly about: "publish" }>;

const NO_FAULTS: ReadonlySet<number> = new Set();

/** Where the topics are that a request is about. */
export interface Topics {
  /** `Durability` where a topic does not say otherwise. */
  readonly level: number;
  find(topic: string): Topic | undefined;
}

interface Consumer {
  readonly connection: number;
  readonly request: number;
  readonly topic: string;
  readonly queue: string;
  readonly reports: boolean;
  /** What it was sent, or is to be sent, and how much of that its program was handed. */
  readonly sent: Delivered[];
  seen: number;
}

export class Clients {
  readonly #pending = new Map<string, Pending>();
  #consumers: Consumer[] = [];
  #request = 0;

  constructor(
    readonly shadow: Shadow,
    readonly channels: ChannelClients,
    readonly producing: Producing,
    readonly keying: Keying,
    readonly now: () => number,
  ) {}

  /** The shard of these topics, or all of them, are gone, and with them what was asked of them. */
  forget(isGone: (topic: string) => boolean): void {
    for (const [request, pending] of this.#pending) {
      if (isGone(pending.about === "publish" ? pending.batch.topic : pending.topic)) this.#pending.delete(request);
    }
    this.#consumers = this.#consumers.filter(({ topic }) => !isGone(topic));
  }

  /** The command of a step. What it asks for counts as asked from here on. */
  command(step: ClientStep, topics: Topics, photo: View): Command {
    const request = ++this.#request;
    switch (step.do) {
      case "publish":
        return this.#publish(step, request, topics);
      case "pop": {
        const { connection, topic, queue, max, wait } = step;
        this.#pend(connection, request, { about: "messages", topic, queue, level: 0 });
        return { op: "pop", connection, request, topic, queue, max, maxBytes: FETCH_BYTES, wait };
      }
      case "popDead": {
        const { connection, topic, queue, max } = step;
        this.#pend(connection, request, { about: "messages", topic, queue, level: 0 });
        return { op: "popDead", connection, request, topic, queue, max, maxBytes: FETCH_BYTES };
      }
      case "consume": {
        const { do: op, ...rest } = step;
        const { topic, queue } = step;
        this.#pend(step.connection, request, { about: "messages", topic, queue, level: 0 });
        this.#consumers.push({ ...rest, request, sent: [], seen: 0 });
        return { op, request, ...rest };
      }
      case "credit":
      case "seen":
      case "stop": {
        const chosen = this.#consumers[step.which % Math.max(1, this.#consumers.length)];
        const { connection = 1, request: consumer = 0, topic = "t", queue = DEFAULT_KEY } = chosen ?? {};
        const where = { connection, topic, queue, consumer };
        if (step.do === "stop") return { op: "stop", ...where, request, givesBack: step.givesBack };
        if (step.do === "credit") return { op: "credit", ...where, request: 0, credit: step.credit };
        const { key = 0, delivery = 0 } = this.#see(chosen, step.at) ?? {};
        return { op: "seen", ...where, request: 0, delivery, idLow: wordsOf(key, NODE).low, renews: step.renews };
      }
      case "ack":
      case "nack":
      case "release":
      case "touch":
      case "redrive":
      case "cancel":
      case "dropDead":
      case "reschedule":
        return this.#settle(step, request, photo);
      case "publishChannel":
      case "subscribe":
      case "unsubscribe":
      case "channelCredit":
      case "hold":
      case "unhold":
      case "configureChannel":
      case "deleteChannel":
        return this.channels.command(step, request);
      default:
        return this.#administer(step, request, photo);
    }
  }

  /** The broker has said this, and has not sent it yet: ids are taken. */
  staged(answer: Answer, topics: Topics): void {
    this.channels.staged(answer);
    if (!isAddressed(answer)) return;
    const pending = this.#pending.get(name(answer));
    if (pending?.about === "messages") {
      pending.level = Math.min(pending.level || Durability.fsync, levelOf(topics, pending.topic));
      if (answer.kind === "messages") this.#handOut(answer, pending.topic, pending.queue || DEFAULT_KEY);
    } else if (pending?.about === "publish") {
      for (const fate of fatesIn(answer)) this.#taken(pending, fate);
    }
  }

  /** The broker has taken messages, now or before. */
  #taken({ batch, index, numbered, keyed }: Publishing, { first, count, key, isDuplicate }: Fate): void {
    const mayBeAgain = numbered !== undefined || keyed !== undefined;
    if (isDuplicate) assert.ok(mayBeAgain, "messages without numbers and keys are told to be duplicates");
    else this.shadow.number(batch, index + first, count, key);
    if (keyed !== undefined && isDuplicate) this.keying.tookBefore(keyed, index + first, count, key);
    else if (keyed !== undefined) this.keying.took(keyed, index + first, count, key, this.now());
    if (numbered === undefined) return;
    if (isDuplicate) this.producing.tookBefore(numbered, index + first, count, key);
    else this.producing.took(numbered, index + first, count, key, this.now());
  }

  /** A client has got this, at a time. */
  released(answer: Answer, at: number): void {
    this.channels.released(answer, at);
    if (answer.kind === "close") this.#disconnected(answer.connection);
    if (!isAddressed(answer)) return;
    const pending = this.#pending.get(name(answer));
    if (pending === undefined) return;
    if (pending.about === "publish") {
      this.#confirmed(pending, answer, at);
    } else if (pending.about === "end" && (answer.kind === "confirm" || answer.kind === "settled")) {
      const faults = answer.kind === "settled" ? answer.faults : NO_FAULTS;
      for (const [queue, all] of pending.keys) {
        const keys = all.filter((key) => !faults.has(key));
        this.shadow.confirmEnd(pending.topic, queue, keys, { level: answer.level, at });
      }
    } else if (pending.about === "messages" && answer.kind === "messages") {
      const { topic, queue, level } = pending;
      for (const message of answer.messages) {
        this.shadow.deliver(topic, queue || DEFAULT_KEY, message, { level, at });
        if (message.delivery === 0) this.shadow.confirmEnd(topic, queue || DEFAULT_KEY, [message.key], { level, at });
      }
    }
  }

  #confirmed({ index, numbered, keyed }: Publishing, answer: Answer, at: number): void {
    const isForgotten = answer.kind === "fail" && answer.error === "SEQUENCE_FORGOTTEN";
    if (isForgotten && numbered !== undefined) this.producing.forgotten(numbered, index, at);
    for (const { first, count, key, level, isDuplicate } of fatesIn(answer)) {
      if (keyed !== undefined) this.keying.confirmed(keyed, index + first, count, key, { level, at });
      if (numbered !== undefined) this.producing.confirmed(numbered, index + first, count, { level, at });
      if (isDuplicate) this.shadow.confirmAgain(key, count, { level, at });
      else this.shadow.confirmPublish(key, count, { level, at });
    }
  }

  #handOut(
    { connection, request, messages }: Extract<Answer, { readonly kind: "messages" }>,
    topic: string,
    queue: string,
  ): void {
    const consumer = this.#consumers.find((each) => each.connection === connection && each.request === request);
    for (const { key, retry } of messages) this.shadow.handOut(topic, queue, key, retry);
    if (consumer?.reports === true) consumer.sent.push(...messages);
    else {
      const keys = messages.map(({ key }) => key);
      this.shadow.mayFail(topic, queue, keys);
    }
  }

  /** The program of a consumer comes to one of the messages that it was sent, which is answered. */
  #see(consumer: Consumer | undefined, at: number): Delivered | undefined {
    if (consumer === undefined || consumer.sent.length === 0) return undefined;
    const { sent, seen, topic, queue } = consumer;
    const last = at % sent.length;
    consumer.seen = Math.max(seen, last + 1);
    const keys = sent.slice(seen, consumer.seen).map(({ key }) => key);
    this.shadow.mayFail(topic, queue || DEFAULT_KEY, keys);
    return sent[last];
  }

  #publish(step: Extract<ClientStep, { do: "publish" }>, request: number, topics: Topics): Command {
    const { connection, topic, delay, ttl, numbered: how } = step;
    const sent = how === undefined || how.back === 0 ? undefined : this.producing.again(topic, how.producer, how.back);
    const routeKey = sent?.batch.routeKey ?? step.key;
    const queues = reach(topics, topic, routeKey);
    const isTimed = { isDelayed: delay > 0, isTimed: ttl > 0 };
    const keyed = how === undefined ? keysOf(step) : undefined;
    const isMerged = step.merged && keyed === undefined;
    const what = { topic, routeKey, queues, count: step.count, ...isTimed, isMerged };
    // What of a batch was not taken before may come later than the rest.
    const { batch, bytes } =
      sent === undefined
        ? this.shadow.send(what, step.size)
        : { batch: { ...sent.batch, queues, ...isTimed, isMerged: true }, bytes: sent.bytes };
    const { count } = batch;
    const numbered = how === undefined ? undefined : (sent ?? this.producing.send(topic, how.producer, batch, bytes));
    const requests = step.merged && keyed === undefined ? count : 1;
    for (let index = 0; index < requests; index++) {
      this.#pend(connection, request + index, { about: "publish", batch, index, numbered, keyed });
    }
    this.#request += requests;
    const numbers = numbered && { producer: numbered.producer, sequence: numbered.sequence, answered: 0 };
    const options = { routeKey, delay, ttl, ...numbers };
    const about = { connection, request, requests, topic, ...options, count };
    if (keyed === undefined) return { op: "publish", ...about, ...sliceOf(bytes) };
    const keys = Buffer.from(keysSlice(keyed.keys));
    const whole = sliceOf(Buffer.concat([keys, bytes]));
    const start = whole.start + keys.length;
    return {
      op: "publish",
      ...about,
      ...whole,
      start,
      keyWindow: keyed.window,
      keysStart: whole.start,
      keysEnd: start,
    };
  }

  #settle(
    step: Extract<
      ClientStep,
      { do: "ack" | "nack" | "release" | "touch" | "redrive" | "cancel" | "reschedule" | "dropDead" }
    >,
    request: number,
    photo: View,
  ): Command {
    const { do: op, connection } = step;
    const { topic, queue } = aim(photo, step.picks[0]?.from ?? "dead", step.aim);
    const { slice, keys } = select(photo, topic, queue, step.picks);
    const where = { connection, request, topic, queue, ...slice };
    if (op === "ack" || op === "cancel" || op === "dropDead") {
      this.#end(connection, request, topic, new Map([[queue, keys]]));
      return { op, ...where };
    }
    switch (op) {
      case "redrive":
        this.shadow.askRedrive(topic, queue);
        return { op, ...where };
      case "nack":
        this.shadow.mayFail(topic, queue, keys);
        return { op, ...where, delay: step.delay, reject: step.reject, reason: `of ${keys.length}` };
      case "release":
        return { op, ...where };
      case "touch":
        return { op, ...where, ttr: step.ttr };
      case "reschedule":
        return { op, ...where, delay: step.delay };
    }
  }

  #administer(
    step: Extract<
      ClientStep,
      { do: "configure" | "declareQueue" | "deleteQueue" | "pause" | "resume" | "deleteTopic" | "purge" | "disconnect" }
    >,
    request: number,
    photo: View,
  ): Command {
    const connection = 1;
    switch (step.do) {
      case "configure": {
        const { topic, config } = step;
        if (config.autoAck || config.overflow === "drop-oldest") this.shadow.askLossy(topic);
        return { op: "configure", connection, request, topic, config };
      }
      case "purge":
        this.#end(connection, request, step.topic, keysIn(photo, step.topic, step.queue, step.state));
        return { op: step.do, connection, request, topic: step.topic, queue: step.queue, state: step.state };
      case "declareQueue":
      case "deleteQueue":
      case "pause":
      case "resume":
        if (step.do === "deleteQueue") {
          this.#end(connection, request, step.topic, keysIn(photo, step.topic, step.queue, "all"));
        }
        return { op: step.do, connection, request, topic: step.topic, queue: step.queue };
      case "deleteTopic":
        this.producing.askDeletion(step.topic);
        this.keying.askDeletion(step.topic);
        this.#end(connection, request, step.topic, keysIn(photo, step.topic, undefined, "all"));
        return { op: "deleteTopic", connection, request, topic: step.topic };
      case "disconnect":
        this.#disconnected(step.connection);
        return { op: "disconnect", connection: step.connection };
    }
  }

  /** A client asks for the end of messages. */
  #end(connection: number, request: number, topic: string, keys: ReadonlyMap<string, readonly number[]>): void {
    this.#pend(connection, request, { about: "end", topic, keys });
    for (const [queue, each] of keys) this.shadow.askEnd(topic, queue, each);
  }

  #disconnected(connection: number): void {
    this.#consumers = this.#consumers.filter((each) => each.connection !== connection);
  }

  #pend(connection: number, request: number, pending: Pending): void {
    this.#pending.set(name({ connection, request }), pending);
  }
}

const name = ({ connection, request }: { readonly connection: number; readonly request: number }): string =>
  `${connection}/${request}`;

/** Whether it says which request it answers. */
const isAddressed = (answer: Answer): answer is Extract<Answer, { readonly request: number }> => "request" in answer;

/** The `Durability` that the answers about a topic have. */
const levelOf = (topics: Topics, topic: string): number => topics.find(topic)?.level ?? topics.level;

/** The bind keys that a route key reaches just now. */
const reach = (topics: Topics, topic: string, routeKey: string): readonly string[] => {
  const known = topics.find(topic);
  try {
    const queues = known === undefined ? [] : (known.route(routeKey) ?? match(known, routeKey));
    return queues.length > 0 ? queues.map(({ bindKey }) => bindKey) : [DEFAULT_KEY];
  } catch {
    // Not a pattern: the publish is refused.
    return [];
  }
};

const match = (topic: Topic, pattern: string): readonly Queue[] => {
  const routing = new RouteSearch(topic, pattern);
  routing.advance(Number.POSITIVE_INFINITY);
  return routing.queues;
};

/** One of the queues that have messages in a state. */
const aim = (photo: View, from: MessageState, which: number): { topic: string; queue: string } => {
  const likely: { topic: string; queue: string }[] = [];
  for (const [topic, { queues }] of photo.topics) {
    for (const [queue, { messages }] of queues) {
      if ([...messages.values()].some(({ state }) => state === STATE_OF[from])) likely.push({ topic, queue });
    }
  }
  return likely[which % Math.max(1, likely.length)] ?? { topic: "t", queue: DEFAULT_KEY };
};

/** What there is in a queue in a state, or (undefined) in all queues of a topic. */
const keysIn = (
  photo: View,
  topic: string,
  queue: string | undefined,
  from: MessageState | "all",
): ReadonlyMap<string, readonly number[]> => {
  const keys = new Map<string, readonly number[]>();
  for (const [name, { messages }] of photo.topics.get(topic)?.queues ?? []) {
    if (queue !== undefined && name !== (queue || DEFAULT_KEY)) continue;
    const meant = [...messages.values()].filter(({ state }) => from === "all" || state === STATE_OF[from]);
    keys.set(
      name,
      meant.map(({ key }) => key),
    );
  }
  return keys;
};

const select = (
  photo: View,
  topic: string,
  queue: string,
  picks: readonly Pick[],
): { readonly slice: Slice; readonly keys: readonly number[] } => {
  const messages = [...(photo.topics.get(topic)?.queues.get(queue)?.messages.values() ?? [])];
  const buffer = Buffer.alloc(picks.length * SELECTION_BYTES);
  const keys: number[] = [];
  for (const [i, pick] of picks.entries()) {
    const likely = messages.filter(({ state }) => state === STATE_OF[pick.from]);
    const chosen: Held | undefined = likely[pick.at % Math.max(1, likely.length)];
    const first = chosen?.key ?? 1;
    const delivery = chosen?.delivery ?? 0;
    // A selection does not run past the last sequence number of its millisecond.
    const count = Math.min(pick.count, 4096 - (first % 4096));
    const { high, low } = wordsOf(first, NODE);
    const at = i * SELECTION_BYTES;
    buffer.writeUInt32BE(high, at + FIRST_ID_HIGH);
    buffer.writeUInt32BE(low, at + FIRST_ID_LOW);
    buffer.writeUInt32BE(count, at + COUNT);
    const quoted = pick.quote === "right" ? delivery : pick.quote === "none" ? 0 : delivery + 1;
    buffer.writeUInt32BE(quoted >>> 0, at + DELIVERY);
    for (let j = 0; j < count; j++) keys.push(first + j);
  }
  return { slice: sliceOf(buffer), keys };
};

/** Commands point into buffers that are somebody else's before and behind. */
const sliceOf = (content: Buffer): Slice => {
  const bytes = new Uint8Array(content.length + 20).fill(0xee);
  bytes.set(content, 7);
  return { bytes, view: new DataView(bytes.buffer), start: 7, end: 7 + content.length };
};
