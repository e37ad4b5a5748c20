/**
 * Hands ready messages to whoever wants them: consumers with credit in turn, pops that wait, and requests for messages
 * that were put off because enough had been sent for one turn or because their connection is held.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { DEFAULT_POP_BYTES } from "../../protocol/limits.js";
import { roomOf } from "../../protocol/run.js";
import type { Pop } from "../command.js";
import * as ext from "../messages/extent.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { takeDead, takeReady } from "../messages/take.js";
import { TimingWheel } from "../messages/timing-wheel.js";
import { LOOKS } from "../steps.js";
import { BrowseStart, browse } from "../topics/browse.js";
import type { Directory } from "../topics/directory.js";
import type { ConnectionEntry, Consumer, Fetch, PlacedBrowse } from "./consumer.js";
import type { Roster } from "./roster.js";

/** What a consumer is handed before the next one has its turn. */
const QUANTUM_MESSAGES = 512;
const QUANTUM_BYTES = 256 * 1024;

/**
 * What a turn sends before commands are looked at again: with the outbox it bounds what can be on its way to a
 * connection before the word that it must be held gets through.
 */
const TURN_BYTES = DEFAULT_POP_BYTES;

/** Browses that walk at a time: each has a place that moves with the list, at a cost to whatever leaves that. */
const MAX_WALKING = 64;

/** What browses walk in a turn before commands are looked at again, in steps of about a millisecond. */
const TURN_STEPS = 2;

/** Pops whose wait ends in one turn before commands are looked at again. */
const TURN_WAITS = 8192;

/**
 * Requests that are put off, of all connections: some tens of megabytes with their names. One connection has at most
 * half of it, as many as it may have in flight (MAX_IN_FLIGHT).
 */
const MAX_DEFERRED = 131_072;

export class Dispatcher {
  #dirty: Queue[] = [];
  readonly #deferring = new Set<ConnectionEntry>();
  /** By topic: fetches that were put off. */
  readonly #awaited = new Map<string, number>();
  readonly #waits: TimingWheel;
  readonly #quantumMessages: number;
  readonly #quantumBytes: number;
  /** The store's `emitted` when the turn, or its second part, began. */
  #turnStart = 0;
  #deferred = 0;
  /** Browses that are put off in the middle of their walk. */
  #walking = 0;
  /** Extents that browses have looked at since the turn began. */
  #looks = 0;

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly roster: Roster,
    maxFrameBytes: number,
    readonly maxDeferred = MAX_DEFERRED,
  ) {
    const room = roomOf(maxFrameBytes);
    this.#quantumMessages = Math.min(QUANTUM_MESSAGES, room.messages);
    this.#quantumBytes = Math.min(QUANTUM_BYTES, room.bytes);
    this.#waits = new TimingWheel(store.now);
  }

  /** Bytes sent since the turn began. */
  get #sent(): number {
    return this.store.emitted - this.#turnStart;
  }

  get #stepLooks(): number {
    return this.store.stepExtents * LOOKS;
  }

  /** Enough has been sent, or walked, for this turn. */
  get #isSpent(): boolean {
    return this.#sent >= TURN_BYTES || this.#looks >= TURN_STEPS * this.#stepLooks;
  }

  /** There may be something to hand out of a queue. */
  markDirty(queue: Queue): void {
    if (queue.dirty || queue.waiting.first === undefined) return;
    queue.dirty = true;
    this.#dirty.push(queue);
  }

  /** Puts a consumer in line, if it can take something. */
  offer(consumer: Consumer): void {
    consumer.queue.waiting.join(consumer);
    if (consumer.queue.readyCount > 0) this.markDirty(consumer.queue);
  }

  /** POP, POP_DEAD or BROWSE. The command is copied if it must wait. Throws BUSY when too many wait. */
  fetch(c: Fetch): void {
    const connection = this.roster.find(c.connection);
    if (connection?.held || connection?.deferred.length || this.#isSpent || !this.#fetch(c, false)) {
      this.#putOff(c);
    }
  }

  /** Plays one turn. Answers true when there is more to do at once. */
  turn(): boolean {
    this.#turnStart = this.store.emitted;
    this.#looks = 0;
    // Who had a part of this turn is the last in the next one.
    for (const connection of [...this.#deferring]) {
      if (this.#isSpent) break;
      this.#resume(connection);
      this.#deferring.delete(connection);
      if (connection.deferred.length > 0) this.#deferring.add(connection);
      else this.roster.tidy(connection);
    }
    // Consumers have a share of their own: however much was asked for, they must not starve.
    this.#turnStart = this.store.emitted;
    const queues = this.#dirty;
    this.#dirty = [];
    for (const queue of queues) {
      queue.dirty = false;
      if (!this.#dispatch(queue)) this.markDirty(queue);
    }
    // Only now: a pop whose time is over still gets what is there.
    const more = this.#waits.advance(this.store.now, this.#endWait, TURN_WAITS);
    if (more || this.#dirty.length > 0) return true;
    for (const connection of this.#deferring) if (!connection.held) return true;
    return false;
  }

  /** When the wait of a pop is over. */
  nextDue(): number {
    return this.#waits.nextDue();
  }

  /** Ends a waiting pop that is not to be answered any more. */
  endPop(consumer: Consumer): void {
    this.#waits.cancel(consumer.number);
    this.roster.stop(consumer);
  }

  /** A fetch about the topic of that name was put off. */
  isAwaited(topic: string): boolean {
    return this.#awaited.has(topic);
  }

  /** A connection is gone. */
  forget(connection: ConnectionEntry): void {
    this.#deferred -= connection.deferred.length;
    for (const c of connection.deferred) {
      this.#takeUp(c.topic);
      this.#endWalk(c);
    }
    connection.deferred.clear();
    this.#deferring.delete(connection);
  }

  invariants(): void {
    this.#waits.invariants();
    for (const queue of this.#dirty)
      if (!queue.dirty) throw new Error("dispatcher: a listed queue is not marked dirty");
    let deferred = 0;
    for (const connection of this.#deferring) deferred += connection.deferred.length;
    if (deferred !== this.#deferred)
      throw new Error(`dispatcher: ${deferred} requests are put off, not ${this.#deferred}`);
  }

  #putOff(c: Fetch): void {
    const isWalking = c.op === "browse" && c.from !== undefined;
    if (this.#deferred >= this.maxDeferred || (isWalking && this.#walking >= MAX_WALKING)) {
      if (c.op === "browse") c.from?.close();
      throw new ProtocolError("BUSY", `the shard has ${this.maxDeferred} requests put off: read, then ask again`);
    }
    const connection = this.roster.use(c.connection);
    connection.deferred.push({ ...c });
    this.#deferring.add(connection);
    this.#deferred++;
    if (isWalking) this.#walking++;
    this.#awaited.set(c.topic, (this.#awaited.get(c.topic) ?? 0) + 1);
  }

  /**
   * Answers a fetch, or lets it wait for messages; false when enough has been sent or walked for this turn. A pop that was
   * put off before is always carried out.
   */
  #fetch(c: Fetch, wasPutOff: boolean): boolean {
    switch (c.op) {
      case "pop":
        return this.#pop(c, wasPutOff);
      case "popDead": {
        const queue = this.directory.queue(this.directory.topic(c.topic), c.queue);
        this.store.effects.openMessages(c.connection, c.request);
        takeDead(queue, c.max, c.maxBytes, this.store.now);
        this.store.effects.closeMessages();
        return true;
      }
      case "browse":
        return this.#browse(c);
    }
  }

  /** One that begins far from the head goes there in steps, and is put off until it is there. */
  #browse(c: PlacedBrowse): boolean {
    c.from ??= new BrowseStart(this.store, this.directory.queue(this.directory.topic(c.topic), c.queue), c);
    const isThere = c.from.advance(this.#stepLooks);
    this.#looks += c.from.looks;
    if (!isThere) return false;
    browse(this.store, c, c.from);
    return true;
  }

  #endWalk(c: Fetch): void {
    if (c.op !== "browse" || c.from === undefined) return;
    c.from.close();
    this.#walking--;
  }

  #pop(c: Pop, wasPutOff: boolean): boolean {
    const { effects, now } = this.store;
    // A pop that does not wait makes no topic.
    if (c.wait === 0 && this.directory.find(c.topic) === undefined) {
      effects.openMessages(c.connection, c.request);
      effects.closeMessages();
      return true;
    }
    const queue = this.directory.queue(this.directory.use(c.topic, now, c.connection), c.queue);
    // Who has been waiting comes first; but they have had a whole turn before a pop that was put off.
    if (!wasPutOff && !this.#dispatch(queue)) return false;
    if (queue.readyCount > 0 && !queue.paused) {
      effects.openMessages(c.connection, c.request);
      takeReady(queue, c.max, c.maxBytes, undefined, now);
      effects.closeMessages();
    } else if (c.wait > 0) {
      const consumer = this.roster.add(this.roster.use(c.connection), c.request, queue, c.max, false, c.maxBytes);
      this.#waits.grow(ext.powerOfTwo(consumer.number + 1));
      this.#waits.schedule(consumer.number, now + c.wait);
      queue.waiting.join(consumer);
    } else {
      effects.openMessages(c.connection, c.request);
      effects.closeMessages();
    }
    return true;
  }

  /** Serves the consumers of a queue; false when enough has been sent for this turn and there is more. */
  #dispatch(queue: Queue): boolean {
    const { effects, now } = this.store;
    while (queue.readyCount > 0 && !queue.paused) {
      const consumer = queue.waiting.first;
      if (consumer === undefined) return true;
      if (this.#sent >= TURN_BYTES) return false;
      queue.waiting.leave(consumer);
      effects.openMessages(consumer.connection.number, consumer.request);
      if (consumer.isPop) {
        this.endPop(consumer);
        takeReady(queue, consumer.credit, consumer.popBytes, undefined, now);
      } else {
        const max = Math.min(consumer.credit, this.#quantumMessages);
        consumer.credit -= takeReady(queue, max, this.#quantumBytes, consumer, now);
        queue.waiting.join(consumer);
      }
      effects.closeMessages();
    }
    return true;
  }

  /** Carries out what a connection has waiting, as far as this turn may. */
  #resume(connection: ConnectionEntry): void {
    while (!connection.held && !this.#isSpent) {
      const c = connection.deferred.at(0);
      if (c === undefined) return;
      let isDone = true;
      const isNew = c.op !== "browse" || c.from === undefined;
      if (c.op === "browse" && isNew && c.offset > this.#stepLooks && this.#walking >= MAX_WALKING) return;
      this.store.attempt(c.connection, c.request, () => {
        isDone = this.#fetch(c, true);
      });
      if (!isDone) {
        if (isNew) this.#walking++;
        return;
      }
      connection.deferred.shift();
      if (!isNew) this.#endWalk(c);
      this.#deferred--;
      this.#takeUp(c.topic);
      this.directory.tidy();
    }
  }

  /** A fetch about a topic is put off no more. */
  #takeUp(topic: string): void {
    const left = (this.#awaited.get(topic) ?? 0) - 1;
    if (left > 0) this.#awaited.set(topic, left);
    else this.#awaited.delete(topic);
  }

  readonly #endWait = (number: number): void => {
    const consumer = this.store.consumers[number];
    if (consumer === undefined) throw new Error(`dispatcher: nobody waits under number ${number}`);
    this.roster.stop(consumer);
    this.store.effects.openMessages(consumer.connection.number, consumer.request);
    this.store.effects.closeMessages();
  };
}
