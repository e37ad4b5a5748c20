/**
 * Hands out ready messages: to consumers with credit in turn, to waiting pops, and to fetches (POP, POP_DEAD, BROWSE,
 * FIND, DELAYED, DEAD_GROUPS, LOOKUP).
 * A fetch is deferred when enough has been sent in this turn, or while its connection is held; so is a list (STATS,
 * TOPICS, CHANNEL_STATS, CHANNELS), which others carry out.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { DEFAULT_POP_BYTES } from "../../protocol/limits.js";
import { roomOf } from "../../protocol/run.js";
import type { Pop } from "../command.js";
import { CROWDED_WAIT } from "../effects.js";
import { BrowseCursor, browse } from "../messages/browse.js";
import { DeadGroupsCursor } from "../messages/dead-groups.js";
import { DelayedCursor } from "../messages/delayed-counts.js";
import * as ext from "../messages/extent.js";
import { FindCursor } from "../messages/find.js";
import { LookupCursor } from "../messages/lookup.js";
import type { Store } from "../messages/store.js";
import { isBraked, isServable, mustStay, Taker } from "../messages/take.js";
import { TimingWheel } from "../messages/timing-wheel.js";
import { LOOKS_PER_EXTENT } from "../steps.js";
import type { Directory } from "../topics/directory.js";
import { NONE } from "../topics/message-keys.js";
import type { Connections } from "./connections.js";
import type {
  ConnectionEntry,
  Consumer,
  ConsumerSet,
  DeferrableCommand,
  FetchCommand,
  ListCommand,
  StartedBrowse,
  StartedLookup,
  StartedSearch,
} from "./consumer.js";
import { cursorOf, DeferredRequests, MAX_DEFERRED } from "./deferred-requests.js";

/**
 * The most that a consumer is handed before the next queue, and in its queue the next consumer, has its turn. When many
 * queues wait for theirs, it is less, but not below the smaller number of bytes.
 */
const QUANTUM_MESSAGES = 512;
const QUANTUM_BYTES = 256 * 1024;
const MIN_QUANTUM_BYTES = 16 * 1024;

/**
 * The most that a turn sends. With the size of the outbox it bounds what can be on its way to a connection before a HOLD
 * gets through.
 */
const TURN_BYTES = DEFAULT_POP_BYTES;

/** Queues served in one turn at most: with small messages that takes about a millisecond. */
const TURN_QUEUES = 1024;

/** The most that browses, searches and lookups walk in a turn, in steps of about a millisecond. A deferred list counts as a step. */
const TURN_STEPS = 2;

/** Waits of pops that end in one turn at most. */
const TURN_WAITS = 8192;

/** It looks through messages, however few it tells of. */
const isSearch = ({ op }: DeferrableCommand): boolean => op === "find" || op === "delayed" || op === "deadGroups";

export class Dispatcher {
  readonly #taker: Taker;
  readonly #deferred: DeferredRequests;
  readonly #waits: TimingWheel;
  /** When queues that are braked let another message through, by their numbers. Undefined: none ever was. */
  #brakes: TimingWheel | undefined;
  readonly #quantumMessages: number;
  readonly #quantumBytes: number;
  /** The store's `emitted` when the present part of the turn began. */
  #turnStart = 0;
  /** Extents that browses have looked at since the turn began, or what costs as much. */
  #looks = 0;

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly connections: Connections,
    maxFrameBytes: number,
    /** Answers a list. */
    readonly answerList: (c: ListCommand) => void,
    /** So much is on its way to clients that deliveries should wait. */
    readonly isCrowded: () => boolean = () => false,
    maxDeferred = MAX_DEFERRED,
  ) {
    this.#deferred = new DeferredRequests(connections, maxDeferred);
    const room = roomOf(maxFrameBytes);
    this.#quantumMessages = Math.min(QUANTUM_MESSAGES, room.messages);
    this.#quantumBytes = Math.min(QUANTUM_BYTES, room.bytes);
    this.#waits = new TimingWheel(store.now);
    this.#taker = new Taker(store);
  }

  /** Bytes sent since the turn began. */
  get #sent(): number {
    return this.store.emitted - this.#turnStart;
  }

  get #stepLooks(): number {
    return this.store.stepExtents * LOOKS_PER_EXTENT;
  }

  /** Enough has been sent or walked in this turn. */
  get #isSpent(): boolean {
    return this.#sent >= TURN_BYTES || this.#looks >= TURN_STEPS * this.#stepLooks;
  }

  /** A request for messages. Copies the command if it is deferred. Throws BUSY when too many are. */
  fetch(c: FetchCommand): void {
    const connection = this.connections.find(c.connection);
    if (connection?.mustWait || this.#isSpent || !this.#carryOut(c, false)) this.#deferred.push(c);
  }

  /** STATS, TOPICS, CHANNEL_STATS or CHANNELS. Copies the command if it is deferred. Throws BUSY when too many are. */
  list(c: ListCommand): void {
    if (this.connections.find(c.connection)?.mustWait) this.#deferred.push(c);
    else this.answerList(c);
  }

  /** Plays one turn. Answers when to call again. */
  turn(): number {
    this.#turnStart = this.store.emitted;
    this.#looks = 0;
    const moreBrakes = this.#brakes?.advance(this.store.now, this.#release, TURN_WAITS) ?? false;
    // Whoever was served in this turn comes last in the next one.
    for (const connection of [...this.#deferred.waiting]) {
      if (this.#isSpent) break;
      this.#resume(connection);
      this.#deferred.served(connection);
    }
    // Consumers have a share of their own, which fetches must not starve; and so has who asks until the next turn.
    this.#turnStart = this.store.emitted;
    this.#looks = 0;
    const isCrowded = this.isCrowded();
    if (!isCrowded) this.#rotate();
    // After dispatching: a pop whose time is over still gets what is there.
    const more = this.#waits.advance(this.store.now, this.#endWait, TURN_WAITS);
    const { now } = this.store;
    if (more || moreBrakes) return now;
    for (const connection of this.#deferred.waiting) if (!connection.isOnHold) return now;
    const due = Math.min(this.#waits.nextDue(), this.#brakes?.nextDue() ?? Number.POSITIVE_INFINITY);
    if (this.connections.scheduled.length === 0) return due;
    return isCrowded ? Math.min(due, now + CROWDED_WAIT) : now;
  }

  /** Ends a waiting pop without an answer. */
  endPop(consumer: Consumer): void {
    this.#waits.cancel(consumer.number);
    this.connections.stop(consumer);
  }

  /** Whether a deferred request names that topic. */
  hasDeferred(topic: string): boolean {
    return this.#deferred.isAbout(topic);
  }

  /** A connection is gone. */
  forget(connection: ConnectionEntry): void {
    this.#deferred.drop(connection);
  }

  invariants(): void {
    this.#waits.invariants();
    this.#brakes?.invariants();
    for (const { isScheduled } of this.connections.scheduled) {
      if (!isScheduled) throw new Error("dispatcher: consumers are on the list and not marked so");
    }
    this.#deferred.invariants();
  }

  /**
   * Answers a request, or lets it wait for messages. False: enough has been sent or walked in this turn. A pop that was
   * deferred before is always carried out.
   */
  #carryOut(c: DeferrableCommand, wasDeferred: boolean): boolean {
    switch (c.op) {
      case "pop":
        return this.#pop(c, wasDeferred);
      case "popDead": {
        const queue = this.directory.queue(this.directory.topic(c.topic), c.queue);
        if (queue.deadCount > 0 && mustStay(queue, queue.dead.head)) this.#refuseAtStandstill();
        this.store.effects.openMessages(c.connection, c.request);
        this.#taker.takeDead(queue, c.max, c.maxBytes, c.withFailures === true);
        this.store.effects.closeMessages();
        return true;
      }
      case "browse":
        return this.#browse(c);
      case "find":
      case "delayed":
      case "deadGroups":
        return this.#search(c);
      case "lookup":
        return this.#lookup(c);
      default:
        this.answerList(c);
        this.#looks += this.#stepLooks;
        return true;
    }
  }

  /** Walks to the offset in steps; the browse is deferred until it is there. */
  #browse(c: StartedBrowse): boolean {
    c.cursor ??= new BrowseCursor(this.store, this.directory.queue(this.directory.look(c.topic), c.queue), c);
    const isThere = c.cursor.advance(this.#stepLooks);
    this.#looks += c.cursor.looks;
    if (!isThere) return false;
    browse(this.store, c, c.cursor);
    return true;
  }

  /** Looks through messages in steps; the search is deferred until it can be answered. */
  #search(c: StartedSearch): boolean {
    c.cursor ??= this.#beginSearch(c);
    const isOver = c.cursor.advance(this.#stepLooks);
    this.#looks += c.cursor.looks;
    if (isOver) c.cursor.answer();
    return isOver;
  }

  #beginSearch(c: StartedSearch): NonNullable<StartedSearch["cursor"]> {
    const queue = this.directory.queue(this.directory.look(c.topic), c.queue);
    switch (c.op) {
      case "find":
        return new FindCursor(this.store, queue, c);
      case "delayed":
        return new DelayedCursor(this.store, queue, c);
      case "deadGroups":
        return new DeadGroupsCursor(this.store, queue, c);
    }
  }

  /** Walks to the message in steps; the lookup is deferred until it is there. */
  #lookup(c: StartedLookup): boolean {
    c.cursor ??= this.#beginLookup(c);
    const isThere = c.cursor?.advance(this.#stepLooks) ?? true;
    this.#looks += c.cursor?.looks ?? 0;
    if (!isThere) return false;
    this.store.effects.result(c.connection, c.request, c.cursor?.found(c.withHistory) ?? null);
    return true;
  }

  /** Undefined: no message has the key. */
  #beginLookup({ topic: name, key, idHigh, idLow }: StartedLookup): LookupCursor | undefined {
    const { store } = this;
    const topic = this.directory.look(name);
    const queues = [...topic.queues.values()];
    if (key === undefined) return new LookupCursor(store, queues, idHigh, idLow);
    const slot = topic.keys?.find(key, 0, key.length) ?? NONE;
    if (topic.keys === undefined || slot === NONE) return undefined;
    const { table } = topic.keys;
    return new LookupCursor(store, queues, table.idHigh(slot), table.idLow(slot), true);
  }

  /** Throws why there are messages and none of them is handed out. */
  #refuseAtStandstill(): void {
    const { standstill } = this.store;
    if (standstill !== undefined) throw new ProtocolError(standstill.kind, standstill.text);
  }

  #pop(c: Pop, wasDeferred: boolean): boolean {
    const { effects, now } = this.store;
    // A pop that does not wait does not make a topic.
    if (c.wait === 0 && this.directory.find(c.topic) === undefined) {
      effects.openMessages(c.connection, c.request);
      effects.closeMessages();
      return true;
    }
    const queue = this.directory.queue(this.directory.use(c.topic, now, c.connection), c.queue);
    // Those already waiting come first; before a deferred pop they have had a whole turn.
    const consumers = this.connections.consumersOf(queue);
    if (!wasDeferred && !this.#dispatch(consumers)) return false;
    if (isServable(queue)) {
      effects.openMessages(c.connection, c.request);
      this.#taker.takeReady(queue, c.max, c.maxBytes, undefined);
      effects.closeMessages();
    } else if (c.wait > 0) {
      const connection = this.connections.use(c.connection);
      const terms = { credit: c.max, renew: false, reports: false, acksSeen: false, ttr: 0, popBytes: c.maxBytes };
      const consumer = this.connections.add(connection, c.request, queue, terms);
      this.#waits.grow(ext.nextPowerOfTwo(consumer.number + 1));
      this.#waits.schedule(consumer.number, now + c.wait);
      consumers.join(consumer);
      this.#awaitBrake(consumers);
    } else {
      if (queue.readyCount > 0 && !queue.paused) this.#refuseAtStandstill();
      effects.openMessages(c.connection, c.request);
      effects.closeMessages();
    }
    return true;
  }

  /**
   * Serves queues in turn until enough has been sent. Whoever has had a share comes last, whoever has not comes first in
   * the next turn: so a queue waits for one share of each of the others, however much they have.
   */
  #rotate(): void {
    const { scheduled } = this.connections;
    for (let queues = 0; queues < TURN_QUEUES && this.#sent < TURN_BYTES; queues++) {
      const share = Math.max(MIN_QUANTUM_BYTES, TURN_BYTES / scheduled.length);
      const consumers = scheduled.shift();
      if (consumers === undefined) return;
      consumers.isScheduled = false;
      if (this.#serve(consumers, Math.min(share, this.#quantumBytes))) consumers.onReady();
    }
  }

  /** Serves all consumers of a queue. False: enough has been sent in this turn and there is more. */
  #dispatch(consumers: ConsumerSet): boolean {
    while (consumers.isServable) {
      if (this.#sent >= TURN_BYTES) return false;
      this.#serve(consumers, this.#quantumBytes);
    }
    return true;
  }

  /** Hands about `bytes` to the first consumer in line, if there is one and something to hand out. True: there is more. */
  #serve(consumers: ConsumerSet, bytes: number): boolean {
    const { queue, first: consumer } = consumers;
    if (consumer === undefined || !consumers.isServable) {
      this.#awaitBrake(consumers);
      return false;
    }
    const { effects } = this.store;
    consumers.leave(consumer);
    effects.openMessages(consumer.connection.number, consumer.request);
    if (consumer.isPop) {
      this.endPop(consumer);
      this.#taker.takeReady(queue, consumer.credit, consumer.popBytes, undefined);
    } else {
      const max = Math.min(consumer.credit, this.#quantumMessages);
      const taken = this.#taker.takeReady(queue, max, bytes, consumer);
      consumer.credit -= taken;
      if (taken > 0) consumer.lastDelivery = this.store.delivery;
      consumers.join(consumer);
    }
    effects.closeMessages();
    this.#awaitBrake(consumers);
    return consumers.isServable;
  }

  /** Somebody waits for what a queue is too slow to hand out: they are served when it may. */
  #awaitBrake({ queue, first }: ConsumerSet): void {
    if (first === undefined || queue.readyCount === 0 || !isBraked(queue)) return;
    this.#brakes ??= new TimingWheel(this.store.now);
    this.#brakes.grow(ext.nextPowerOfTwo(queue.number + 1));
    this.#brakes.schedule(queue.number, queue.brake?.openAt ?? 0);
  }

  readonly #release = (number: number): void => this.directory.queues[number]?.consumers?.onReady();

  /** Carries out the deferred requests of a connection, as far as this turn goes. */
  #resume(connection: ConnectionEntry): void {
    const isFar = (c: DeferrableCommand): boolean =>
      (c.op === "browse" && c.offset > this.#stepLooks) || isSearch(c) || (c.op === "lookup" && c.key === undefined);
    while (!connection.isOnHold && !this.#isSpent) {
      const c = connection.deferred.at(0);
      if (c === undefined) return;
      const isNew = cursorOf(c) === undefined;
      if (isNew && isFar(c) && !this.#deferred.canWalk) return;
      let isDone = true;
      const act = (): void => {
        isDone = this.#carryOut(c, true);
      };
      this.store.attempt(c.connection, c.request, act, c.op !== "pop" && c.op !== "popDead");
      if (!isDone) {
        if (isNew) this.#deferred.walks();
        return;
      }
      this.#deferred.shift(connection);
      this.directory.tidy();
    }
  }

  readonly #endWait = (number: number): void => {
    const consumer = this.connections.consumers[number];
    if (consumer === undefined) throw new Error(`dispatcher: nobody waits under number ${number}`);
    this.connections.stop(consumer);
    this.store.effects.openMessages(consumer.connection.number, consumer.request);
    this.store.effects.closeMessages();
  };
}
