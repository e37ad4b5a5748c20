/** Why messages of a queue do not arrive, as far as the state of the queue and of its consumers tells. */
import { DEATHS } from "../../protocol/run.js";
import * as ext from "../messages/extent.js";
import type { ExtentList } from "../messages/extent-list.js";
import { canHold } from "../messages/overflow.js";
import type { Queue } from "../messages/queue.js";
import { isBraked, mustStay } from "../messages/take.js";
import type { Consumer, ConsumerSet } from "./consumer.js";
import {
  consumers as consumersText,
  type Details,
  type Finding,
  type FindingCode,
  messagesAre,
  messagesHave,
  queues,
  since,
  until,
} from "./finding.js";

/** Extents of a queue's delayed and in-flight messages that are looked at for the first of them: some 0.1 ms. */
const MAX_LOOKS = 4_096;

/** Holders of messages that are named. */
const MAX_NAMED = 8;

/** What is going on in the shard beside the queue. */
export interface Surroundings {
  /** Queues that are in line to be served. */
  readonly inLine: number;
  /** So much is on its way to clients that deliveries wait. */
  readonly isCrowded: boolean;
}

/** What consumers of a queue, and pops that wait at it, could take. */
interface Takers {
  readonly active: number;
  readonly held: readonly Consumer[];
  readonly withoutCredit: number;
  /** Somebody could be handed a message now. */
  readonly isWaiting: boolean;
}

const takersOf = (set: ConsumerSet | undefined): Takers => {
  const held: Consumer[] = [];
  let active = 0;
  let withoutCredit = 0;
  for (const consumer of set?.holders ?? []) {
    if (consumer.stopped) continue;
    active++;
    if (consumer.connection.isOnHold) held.push(consumer);
    else if (consumer.credit <= 0) withoutCredit++;
  }
  return { active, held, withoutCredit, isWaiting: set?.first !== undefined };
};

/** The first time at which a timer of the list fires, and how many of its messages have failed before. */
interface Due {
  first: number;
  retries: number;
  /** Messages that were looked at. */
  seen: number;
}

const look = ({ store }: Queue, list: ExtentList, due: Due, max: number): number => {
  const { extents, wheel } = store;
  let looks = 0;
  for (let extent = list.head; extent !== ext.NONE && looks < max; extent = extents.get(extent, ext.NEXT)) {
    looks++;
    const count = extents.count(extent);
    due.seen += count;
    if (extents.retry(extent) > 0) due.retries += count;
    if (wheel.isScheduled(extent)) due.first = Math.min(due.first, wheel.dueOf(extent));
  }
  return looks;
};

const nothingDue = (): Due => ({ first: Number.POSITIVE_INFINITY, retries: 0, seen: 0 });

export class QueueFindings {
  readonly #queue: Queue;
  readonly #set: ConsumerSet | undefined;
  readonly #found: Finding[] = [];

  constructor(queue: Queue, set: ConsumerSet | undefined) {
    this.#queue = queue;
    this.#set = set;
  }

  all(surroundings: Surroundings): readonly Finding[] {
    this.#limits();
    this.#deliveries(surroundings);
    this.#inFlight();
    this.#delayed();
    this.#dead();
    return this.#found;
  }

  #add(code: FindingCode, text: string, details: Details = {}): void {
    this.#found.push({ code, queue: this.#queue.bindKey, text, details });
  }

  #limits(): void {
    const { length, bytes, topic, readyCount } = this.#queue;
    const { maxLength, maxBytes, overflow } = topic.config;
    if (canHold(this.#queue, 1, 1) && (overflow === "refuse" || readyCount === 0 || !isAtLimit(this.#queue))) return;
    const what = overflow === "refuse" ? "publishes to it are refused" : "what is published displaces the oldest";
    this.#add("QUEUE_FULL", `the queue is full: ${what}`, { length, bytes, maxLength, maxBytes, overflow });
  }

  #deliveries({ inLine, isCrowded }: Surroundings): void {
    const queue = this.#queue;
    const { readyCount: ready, paused, brake, store } = queue;
    const { active, held, withoutCredit, isWaiting } = takersOf(this.#set);
    if (paused) this.#add("PAUSED", `the queue is paused until it is resumed; ${messagesAre(ready)} ready`, { ready });
    if (ready > 0 && isBraked(queue)) {
      const { openAt = 0, rate = 0 } = brake ?? {};
      const text = `nearly everything has failed lately, so the queue lets ${rate} messages a second through, the next ${until(openAt, store.now)}`;
      this.#add("BRAKED", text, { ready, rate, next: openAt });
    }
    if (ready > 0 && mustStay(queue, queue.ready.head)) {
      const { kind = "JOURNAL_FAILED", text = "" } = store.standstill ?? {};
      this.#add(
        "JOURNAL_STANDS_STILL",
        `handing a message out needs a record, which the journal cannot take: ${text}`,
        {
          ready,
          error: kind,
        },
      );
    }
    if (active === 0)
      this.#add("NO_CONSUMER", `nobody consumes from the queue or waits at it; ${messagesAre(ready)} ready`, { ready });
    if (held.length > 0) {
      const connections = [...new Set(held.map(({ connection }) => connection.number))].slice(0, MAX_NAMED);
      const text = `${held.length} of ${consumersText(active)} ${held.length === 1 ? "gets nothing: its connection takes" : "get nothing: their connections take"} too little of what is sent`;
      this.#add("CONSUMERS_HELD", text, { ready, consumers: active, held: held.length, connections });
    }
    if (ready === 0 || isWaiting) {
      if (ready > 0 && !this.#isHindered) this.#flow(ready, active, inLine, isCrowded);
      return;
    }
    if (withoutCredit > 0) {
      const text = `${withoutCredit} of ${consumersText(active)} ${withoutCredit === 1 ? "holds" : "hold"} as many messages as asked for, and must settle some or ask for more`;
      this.#add("NO_CREDIT", text, { ready, consumers: active, withoutCredit, inFlight: queue.inFlightCount });
    }
  }

  /** Something was found already that keeps ready messages in the queue. */
  get #isHindered(): boolean {
    return this.#found.some(({ code }) => code === "PAUSED" || code === "BRAKED" || code === "JOURNAL_STANDS_STILL");
  }

  /** Somebody waits, and there is something for them. */
  #flow(ready: number, active: number, inLine: number, isCrowded: boolean): void {
    if (isCrowded) {
      this.#add(
        "OUTBOX_CROWDED",
        "more is on its way to clients than deliveries may add to: they go on when it has left",
        { ready },
      );
    } else if (inLine > 1) {
      this.#add("BEHIND_OTHERS", `${queues(inLine)} of the shard have messages to hand out, and take turns`, {
        ready,
        queues: inLine,
      });
    } else {
      this.#add(
        "FLOWING",
        `nothing is in the way: ${messagesAre(ready)} being handed out to ${consumersText(active)}`,
        {
          ready,
          consumers: active,
        },
      );
    }
  }

  #inFlight(): void {
    const queue = this.#queue;
    const { inFlightCount: inFlight, readyCount: ready, popped } = queue;
    if (inFlight === 0) return;
    const due = nothingDue();
    let looks = look(queue, popped, due, MAX_LOOKS);
    const holders: Details[] = [];
    for (const consumer of this.#set?.holders ?? []) {
      const { heldCount, held, client, connection } = consumer;
      if (heldCount === 0) continue;
      if (holders.length < MAX_NAMED) holders.push({ connection: connection.number, client, inFlight: heldCount });
      looks += look(queue, held, due, MAX_LOOKS - looks);
      if (looks >= MAX_LOOKS) break;
    }
    const most = ready === 0 ? "nothing is ready: " : "";
    const text = `${most}${messagesAre(inFlight)} in flight: handed out and not settled; the first lease ends ${until(due.first, queue.store.now)}`;
    this.#add("IN_FLIGHT", text, { ready, inFlight, firstEnds: due.first, isExact: due.seen === inFlight, holders });
  }

  #delayed(): void {
    const queue = this.#queue;
    const { delayedCount } = queue;
    if (delayedCount === 0) return;
    const due = nothingDue();
    look(queue, queue.delayed, due, MAX_LOOKS);
    const isExact = due.seen === delayedCount;
    // Of those that were not looked at nobody knows which they are.
    const waiting = delayedCount - due.retries;
    const next = { next: due.first, isExact };
    const when = until(due.first, queue.store.now);
    const first = isExact ? `the first is due ${when}` : `one of them is due ${when}`;
    if (due.retries > 0) {
      const text = `${messagesHave(due.retries)} failed, and will be tried again later, ${first}`;
      this.#add("RETRY_DELAYED", text, { delayed: due.retries, ...next });
    }
    if (waiting > 0) this.#add("DELAYED", `${messagesAre(waiting)} delayed, ${first}`, { delayed: waiting, ...next });
  }

  #dead(): void {
    const { deadCount, dead, store } = this.#queue;
    if (deadCount === 0) return;
    const { extents } = store;
    const last = extents.times[dead.tail] ?? 0;
    const reason = DEATHS[extents.reason(dead.tail)] ?? "";
    const text = `${messagesAre(deadCount)} dead, the last died ${since(last, store.now)} (${reason})`;
    this.#add("DEAD_LETTERS", text, { deadLetters: deadCount, last, reason });
  }
}

const isAtLimit = ({ length, bytes, topic }: Queue): boolean => {
  const { maxLength, maxBytes } = topic.config;
  return (maxLength > 0 && length >= maxLength) || (maxBytes > 0 && bytes >= maxBytes);
};
