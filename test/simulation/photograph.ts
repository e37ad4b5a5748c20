/**
 * All that a shard knows of its topics and messages at one moment, taken without disturbing it: nothing is read back
 * from disk for it. Taken after every command, so it keeps numbers in rows and makes sense of them only when asked.
 */
import { Reason } from "../../src/protocol/run.js";
import type { TopicConfig } from "../../src/shard/command.js";
import * as ext from "../../src/shard/messages/extent.js";
import type { ExtentList } from "../../src/shard/messages/extent-list.js";
import type { Queue } from "../../src/shard/messages/queue.js";
import type { Shard } from "../../src/shard/shard.js";

const { State } = ext;

/** A message in one queue. */
export interface Held {
  readonly key: number;
  /** A state of extent.ts. */
  readonly state: number;
  readonly reason: number;
  readonly retry: number;
  /** When a delayed message is due or a dead one has died. */
  readonly time: number;
  /** When its time to live ends; 0: never. */
  readonly expiry: number;
  readonly delivery: number;
  /** Where it stands in line: see `ExtentTable.places`. */
  readonly place: number;
  /** The number of the consumer that holds it, and 1; 0: nobody does. */
  readonly holder: number;
  /** What is known of its failures, as one number; 0: nothing. */
  readonly failures: number;
  /** It is in the journal. */
  readonly isKept: boolean;
}

export interface QueueView {
  readonly paused: boolean;
  readonly isDeclared: boolean;
  /** The journal knows of it, or should. */
  readonly isKept: boolean;
  /** In the order of their lists: ready, delayed, dead, in flight. */
  readonly messages: ReadonlyMap<number, Held>;
}

export interface TopicView {
  /** What somebody has configured; nothing: the topic follows the defaults of each broker. */
  readonly config: Partial<TopicConfig>;
  readonly startTime: number;
  /** The journal knows of it, or should. */
  readonly isKept: boolean;
  readonly queues: ReadonlyMap<string, QueueView>;
}

interface QueueShot {
  readonly paused: boolean;
  readonly isDeclared: boolean;
  readonly isKept: boolean;
  /** ROW numbers for each extent. */
  readonly rows: number[];
}

interface TopicShot {
  readonly config: Partial<TopicConfig>;
  readonly startTime: number;
  readonly isKept: boolean;
  readonly queues: Map<string, QueueShot>;
}

/** id high, id low, span, mask, status, time, expiry, delivery, failures, kept, place, holder */
const ROW = 12;

/** An id as one exact number: milliseconds and sequence without the node, which is always the same here. */
export const keyOf = (high: number, low: number): number => (high * 1024 + (low >>> 22)) * 4096 + (low & 4095);

/** The two words of an id. */
export const wordsOf = (key: number, node: number): { readonly high: number; readonly low: number } => {
  const millisecond = Math.floor(key / 4096);
  return {
    high: Math.floor(millisecond / 1024),
    low: (((millisecond % 1024) << 22) | (node << 12) | (key % 4096)) >>> 0,
  };
};

/** All that there is of topics at a moment. */
export interface View {
  readonly topics: ReadonlyMap<string, TopicView>;
}

export class Photograph implements View {
  readonly #topics = new Map<string, TopicShot>();
  #views: Map<string, TopicView> | undefined;
  /** The shard's present, milliseconds since 1970. */
  readonly now: number;

  constructor(shard: Shard) {
    this.now = shard.store.now;
    for (const topic of shard.directory.topics) {
      const queues = new Map<string, QueueShot>();
      for (const queue of topic.queues.values()) queues.set(queue.bindKey, shoot(shard, queue));
      const { name, startTime } = topic;
      const [, , config] = topic.entry as readonly [string, string, Partial<TopicConfig>];
      const isKept = topic.isRecorded || Object.keys(config).length > 0;
      this.#topics.set(name, { config, startTime, isKept, queues });
    }
  }

  get topics(): ReadonlyMap<string, TopicView> {
    this.#views ??= new Map([...this.#topics].map(([name, shot]) => [name, viewOf(shot)]));
    return this.#views;
  }

  /** Every message, with where it is. */
  *messages(): Iterable<{ readonly topic: string; readonly queue: string; readonly held: Held }> {
    for (const [topic, { queues }] of this.topics) {
      for (const [queue, { messages }] of queues) {
        for (const held of messages.values()) yield { topic, queue, held };
      }
    }
  }
}

const shoot = (shard: Shard, queue: Queue): QueueShot => {
  const rows: number[] = [];
  const walk = (list: ExtentList): void => {
    const { extents, wheel, log } = shard.store;
    for (let extent = list.head; extent !== ext.NONE; extent = extents.get(extent, ext.NEXT)) {
      const time = extents.times[extent] as number;
      // A dead letter that was popped is in flight and has died all the same.
      const isDead = extents.reason(extent) !== Reason.ALIVE;
      rows.push(
        extents.idHigh(extent),
        extents.idLow(extent),
        extents.get(extent, ext.SPAN),
        extents.get(extent, ext.MASK),
        extents.get(extent, ext.STATUS),
        isDead ? time : extents.state(extent) === State.DELAYED ? wheel.dueOf(extent) : 0,
        isDead ? 0 : time,
        extents.get(extent, ext.DELIVERY),
        digest(shard.store.failuresOf(extent)),
        log.pages.isKept(extents.get(extent, ext.PAGE)) ? 1 : 0,
        extents.places[extent] as number,
        extents.get(extent, ext.HOLDER),
      );
    }
  };
  for (const list of [queue.ready, queue.delayed, queue.dead, queue.popped]) walk(list);
  for (const { held } of queue.holders) walk(held);
  const { paused, isDeclared } = queue;
  return { paused, isDeclared, isKept: queue.isRecorded || paused || isDeclared, rows };
};

/** Another number for other bytes, all but surely; 0 for none. */
const digest = (bytes: Uint8Array | undefined): number =>
  bytes === undefined ? 0 : bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x0100_0193), 0x811c_9dc5);

const viewOf = ({ queues, ...facts }: TopicShot): TopicView => ({
  ...facts,
  queues: new Map(
    [...queues].map(([bindKey, { rows, ...shot }]) => [bindKey, { ...shot, messages: messagesOf(rows) }]),
  ),
});

const messagesOf = (rows: readonly number[]): Map<number, Held> => {
  const messages = new Map<number, Held>();
  for (let at = 0; at < rows.length; at += ROW) {
    const [
      high = 0,
      low = 0,
      span = 0,
      mask = 0,
      status = 0,
      time = 0,
      expiry = 0,
      delivery = 0,
      failures = 0,
      kept = 0,
      place = 0,
      holder = 0,
    ] = rows.slice(at, at + ROW);
    for (let i = 0; i < span; i++) {
      if (mask !== 0 && ((mask >>> ((low + i) & 31)) & 1) === 0) continue;
      const key = keyOf(high, low + i);
      if (messages.has(key)) throw new Error(`message ${key} is twice in a queue`);
      messages.set(key, {
        key,
        state: status & 0xff,
        reason: (status >>> 8) & 0xff,
        retry: status >>> 16,
        time,
        expiry,
        delivery,
        failures,
        isKept: kept === 1,
        place,
        holder,
      });
    }
  }
  return messages;
};
