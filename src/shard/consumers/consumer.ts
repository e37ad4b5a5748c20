/**
 * Who takes messages from a queue: consumers with credit and pops that wait, the set of them that a queue has, and the
 * connection behind each, which the shard knows by number alone.
 */
import { Fifo } from "../../collections/fifo.js";
import { SmallMap } from "../../collections/small-map.js";
import { SmallSet } from "../../collections/small-set.js";
import type {
  Browse,
  ChannelCommand,
  DeadGroups,
  Delayed,
  Find,
  ListChannels,
  ListConsumers,
  Lookup,
  Pop,
  PopDead,
  TopicCommand,
  TopicConfig,
  Topics,
} from "../command.js";
import type { BrowseCursor } from "../messages/browse.js";
import type { DeadGroupsCursor } from "../messages/dead-groups.js";
import type { DelayedCursor } from "../messages/delayed-counts.js";
import * as ext from "../messages/extent.js";
import { ExtentList } from "../messages/extent-list.js";
import type { FindCursor } from "../messages/find.js";
import type { LookupCursor } from "../messages/lookup.js";
import type { Queue } from "../messages/queue.js";
import type { Holder, QueueConsumers } from "../messages/queue-context.js";
import { isServable } from "../messages/take.js";

/** Requests for messages. */
export type FetchCommand = Pop | PopDead | StartedBrowse | StartedSearch | StartedLookup;

/** Requests that tell what there is, in answers as long as that. */
export type ListCommand =
  | TopicCommand<"stats">
  | Topics
  | ListConsumers
  | ChannelCommand<"channelStats">
  | ListChannels;

/** Short requests with long answers: they are deferred while their connection is held. */
export type DeferrableCommand = FetchCommand | ListCommand;

/** A LOOKUP, with its cursor once it is on the way to its message. */
export interface StartedLookup extends Lookup {
  cursor?: LookupCursor | undefined;
}

/** A FIND, a DELAYED or a DEAD_GROUPS, with its cursor once it is on the way. */
export type StartedSearch = (Find | Delayed | DeadGroups) & {
  cursor?: FindCursor | DelayedCursor | DeadGroupsCursor;
};

/** A BROWSE, with its cursor once it is on the way to its offset. */
export interface StartedBrowse extends Browse {
  cursor?: BrowseCursor;
}

export class ConnectionEntry {
  /** The connection's outgoing buffer is full: it is sent nothing more that is long, and its fetches and lists wait. */
  isOnHold = false;
  /** It is closed, and what it had here is being ended. */
  isGone = false;
  /** By the request that began each. */
  readonly consumers = new SmallMap<number, Consumer>();
  /** Consumers that were stopped while they still held messages. */
  readonly stopped = new SmallSet<Consumer>();
  /** Of these, the one that was stopped last under each request. */
  readonly stoppedByRequest = new SmallMap<number, Consumer>();
  readonly waitingPops = new SmallSet<Consumer>();
  readonly channels = new SmallSet<string>();
  /** In order of arrival; at most as many as a connection may have requests in flight. */
  readonly deferred = new Fifo<DeferrableCommand>();

  constructor(readonly number: number) {}

  /** The consumer of a request, also a stopped one that still holds messages. */
  consumerOf(request: number): Consumer | undefined {
    return this.consumers.get(request) ?? this.stoppedByRequest.get(request);
  }

  /** Consumers (also stopped ones that still hold messages), waiting pops and subscriptions. */
  get size(): number {
    return this.consumers.size + this.stopped.size + this.waitingPops.size + this.channels.size;
  }

  /** Long answers come later: it is held, or others wait for them already. */
  get mustWait(): boolean {
    return this.isOnHold || this.deferred.length > 0;
  }

  get isIdle(): boolean {
    return !this.isOnHold && this.size === 0 && this.deferred.length === 0;
  }
}

/** Who serves the consumers of all queues. */
export interface ConsumerOwner {
  /** There may be something to hand out to the consumers of a queue: called once until they have been served. */
  schedule(consumers: ConsumerSet): void;
  /** A stopped consumer holds nothing any more. */
  remove(consumer: Consumer): void;
}

/** What a consumer begins with. */
export interface ConsumerTerms {
  readonly credit: number;
  /** A message that it no longer holds gives its credit back. */
  readonly renew: boolean;
  /** See `Holder`. */
  readonly reports: boolean;
  readonly acksSeen: boolean;
  /** The TTR that it was told. */
  readonly ttr: number;
  /** The most bytes that a waiting pop is answered with. 0: it is a consumer. */
  readonly popBytes: number;
}

/** Leases that were renewed less than this share of the TTR ago are not renewed again: it is a walk over all of them. */
const JUST_RENEWED = 1 / 64;

export class Consumer implements Holder {
  /** Messages it may still be sent. Below 0: so many that it is returned do not count. */
  credit: number;
  readonly renew: boolean;
  readonly reports: boolean;
  readonly acksSeen: boolean;
  readonly ttr: number;
  readonly popBytes: number;
  readonly held = new ExtentList();
  heldCount = 0;
  stopped = false;
  /** The delivery and the id of the last message that its program was handed: what comes later lies ahead. */
  #seenDelivery: number;
  #seenIdLow = 0xffff_ffff;
  /** The last delivery that it was sent. */
  lastDelivery: number;
  /** When the leases of what lies ahead were renewed, under which configuration, and the last delivery before that. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #renewedUnder: TopicConfig | undefined;
  #renewedDelivery = 0;
  /** Links of the line of waiting consumers. */
  next: Consumer | undefined;
  previous: Consumer | undefined;
  isWaiting = false;

  constructor(
    /** Its place in the shard's table: what the extents it holds are marked with. */
    readonly number: number,
    readonly connection: ConnectionEntry,
    readonly client: string,
    readonly request: number,
    /** The consumers of its queue, of which it is one. */
    readonly peers: ConsumerSet,
    { credit, renew, reports, acksSeen, ttr, popBytes }: ConsumerTerms,
  ) {
    this.credit = credit;
    this.renew = renew;
    this.reports = reports;
    this.acksSeen = acksSeen;
    this.ttr = ttr;
    this.lastDelivery = peers.queue.store.delivery;
    this.#seenDelivery = this.lastDelivery;
    this.popBytes = popBytes;
  }

  get queue(): Queue {
    return this.peers.queue;
  }

  get isPop(): boolean {
    return this.popBytes > 0;
  }

  /** Its program was handed a message. An earlier one than before, or one that it was never sent, changes nothing. */
  see(delivery: number, idLow: number): void {
    // Delivery numbers wrap around.
    const later = (delivery - this.#seenDelivery) | 0;
    if (later < 0 || ((this.lastDelivery - delivery) | 0) < 0) return;
    if (later === 0 && idLow <= this.#seenIdLow) return;
    this.#seenDelivery = delivery;
    this.#seenIdLow = idLow;
  }

  /** Whether the leases of what lies ahead have all been renewed a moment ago, or given. */
  isRenewed(now: number): boolean {
    const { config } = this.queue.topic;
    if (this.#renewedUnder !== config || now - this.#renewedAt >= config.ttr * JUST_RENEWED) return false;
    // What it was sent since then has the TTR of the topic.
    return config.ttr >= this.ttr || this.#renewedDelivery === this.lastDelivery;
  }

  /**
   * Notes that the leases of what lies ahead are renewed. Answers when they end: it goes by the TTR that it was told, also
   * where the topic has a shorter one by now.
   */
  renewed(now: number): number {
    const { config } = this.queue.topic;
    this.#renewedAt = now;
    this.#renewedUnder = config;
    this.#renewedDelivery = this.lastDelivery;
    return now + Math.max(config.ttr, this.ttr);
  }

  /** Whether a fragment is of the delivery of which the program was handed messages last. */
  isWithin(fragment: number): boolean {
    return this.queue.store.extents.get(fragment, ext.DELIVERY) === (this.#seenDelivery | 0);
  }

  aheadOf(fragment: number): number {
    if (!this.reports) return 0;
    const { extents } = this.queue.store;
    const mask = extents.get(fragment, ext.MASK);
    const later = (extents.get(fragment, ext.DELIVERY) - this.#seenDelivery) | 0;
    if (later !== 0) return later > 0 ? mask : 0;
    // The messages of a delivery are in the order of their ids.
    const seen = this.#seenIdLow - ((extents.idLow(fragment) & ~(ext.BLOCK - 1)) >>> 0) + 1;
    return seen <= 0 ? mask : mask & ~ext.bits(0, seen);
  }

  onReturned(count: number): void {
    const { peers } = this;
    this.heldCount -= count;
    if (this.stopped) {
      if (this.heldCount === 0) peers.owner.remove(this);
      return;
    }
    if (!this.renew) return;
    this.credit += count;
    peers.join(this);
    if (peers.queue.readyCount > 0) peers.onReady();
  }
}

/** The consumers and waiting pops of a queue, and the line of those that could take a message now, served in turn. */
export class ConsumerSet implements QueueConsumers {
  readonly holders = new Set<Consumer>();
  /** It is on the owner's list of those to be served. */
  isScheduled = false;
  #first: Consumer | undefined;
  #last: Consumer | undefined;

  constructor(
    readonly queue: Queue,
    readonly owner: ConsumerOwner,
  ) {}

  get size(): number {
    return this.holders.size;
  }

  get active(): number {
    let active = 0;
    for (const { isPop, stopped } of this.holders) if (!isPop && !stopped) active++;
    return active;
  }

  /** The head of the line. */
  get first(): Consumer | undefined {
    return this.#first;
  }

  /** There is something to hand out, and somebody in line. */
  get isServable(): boolean {
    return this.#first !== undefined && isServable(this.queue);
  }

  onReady(): void {
    if (this.isScheduled || this.#first === undefined) return;
    this.isScheduled = true;
    this.owner.schedule(this);
  }

  /** Puts a consumer in line, if it can take something. */
  offer(consumer: Consumer): void {
    this.join(consumer);
    if (this.queue.readyCount > 0) this.onReady();
  }

  /** Puts a consumer at the end of the line if it has credit, may be sent to, and is not in it yet. */
  join(consumer: Consumer): void {
    if (consumer.isWaiting || consumer.stopped || consumer.credit <= 0 || consumer.connection.isOnHold) return;
    consumer.isWaiting = true;
    consumer.previous = this.#last;
    consumer.next = undefined;
    if (this.#last === undefined) this.#first = consumer;
    else this.#last.next = consumer;
    this.#last = consumer;
  }

  leave(consumer: Consumer): void {
    if (!consumer.isWaiting) return;
    consumer.isWaiting = false;
    if (consumer.previous === undefined) this.#first = consumer.next;
    else consumer.previous.next = consumer.next;
    if (consumer.next === undefined) this.#last = consumer.previous;
    else consumer.next.previous = consumer.previous;
    consumer.next = undefined;
    consumer.previous = undefined;
  }
}
