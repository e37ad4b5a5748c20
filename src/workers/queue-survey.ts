/**
 * Adds up the queues of a shard for its metrics, a bounded number at a time: a queue counts for itself alone, and sums that every
 * move of a message kept would cost each of them. The sums of the last whole round are shown; with few queues each look is a
 * whole round.
 */
import { idTime } from "../protocol/id.js";
import type { Queue } from "../shard/messages/queue.js";
import type { QueueTopic } from "../shard/messages/queue-context.js";
import type { Store } from "../shard/messages/store.js";
import { StoredChannel } from "../shard/topics/stored-channel.js";
import type { Topic } from "../shard/topics/topic.js";

/** Queues that a look adds up at most: some tens of microseconds. */
const MAX_QUEUES = 1_024;

export class QueueSums {
  ready = 0;
  delayed = 0;
  inFlight = 0;
  deadLetters = 0;
  bytes = 0;
  queues = 0;
  unattended = 0;
  /** Consumers and waiting pops. */
  consumers = 0;
  /** When the oldest message was published that is ready at the head of a queue; milliseconds since 1970. Infinity: none is. */
  oldestReady = Number.POSITIVE_INFINITY;
  /** Messages of kept channels. */
  kept = 0;

  add(queue: Queue, { extents }: Pick<Store, "extents">): void {
    const { readyCount, holderCount } = queue;
    if (queue.topic instanceof StoredChannel) {
      this.kept += readyCount;
      return;
    }
    this.queues++;
    this.ready += readyCount;
    this.delayed += queue.delayedCount;
    this.inFlight += queue.inFlightCount;
    this.deadLetters += queue.deadCount;
    this.bytes += queue.bytes;
    this.consumers += holderCount;
    if (readyCount === 0) return;
    if (holderCount === 0) this.unattended++;
    const { head } = queue.ready;
    this.oldestReady = Math.min(this.oldestReady, idTime(extents.idHigh(head), extents.idLow(head)));
  }
}

/** Of each of some topics the sums of its queues. */
export type TopicSums = ReadonlyMap<Topic, QueueSums>;

export class QueueSurvey {
  readonly #store: Pick<Store, "extents">;
  readonly #queues: readonly (Queue | undefined)[];
  readonly #most: number;
  #sums = new QueueSums();
  #apart: TopicSums | undefined;
  #whole = new QueueSums();
  #wholeApart: TopicSums | undefined;
  #next = 0;

  /** @param most queues that a look adds up */
  constructor(store: Pick<Store, "extents">, queues: readonly (Queue | undefined)[], most = MAX_QUEUES) {
    this.#store = store;
    this.#queues = queues;
    this.#most = most;
  }

  /** Of the last whole round. */
  get sums(): Readonly<QueueSums> {
    return this.#whole;
  }

  /** Of topics that were told apart in the last whole round; undefined: none were. */
  get topics(): TopicSums | undefined {
    return this.#wholeApart;
  }

  /** Some queues of the round have been added up. */
  get isUnderWay(): boolean {
    return this.#next > 0;
  }

  /** Has the round that the next look begins also add up the queues of each of these. */
  tellApart(topics: readonly Topic[]): void {
    this.#apart = new Map(topics.map((topic) => [topic, new QueueSums()]));
  }

  /** Adds up some more. True: the round is whole. */
  look(): boolean {
    const apart: ReadonlyMap<QueueTopic, QueueSums> | undefined = this.#apart;
    const end = Math.min(this.#queues.length, this.#next + this.#most);
    for (let i = this.#next; i < end; i++) {
      const queue = this.#queues[i];
      if (queue === undefined) continue;
      this.#sums.add(queue, this.#store);
      apart?.get(queue.topic)?.add(queue, this.#store);
    }
    this.#next = end;
    if (end < this.#queues.length) return false;
    this.#whole = this.#sums;
    this.#wholeApart = this.#apart;
    this.#sums = new QueueSums();
    this.#apart = undefined;
    this.#next = 0;
    return true;
  }
}
