/**
 * Who takes messages from a queue: a consumer with credit, or a pop that waits. And the connection behind it, which the
 * shard knows by number alone.
 */
import { Fifo } from "../../collections/fifo.js";
import type { Browse, Pop, PopDead } from "../command.js";
import { ExtentList } from "../messages/extent-list.js";
import type { Queue } from "../messages/queue.js";
import type { BrowseStart } from "../topics/browse.js";

/** A request for messages, which may have to wait for its connection to take what it has been sent. */
export type Fetch = Pop | PopDead | PlacedBrowse;

/** A BROWSE, and where what it is to show begins if that is far from the head. */
export interface PlacedBrowse extends Browse {
  from?: BrowseStart;
}

export class ConnectionEntry {
  /** The connection's outgoing buffer is full: it is sent nothing it did not ask for, and its fetches wait. */
  held = false;
  /** It has been closed, and what it had here comes to its end. */
  isGone = false;
  /** By the request that began them. */
  readonly consumers = new Map<number, Consumer>();
  /** Consumers that were stopped while they still held messages. */
  readonly stopped = new Set<Consumer>();
  readonly waitingPops = new Set<Consumer>();
  readonly channels = new Set<string>();
  /** In order of arrival; as many as a connection may have requests in flight. */
  readonly deferred = new Fifo<Fetch>();

  constructor(readonly number: number) {}

  /** Consumers, those stopped that still hold messages among them, waiting pops and subscriptions. */
  get size(): number {
    return this.consumers.size + this.stopped.size + this.waitingPops.size + this.channels.size;
  }

  get isIdle(): boolean {
    return (
      !this.held &&
      this.consumers.size === 0 &&
      this.stopped.size === 0 &&
      this.waitingPops.size === 0 &&
      this.channels.size === 0 &&
      this.deferred.length === 0
    );
  }
}

export class Consumer {
  /** Messages it may still be sent. */
  credit: number;
  /** In flight with it, in the order of delivery. */
  readonly held = new ExtentList();
  heldCount = 0;
  stopped = false;
  /** Links of the queue's line of waiting consumers. */
  next: Consumer | undefined;
  previous: Consumer | undefined;
  isWaiting = false;

  constructor(
    /** Its place in the shard's table: what the extents it holds are marked with. */
    readonly number: number,
    readonly connection: ConnectionEntry,
    readonly request: number,
    readonly queue: Queue,
    credit: number,
    /** A message that leaves its hands gives its credit back. */
    readonly renew: boolean,
    /** Of a pop that waits: answered once, with at most so many bytes. 0: a consumer. */
    readonly popBytes: number,
  ) {
    this.credit = credit;
  }

  get isPop(): boolean {
    return this.popBytes > 0;
  }
}

/** The consumers of a queue that could take a message now, served in turn. */
export class WaitingConsumers {
  #head: Consumer | undefined;
  #tail: Consumer | undefined;

  get first(): Consumer | undefined {
    return this.#head;
  }

  /** Puts a consumer at the end if it has credit, may be sent to, and is not in line yet. */
  join(consumer: Consumer): void {
    if (consumer.isWaiting || consumer.stopped || consumer.credit <= 0 || consumer.connection.held) return;
    consumer.isWaiting = true;
    consumer.previous = this.#tail;
    consumer.next = undefined;
    if (this.#tail === undefined) this.#head = consumer;
    else this.#tail.next = consumer;
    this.#tail = consumer;
  }

  leave(consumer: Consumer): void {
    if (!consumer.isWaiting) return;
    consumer.isWaiting = false;
    if (consumer.previous === undefined) this.#head = consumer.next;
    else consumer.previous.next = consumer.next;
    if (consumer.next === undefined) this.#tail = consumer.previous;
    else consumer.next.previous = consumer.previous;
    consumer.next = undefined;
    consumer.previous = undefined;
  }
}
