/**
 * A queue: where the messages of one bind key wait, and the moves they make between ready, delayed, in flight and dead.
 * docs/protocol.md draws them. Every move goes through a method of this class, which keeps lists, counters, timers and
 * the index in step.
 */
import { skipEntries } from "../../protocol/entry.js";
import { Reason } from "../../protocol/run.js";
import type { MessageState } from "../command.js";
import type { DirectoryEntry, StateChange } from "../log/recorder.js";
import type { Brake } from "./brake.js";
import * as ext from "./extent.js";
import { ExtentList } from "./extent-list.js";
import { type Failure, timedOut } from "./failure.js";
import { putBack } from "./given-back.js";
import { newExtent, newFragment } from "./new-extent.js";
import type { Holder, QueueConsumers, QueueTopic, StoredQueue } from "./queue-context.js";
import { requeue } from "./requeue.js";
import type { Store } from "./store.js";

const { State } = ext;

export class Queue implements StoredQueue {
  readonly ready = new ExtentList();
  readonly delayed = new ExtentList();
  readonly dead = new ExtentList();
  /** In flight, and held by nobody: popped. */
  readonly popped = new ExtentList();
  readyCount = 0;
  readyBytes = 0;
  delayedCount = 0;
  delayedBytes = 0;
  inFlightCount = 0;
  deadCount = 0;
  paused = false;
  /** It was declared, not made by using it. */
  isDeclared = false;
  isRecorded = false;
  namedIn = 0;
  /** Undefined: nothing has failed in it while its topic had one. */
  brake: Brake | undefined;
  /** Undefined: there never was one. */
  consumers: QueueConsumers | undefined;
  /** The route that reaches only this queue. */
  readonly asRoute: readonly Queue[] = [this];

  constructor(
    readonly topic: QueueTopic,
    readonly bindKey: string,
    readonly number: number,
    readonly store: Store,
  ) {}

  get entry(): DirectoryEntry {
    return this.topic.entryOf(this, false);
  }

  get movedEntry(): DirectoryEntry {
    return this.topic.entryOf(this, true);
  }

  /** It has messages, consumers or waiting pops. */
  get isInUse(): boolean {
    return this.holderCount > 0 || this.length + this.inFlightCount + this.deadCount > 0;
  }

  /** Consumers and waiting pops. */
  get holderCount(): number {
    return this.consumers === undefined ? 0 : this.consumers.size;
  }

  get holders(): Iterable<Holder> {
    return this.consumers === undefined ? [] : this.consumers.holders;
  }

  get length(): number {
    return this.readyCount + this.delayedCount;
  }

  get bytes(): number {
    return this.readyBytes + this.delayedBytes;
  }

  /** Messages in a state. */
  count(state: MessageState): number {
    switch (state) {
      case "ready":
        return this.readyCount;
      case "delayed":
        return this.delayedCount;
      case "in-flight":
        return this.inFlightCount;
      case "dead":
        return this.deadCount;
    }
  }

  // --- publish -------------------------------------------------------------------------------------------------------

  /** Adds the batch that the log has just appended: ready, without a time to live. */
  addFresh(idHigh: number, idLow: number, count: number, bytes: number): void {
    const { extents, log } = this.store;
    const extent = newExtent(this, idHigh, idLow, count, log.entriesOffset, bytes);
    extents.setStatus(extent, State.READY, Reason.ALIVE, 0);
    this.#append(this.ready, extent);
    this.readyCount += count;
    this.readyBytes += bytes;
    this.consumers?.onReady();
  }

  /** Adds the batch that the log has just appended as fragments: delayed, with a time to live or keys. 0: none. */
  addFragments(idHigh: number, idLow: number, count: number, due: number, expiry: number): void {
    const { log } = this.store;
    const page = log.pages.at(log.page);
    const { view } = page;
    if (due > 0 || expiry > 0) page.isTimed = true;
    let at = log.entriesOffset;
    for (let i = 0; i < count; ) {
      const first = idLow + i;
      const n = Math.min(count - i, ext.BLOCK - (first & 31));
      const start = at;
      at = skipEntries(view, at, n);
      const part = newFragment(this, idHigh, first, n, ext.bits(first & 31, n), start, at - start, expiry);
      if (due > 0) this.#delay(part, due, expiry);
      else this.makeReady(part, expiry);
      i += n;
    }
  }

  // --- in flight -----------------------------------------------------------------------------------------------------

  /** Puts a fragment that is in no list in flight. */
  lease(fragment: number, count: number, holder: Holder | undefined, delivery: number, deadline: number): void {
    const { extents, wheel } = this.store;
    extents.setState(fragment, State.IN_FLIGHT);
    extents.set(fragment, ext.DELIVERY, delivery);
    extents.set(fragment, ext.HOLDER, holder === undefined ? 0 : holder.number + 1);
    if (holder === undefined) {
      this.popped.push(extents, fragment);
    } else {
      holder.held.push(extents, fragment);
      holder.heldCount += count;
    }
    this.inFlightCount += count;
    wheel.schedule(fragment, deadline);
  }

  /** Ends the messages in `mask` of a fragment in flight. */
  ack(fragment: number, mask: number): void {
    const { store } = this;
    const { extents } = store;
    const count = ext.popcount(mask);
    const holder = this.#holderOf(fragment);
    const list = holder?.held ?? this.popped;
    this.inFlightCount -= count;
    this.topic.acked += count;
    store.totals.acked += count;
    if (this.brake?.succeeded(count) === true) this.consumers?.onReady();
    if (store.release(fragment, mask)) {
      list.remove(extents, fragment);
      store.retire(fragment);
    }
    holder?.onReturned(count);
  }

  /** Moves the deadline of messages in flight. */
  touch(fragment: number, mask: number, deadline: number): void {
    const { store } = this;
    const { extents } = store;
    let part = fragment;
    if (mask !== extents.get(fragment, ext.MASK)) {
      part = store.split(fragment, mask);
      (this.#holderOf(fragment)?.held ?? this.popped).insertAfter(extents, part, fragment);
    }
    store.wheel.schedule(part, deadline);
  }

  /** A delivery has failed: the messages come back to the tail of the queue, delayed, or to the dead letters. */
  fail(fragment: number, mask: number, now: number, failure: Failure): void {
    const { extents } = this.store;
    const count = ext.popcount(mask);
    const holder = this.#holderOf(fragment);
    const part = this.#takeBack(fragment, mask, count, holder);
    extents.set(part, ext.DELIVERY, 0);
    if (extents.reason(part) !== Reason.ALIVE) this.#pushDead(part, count);
    else requeue(this, part, count, now, failure);
    holder?.onReturned(count);
  }

  /** Messages in flight that nobody was handed come back as they were: to where they stood at the head. */
  release(fragment: number, mask: number, now: number): void {
    const { store } = this;
    const { extents } = store;
    const count = ext.popcount(mask);
    const holder = this.#holderOf(fragment);
    const part = this.#takeBack(fragment, mask, count, holder);
    const isDead = extents.reason(part) !== Reason.ALIVE;
    const expiry = isDead ? 0 : store.expiryOf(part);
    this.topic.released += count;
    store.totals.released += count;
    if (isDead) {
      extents.setState(part, State.DEAD);
      this.deadCount += count;
      putBack(store, this.dead, part);
    } else if (expiry > 0 && expiry <= now) {
      this.expire(part, now);
    } else {
      extents.setState(part, State.READY);
      this.readyCount += count;
      this.readyBytes += store.bytesOf(part, mask);
      if (expiry > 0) store.wheel.schedule(part, expiry);
      putBack(store, this.ready, part);
      this.consumers?.onReady();
    }
    holder?.onReturned(count);
  }

  /** Takes messages in flight from whoever holds them, as a fragment in no list. */
  #takeBack(fragment: number, mask: number, count: number, holder: Holder | undefined): number {
    const { store } = this;
    const { extents } = store;
    let part = fragment;
    if (mask === extents.get(fragment, ext.MASK)) {
      (holder?.held ?? this.popped).remove(extents, fragment);
      store.wheel.cancel(fragment);
    } else {
      part = store.split(fragment, mask);
    }
    this.inFlightCount -= count;
    extents.set(part, ext.HOLDER, 0);
    return part;
  }

  /** A lease has ended, whoever held it: what the holder's program was handed has failed, the rest is given back. */
  endLease(fragment: number, now: number): void {
    const mask = this.store.extents.get(fragment, ext.MASK);
    const holder = this.#holderOf(fragment);
    const ahead = holder === undefined ? 0 : holder.aheadOf(fragment);
    if (ahead !== mask) {
      if (holder?.acksSeen === true) this.ack(fragment, mask & ~ahead);
      else this.fail(fragment, mask & ~ahead, now, timedOut(holder));
    }
    if (ahead !== 0) this.release(fragment, ahead, now);
  }

  /** A timer of a fragment of this queue has fired. */
  onTimer(fragment: number, now: number): void {
    const { extents } = this.store;
    const mask = extents.get(fragment, ext.MASK);
    switch (extents.state(fragment)) {
      case State.IN_FLIGHT:
        this.endLease(fragment, now);
        return;
      case State.READY:
        this.withdraw(fragment, mask);
        this.expire(fragment, now);
        return;
      case State.DELAYED: {
        const expiry = this.store.expiryOf(fragment);
        this.withdraw(fragment, mask);
        if (expiry > 0 && expiry <= now) this.expire(fragment, now);
        else this.makeReady(fragment, expiry);
        return;
      }
      default:
        throw new Error(`queue: a timer fired for extent ${fragment} in state ${extents.state(fragment)}`);
    }
  }

  /** Drops messages that are delayed or dead. */
  cancel(fragment: number, mask: number): void {
    this.store.discard(this.withdraw(fragment, mask));
    const count = ext.popcount(mask);
    this.topic.dropped += count;
    this.store.totals.dropped += count;
  }

  /** Gives delayed messages a new time. */
  reschedule(fragment: number, mask: number, due: number): void {
    this.postpone(this.withdraw(fragment, mask), due);
  }

  /** Puts dead letters back at the tail, as if they had never been delivered. */
  redrive(fragment: number, mask: number): void {
    const { extents } = this.store;
    const part = this.withdraw(fragment, mask);
    extents.setStatus(part, State.READY, Reason.ALIVE, 0);
    extents.times[part] = 0;
    extents.set(part, ext.DELIVERY, 0);
    extents.set(part, ext.FLAGS, extents.get(part, ext.FLAGS) | ext.REDRIVEN);
    this.record(part, State.READY, 0);
    this.makeReady(part, 0);
  }

  // --- recovery ------------------------------------------------------------------------------------------------------

  /** Puts a fragment that is in no list into the state that a record says. */
  restore(part: number, { state, reason, retry, flags, time }: StateChange): void {
    const { extents } = this.store;
    extents.setStatus(part, state, reason, retry);
    extents.set(part, ext.FLAGS, flags);
    if ((flags & ext.REDRIVEN) !== 0) extents.times[part] = 0;
    switch (state) {
      case State.READY:
        this.makeReady(part, this.store.expiryOf(part));
        break;
      case State.DELAYED:
        this.#delay(part, time, this.store.expiryOf(part));
        break;
      case State.DEAD:
        extents.times[part] = time;
        this.#pushDead(part, extents.count(part));
        break;
      default:
        throw new Error(`queue: messages cannot be restored to state ${state}`);
    }
  }

  /** Ends messages that are ready, delayed or dead, as a record says. */
  end(fragment: number, mask: number): void {
    const { store } = this;
    const { extents } = store;
    this.#discount(fragment, mask);
    store.log.pages.release(extents.get(fragment, ext.PAGE), ext.popcount(mask));
    const rest = extents.get(fragment, ext.MASK) & ~mask;
    if (rest !== 0) {
      extents.set(fragment, ext.MASK, rest);
      return;
    }
    this.#listOf(extents.state(fragment)).remove(extents, fragment);
    store.retire(fragment);
  }

  record(part: number, state: number, time: number, failures?: Uint8Array): void {
    const { extents } = this.store;
    const flags = extents.get(part, ext.FLAGS);
    const change = { state, reason: extents.reason(part), retry: extents.retry(part), flags, time, failures };
    this.store.record(part, extents.get(part, ext.MASK), change);
  }

  // --- moves ---------------------------------------------------------------------------------------------------------

  /** To the tail of the ready messages. The fragment is in no list. */
  makeReady(fragment: number, expiry: number): void {
    const { store } = this;
    const { extents } = store;
    extents.setState(fragment, State.READY);
    this.#append(this.ready, fragment);
    this.readyCount += extents.count(fragment);
    this.readyBytes += store.bytesOf(fragment, extents.get(fragment, ext.MASK));
    if (expiry > 0) store.wheel.schedule(fragment, expiry);
    this.consumers?.onReady();
  }

  #delay(fragment: number, due: number, expiry: number): void {
    const { store } = this;
    const { extents } = store;
    extents.setState(fragment, State.DELAYED);
    this.#append(this.delayed, fragment);
    this.delayedCount += extents.count(fragment);
    this.delayedBytes += store.bytesOf(fragment, extents.get(fragment, ext.MASK));
    store.wheel.schedule(fragment, expiry > 0 ? Math.min(due, expiry) : due);
  }

  postpone(part: number, due: number, failures?: Uint8Array): void {
    this.record(part, State.DELAYED, due, failures);
    this.#delay(part, due, this.store.expiryOf(part));
  }

  /** Takes messages out of the ready, delayed or dead ones, as a fragment in no list. */
  withdraw(fragment: number, mask: number): number {
    const { store } = this;
    const { extents } = store;
    const state = extents.state(fragment);
    this.#discount(fragment, mask);
    if (mask !== extents.get(fragment, ext.MASK)) return store.split(fragment, mask);
    this.#listOf(state).remove(extents, fragment);
    store.wheel.cancel(fragment);
    return fragment;
  }

  /** Those in `mask`, a run, of a fragment that is ready, delayed or dead, as a fragment of their own, at their place. */
  part(fragment: number, mask: number): number {
    const { extents, wheel } = this.store;
    if (mask === extents.get(fragment, ext.MASK)) return fragment;
    const part = this.store.split(fragment, mask);
    if (wheel.isScheduled(fragment)) wheel.schedule(part, wheel.dueOf(fragment));
    putBack(this.store, this.#listOf(extents.state(fragment)), part);
    return part;
  }

  /** Counts messages off that are ready, delayed or dead. */
  #discount(fragment: number, mask: number): void {
    const { store } = this;
    const state = store.extents.state(fragment);
    const count = ext.popcount(mask);
    if (state === State.READY) {
      this.readyCount -= count;
      this.readyBytes -= store.bytesOf(fragment, mask);
    } else if (state === State.DELAYED) {
      this.delayedCount -= count;
      this.delayedBytes -= store.bytesOf(fragment, mask);
    } else {
      this.deadCount -= count;
    }
  }

  #listOf(state: number): ExtentList {
    if (state === State.READY) return this.ready;
    if (state === State.DELAYED) return this.delayed;
    if (state === State.DEAD) return this.dead;
    throw new Error(`queue: messages in state ${state} are in no list of the queue`);
  }

  expire(fragment: number, now: number, failures?: Uint8Array): void {
    const count = this.store.extents.count(fragment);
    this.topic.expired += count;
    this.store.totals.expired += count;
    if (this.topic.config.expired === "drop") this.store.discard(fragment);
    else this.deadLetter(fragment, Reason.EXPIRED, now, failures);
  }

  deadLetter(fragment: number, reason: number, now: number, failures?: Uint8Array): void {
    const { extents } = this.store;
    extents.setStatus(fragment, State.DEAD, reason, extents.retry(fragment));
    extents.times[fragment] = now;
    this.record(fragment, State.DEAD, now, failures);
    const count = extents.count(fragment);
    this.topic.dead += count;
    this.store.totals.dead += count;
    this.#pushDead(fragment, count);
  }

  #pushDead(fragment: number, count: number): void {
    const { extents } = this.store;
    extents.setState(fragment, State.DEAD);
    this.#append(this.dead, fragment);
    this.deadCount += count;
  }

  /** To the tail of one of its lists, with a new place in line. */
  #append(list: ExtentList, extent: number): void {
    this.store.extents.places[extent] = this.store.nextPlace();
    list.push(this.store.extents, extent);
  }

  #holderOf(fragment: number): Holder | undefined {
    const holder = this.store.extents.get(fragment, ext.HOLDER);
    return holder === 0 ? undefined : this.store.holders[holder - 1];
  }
}
