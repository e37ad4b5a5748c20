/**
 * Those who look through queues while everything goes on, and what they hold the broker to:
 *
 * - A FIND, asked for in parts, tells each message that stays where it is once, in the order of its list, and nothing that is
 *   not there or not meant. A cursor of an earlier life of a shard is lost.
 * - What DELAYED and DEAD_GROUPS count is what there is.
 *
 * What is there is what the photographs before and after an answer show: a message that is the same in both has not moved
 * between them, since each place and each number of a delivery is given once.
 */
import assert from "node:assert/strict";
import { DEFAULT_KEY } from "../../src/protocol/limits.js";
import type { DeadGroups, Delayed, Find, MessageState } from "../../src/shard/command.js";
import { State } from "../../src/shard/messages/extent.js";
import type { Shard } from "../../src/shard/shard.js";
import { type DelayedTold, expectDelayed, expectGroups, type GroupsTold } from "./counts.js";
import type { Held, View } from "./photograph.js";
import type { Shadow } from "./shadow.js";
import type { Answer, Delivered } from "./staged-answers.js";
import type { LookStep } from "./steps.js";

/** Whose requests these are; nobody else has this number. */
const LOOKER = 21;

/** Searches that are gone on with at any time. */
const MAX_SEARCHES = 4;

const FIND_BYTES = 64 * 1024;

/** In which FIND goes through them. */
const ORDER: readonly number[] = [State.READY, State.DELAYED, State.IN_FLIGHT, State.DEAD];
const STATE_NAMES: Readonly<Record<number, MessageState>> = {
  [State.READY]: "ready",
  [State.DELAYED]: "delayed",
  [State.IN_FLIGHT]: "in-flight",
  [State.DEAD]: "dead",
};

type Messages = ReadonlyMap<number, Held>;

const NOTHING: Messages = new Map();

/** A FIND that goes on from answer to answer. */
interface Search {
  readonly about: Pick<Find, "topic" | "queue" | "state" | "conditions">;
  /** What was there when it began. */
  readonly first: Messages;
  /** What it was told, in this order: what the message was like, if that is certain. */
  readonly told: { readonly key: number; readonly held: Held | undefined }[];
  cursor: string;
  scanned: number;
  /** It waits for an answer. */
  isAsked: boolean;
  /** Its shard has ended. */
  isLost: boolean;
}

type Pending = { /** Nobody has asked for anything since. */ isAlone: boolean } & (
  | { readonly about: "find"; readonly search: Search }
  | { readonly about: "delayed"; readonly command: Delayed; readonly first: Messages }
  | { readonly about: "deadGroups"; readonly command: DeadGroups; readonly first: Messages }
);

/** What there is around an answer. */
export interface Scene {
  readonly before: View;
  readonly after: View;
  readonly shard: Shard;
}

export class Looks {
  /** Searches that have come to their end. */
  ended = 0;
  #searches: Search[] = [];
  /** By request. */
  readonly #pending = new Map<number, Pending>();
  #request = 0;

  constructor(readonly shadow: Shadow) {}

  /** Somebody asks for something. */
  disturb(): void {
    for (const pending of this.#pending.values()) pending.isAlone = false;
  }

  /** The shard of these topics, or all of them, are gone, and with them what was asked of them. */
  forget(isGone: (topic: string) => boolean): void {
    for (const [request, pending] of this.#pending) {
      if (isGone(topicOf(pending))) this.#pending.delete(request);
    }
    // Nobody has a cursor of a search that was not answered yet.
    this.#searches = this.#searches.filter(({ about, cursor }) => cursor !== "" || !isGone(about.topic));
    for (const search of this.#searches) {
      if (!isGone(search.about.topic)) continue;
      search.isAsked = false;
      search.isLost = true;
    }
  }

  /** The command of a step. */
  command(step: LookStep, photo: View): Find | Delayed | DeadGroups {
    const request = ++this.#request;
    const where = { connection: LOOKER, request, topic: step.topic, queue: step.queue };
    const first = messagesIn(photo, step.topic, step.queue);
    switch (step.do) {
      case "delayed": {
        // Times of a step are told from when the simulation stands.
        const { buckets, from, to } = step;
        const command = { op: step.do, ...where, buckets, from, to } as const;
        this.#pending.set(request, { about: "delayed", command, first, isAlone: true });
        return command;
      }
      case "deadGroups": {
        const command = { op: step.do, ...where, max: step.max } as const;
        this.#pending.set(request, { about: "deadGroups", command, first, isAlone: true });
        return command;
      }
      case "find": {
        const search = this.#goOn(step) ?? this.#begin(step, first);
        search.isAsked = true;
        this.#pending.set(request, { about: "find", search, isAlone: true });
        const { about, cursor: after } = search;
        return { op: "find", connection: LOOKER, request, ...about, max: step.max, maxBytes: FIND_BYTES, after };
      }
    }
  }

  /** The broker has answered. */
  answered(answer: Answer, scene: Scene): void {
    if (!("request" in answer) || answer.connection !== LOOKER) return;
    const pending = this.#pending.get(answer.request);
    if (pending === undefined) return;
    this.#pending.delete(answer.request);
    if (answer.kind === "fail") return this.#refused(pending, answer.error, scene);
    switch (pending.about) {
      case "find":
        assert.ok(answer.kind === "messages", "FIND is answered with something else than messages");
        return this.#found(pending.search, answer, scene);
      case "delayed":
      case "deadGroups": {
        assert.ok(answer.kind === "result", `${pending.about} is answered with something else than a result`);
        const { command, first } = pending;
        const after = messagesIn(scene.after, command.topic, command.queue);
        const isMeant = ({ state }: Held): boolean =>
          state === (pending.about === "delayed" ? State.DELAYED : State.DEAD);
        const staying = [...after.values()].filter((held) => isMeant(held) && isSame(first.get(held.key), held));
        const isExact =
          pending.isAlone && [first, after].every((all) => [...all.values()].filter(isMeant).length === staying.length);
        if (pending.about === "delayed") expectDelayed(pending.command, answer.value as DelayedTold, staying, isExact);
        else expectGroups(pending.command, answer.value as GroupsTold, staying, isExact, scene.shard);
      }
    }
  }

  #goOn({ which }: Extract<LookStep, { do: "find" }>): Search | undefined {
    return this.#searches.filter(({ isAsked }) => !isAsked)[which];
  }

  #begin({ topic, queue, state, conditions }: Extract<LookStep, { do: "find" }>, first: Messages): Search {
    const search = {
      about: { topic, queue, state, conditions },
      first,
      told: [],
      cursor: "",
      scanned: 0,
      isAsked: true,
      isLost: false,
    };
    this.#searches = [...this.#searches.slice(1 - MAX_SEARCHES), search];
    return search;
  }

  #refused(pending: Pending, error: string, { after }: Scene): void {
    const { topic, queue } = pending.about === "find" ? pending.search.about : pending.command;
    if (pending.about === "find") this.#end(pending.search);
    const known = after.topics.get(topic);
    if (error === "NO_TOPIC") return assert.ok(known === undefined, `a look is told that there is no topic ${topic}`);
    if (error === "NO_QUEUE") {
      return assert.ok(!known?.queues.has(queue || DEFAULT_KEY), `a look is told that ${topic} has no queue ${queue}`);
    }
    const isLost = pending.about === "find" && pending.search.isLost;
    assert.ok(error === "CURSOR_LOST" && isLost, `a look is refused: ${error}`);
  }

  #end(search: Search): void {
    this.#searches = this.#searches.filter((each) => each !== search);
  }

  #found(search: Search, answer: Extract<Answer, { readonly kind: "messages" }>, scene: Scene): void {
    const { topic, queue } = search.about;
    assert.ok(!search.isLost, "a cursor of another life of its shard is taken");
    const [cursor, scanned, , state] = answer.head as [string | null, number, number, MessageState | null];
    const before = messagesIn(scene.before, topic, queue);
    const after = messagesIn(scene.after, topic, queue);
    assert.equal(state === null, answer.messages.length === 0, "FIND tells the state of nothing, or none of something");
    for (const message of answer.messages) this.#tell(search, message, state, before, after);
    search.scanned += scanned;
    search.cursor = cursor ?? "";
    search.isAsked = false;
    if (cursor !== null) return;
    this.#end(search);
    this.ended++;
    this.#judge(search, after);
  }

  #tell(search: Search, message: Delivered, state: MessageState | null, before: Messages, after: Messages): void {
    const { key, retry, delivery } = message;
    const { topic, queue } = search.about;
    this.shadow.check(topic, message);
    assert.ok(this.#isMeant(search, key), `FIND tells message ${key}, which it was not asked for`);
    const held = after.get(key);
    const was = before.get(key);
    assert.ok(held !== undefined || was !== undefined, `FIND tells message ${key}, which is not in ${topic}/${queue}`);
    const isCertain = isSame(was, held);
    if (isCertain && held !== undefined) {
      const shown = held.state === State.IN_FLIGHT ? held.delivery >>> 0 : 0;
      assert.deepEqual(
        [state, retry, delivery],
        [STATE_NAMES[held.state], held.retry, shown],
        `FIND of message ${key}`,
      );
      const isTwice = search.told.some((told) => told.key === key && isSame(told.held, held));
      assert.ok(!isTwice, `FIND tells message ${key} twice, which has stayed where it is`);
    }
    search.told.push({ key, held: isCertain ? held : undefined });
  }

  /** All was looked at: what has stayed where it was from the beginning was told, and in its order. */
  #judge(search: Search, after: Messages): void {
    const { first, told, scanned, about } = search;
    const isAsked = ({ state }: Held): boolean => about.state === "all" || STATE_NAMES[state] === about.state;
    const stayed = inOrder(after).filter((held) => isAsked(held) && isSame(first.get(held.key), held));
    const ranks = new Map<number, number>();
    let group = "";
    for (const [i, held] of stayed.entries()) {
      // What is in flight together may be parted, and its parts change places.
      const isFree = held.state === State.IN_FLIGHT && groupOf(held) === group;
      ranks.set(held.key, isFree ? (ranks.get(stayed[i - 1]?.key ?? 0) ?? i) : i);
      group = groupOf(held);
    }
    const keys = new Set(told.map(({ key }) => key));
    for (const { key, state } of stayed) {
      const name = `message ${key}, ${STATE_NAMES[state]} in ${about.topic}/${about.queue}`;
      assert.ok(keys.has(key) || !this.#isMeant(search, key), `FIND leaves out ${name}`);
    }
    const order = told.flatMap(({ key, held }) => (isSame(held, after.get(key)) ? (ranks.get(key) ?? []) : []));
    const isOrdered = order.every((rank, i) => i === 0 || (order[i - 1] as number) <= rank);
    assert.ok(isOrdered, `FIND tells messages out of order: ${order.join()}`);
    assert.ok(scanned >= stayed.length, `FIND has looked at ${scanned} messages, and there were ${stayed.length}`);
  }

  #isMeant({ about: { conditions } }: Search, key: number): boolean {
    const sent = this.shadow.sentAs(key);
    if (sent === undefined) return false;
    const { text, ignoreCase, routeKey } = conditions;
    if (routeKey !== undefined && sent.routeKey !== routeKey) return false;
    if (text === undefined) return true;
    const [body, wanted] = [sent.body, String(text)];
    return ignoreCase ? body.toLowerCase().includes(wanted.toLowerCase()) : body.includes(wanted);
  }
}

const topicOf = (pending: Pending): string =>
  pending.about === "find" ? pending.search.about.topic : pending.command.topic;

const messagesIn = (photo: View, topic: string, queue: string): Messages =>
  photo.topics.get(topic)?.queues.get(queue || DEFAULT_KEY)?.messages ?? NOTHING;

/** Whether a message has stayed where it was. */
const isSame = (one: Held | undefined, other: Held | undefined): boolean =>
  one !== undefined &&
  one.state === other?.state &&
  one.place === other.place &&
  one.delivery === other.delivery &&
  one.time === other.time;

/** What is in flight together. */
const groupOf = ({ holder, place, delivery, key }: Held): string =>
  [holder, place, delivery, Math.floor(key / 32)].join();

/** In the order of FIND: by their states, those in flight by who has them, and each as its list has it. */
const inOrder = (messages: Messages): readonly Held[] =>
  [...messages.values()].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.holder - b.holder);
