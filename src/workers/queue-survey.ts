/**
 * Adds up the queues of a shard for its metrics, a bounded number at a time: a queue counts for itself alone, and sums that every
 * move of a message kept would cost each of them. The sums of the last whole round are shown; with few queues each look is a
 * whole round.
 */
import { idTime } from "../protocol/id.js";
import type { Queue } from "../shard/messages/queue.js";
import type { Store } from "../shard/messages/store.js";
import { StoredChannel } from "../shard/topics/stored-channel.js";

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

export class QueueSurvey {
  readonly #store: Pick<Store, "extents">;
  readonly #queues: readonly (Queue | undefined)[];
  readonly #most: number;
  #sums = new QueueSums();
  #whole = new QueueSums();
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

  /** Some queues of the round have been added up. */
  get isUnderWay(): boolean {
    return this.#next > 0;
  }

  /** Adds up some more. True: the round is whole. */
  look(): boolean {
    const end = Math.min(this.#queues.length, this.#next + this.#most);
    for (let i = this.#next; i < end; i++) {
      const queue = this.#queues[i];
      if (queue !== undefined) this.#sums.add(queue, this.#store);
    }
    this.#next = end;
    if (end < this.#queues.length) return false;
    this.#whole = this.#sums;
    this.#sums = new QueueSums();
    this.#next = 0;
    return true;
  }
}
