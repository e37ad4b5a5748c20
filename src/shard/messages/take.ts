/**
 * Takes messages out of a queue for a consumer or a pop, also dead letters. They are emitted as runs and put in flight;
 * with auto-ack they are gone.
 */
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { FAILURES_LENGTH_BYTES } from "../../protocol/run.js";
import { GONE } from "../log/recorder.js";
import * as ext from "./extent.js";
import type { ExtentList } from "./extent-list.js";
import type { Queue } from "./queue.js";
import type { Holder } from "./queue-context.js";
import type { Store } from "./store.js";

export class Taker {
  /** Entry bytes taken by the present call. */
  #bytes = 0;
  /** Under which what is taken is put in flight. */
  #holder: Holder | undefined;
  #delivery = 0;
  #deadline = 0;
  /** What is taken is gone. */
  #isGone = false;
  /** With what is known of the failures of what is taken. */
  #withFailures = false;

  constructor(readonly store: Store) {}

  /**
   * Takes up to `max` ready messages of about `maxBytes` from the head, at least one whatever its size. `holder`
   * undefined: a pop. Answers how many.
   */
  takeReady(queue: Queue, max: number, maxBytes: number, holder: Holder | undefined): number {
    const { extents } = this.store;
    const { brake } = queue;
    const most = brake?.isOn === true ? 1 : max;
    let taken = 0;
    this.#bytes = 0;
    this.#holder = holder;
    this.#isGone = queue.topic.config.autoAck && holder?.reports !== true;
    while (taken < most && queue.ready.head !== ext.NONE) {
      const extent = queue.ready.head;
      if (mustStay(queue, extent)) break;
      const room = maxBytes - this.#bytes;
      const n = extents.isFragment(extent)
        ? this.#takeFragment(queue, queue.ready, most - taken, room, taken === 0)
        : this.#takeFresh(queue, extent, most - taken, room, taken === 0);
      if (n === 0) break;
      taken += n;
    }
    queue.readyCount -= taken;
    queue.readyBytes -= this.#bytes;
    queue.topic.delivered += taken;
    this.store.totals.delivered += taken;
    if (taken > 0) brake?.letThrough(this.store.now);
    return taken;
  }

  /** As `takeReady` for a pop, from the dead letters, with what is known of their failures or without. */
  takeDead(queue: Queue, max: number, maxBytes: number, withFailures: boolean): number {
    let taken = 0;
    this.#withFailures = withFailures;
    this.#bytes = 0;
    this.#holder = undefined;
    this.#isGone = queue.topic.config.autoAck;
    while (taken < max && queue.dead.head !== ext.NONE && !mustStay(queue, queue.dead.head)) {
      const n = this.#takeFragment(queue, queue.dead, max - taken, maxBytes - this.#bytes, taken === 0);
      if (n === 0) break;
      taken += n;
    }
    this.#withFailures = false;
    queue.deadCount -= taken;
    queue.topic.delivered += taken;
    this.store.totals.delivered += taken;
    return taken;
  }

  /** At most `limit` messages of `room` bytes from the front of an extent; if `first`, one goes whatever its size. */
  #takeFresh(queue: Queue, extent: number, limit: number, room: number, first: boolean): number {
    const { store } = this;
    const { extents } = store;
    const isGone = this.#isGone;
    const { ttr } = queue.topic.config;
    const { view } = store.pageOf(extent);
    const idLow = extents.idLow(extent);
    const offset = extents.get(extent, ext.OFFSET);
    const max = Math.min(limit, extents.get(extent, ext.SPAN));
    this.#delivery = isGone ? 0 : store.nextDelivery();
    this.#deadline = isGone ? 0 : store.now + ttr;
    let at = offset;
    let n = 0;
    let fragmentAt = offset;
    let fragmentFirst = 0;
    while (n < max) {
      const next = at + WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
      if (next - offset > room && (n > 0 || !first)) break;
      at = next;
      n++;
      if (((idLow + n) & 31) === 0 && !isGone) {
        this.#leaseFragment(queue, extent, fragmentFirst, n, fragmentAt, at);
        fragmentFirst = n;
        fragmentAt = at;
      }
    }
    if (n === 0) return 0;
    if (n > fragmentFirst && !isGone) this.#leaseFragment(queue, extent, fragmentFirst, n, fragmentAt, at);
    // With auto-ack the record that they are gone comes before the answer, which waits for it.
    if (isGone) store.recordGone(extent, n);
    store.emit(extent, idLow, n, offset, at, this.#delivery, this.#deadline);
    this.#bytes += at - offset;
    if (isGone) store.log.pages.release(extents.get(extent, ext.PAGE), n);
    cutFront(queue, extent, n, at);
    return n;
  }

  /** Makes a fragment in flight of the messages [first, end) of a fresh extent, whose entries are [start, stop). */
  #leaseFragment(queue: Queue, extent: number, first: number, end: number, start: number, stop: number): void {
    const { extents, index } = this.store;
    const fragment = extents.clone(extent);
    const idLow = extents.idLow(extent) + first;
    extents.set(fragment, ext.ID_LOW, idLow);
    extents.set(fragment, ext.SPAN, end - first);
    extents.set(fragment, ext.MASK, ext.bits(idLow & 31, end - first));
    extents.set(fragment, ext.OFFSET, start);
    extents.set(fragment, ext.BYTES, stop - start);
    index.add(fragment);
    queue.lease(fragment, end - first, this.#holder, this.#delivery, this.#deadline);
  }

  /** As `#takeFresh`, of the fragment at the head of a list. */
  #takeFragment(queue: Queue, list: ExtentList, limit: number, room: number, first: boolean): number {
    const { store } = this;
    const { extents } = store;
    const isGone = this.#isGone;
    const { ttr } = queue.topic.config;
    const extent = list.head;
    const mask = extents.get(extent, ext.MASK);
    let failures = this.#withFailures ? store.failuresOf(extent) : undefined;
    // Each message may be a run of its own.
    let cost = failures === undefined ? 0 : FAILURES_LENGTH_BYTES + failures.length;
    let chosen = firstMessages(store, extent, mask, limit, room, false, cost);
    if (chosen === 0) {
      if (!first) return 0;
      // A single one is taken whatever its size, if need be without its failures.
      chosen = firstMessages(store, extent, mask, 1, room, true);
      if (cost > 0) failures = undefined;
      cost = 0;
    }
    let fragment = extent;
    if (chosen === mask) {
      list.remove(extents, extent);
      store.wheel.cancel(extent);
    } else {
      fragment = store.split(extent, chosen);
    }
    const count = ext.popcount(chosen);
    const delivery = isGone ? 0 : store.nextDelivery();
    const deadline = isGone ? 0 : store.now + ttr;
    if (isGone) store.record(fragment, chosen, GONE);
    this.#bytes += store.emitMask(fragment, chosen, delivery, deadline, failures) + cost * count;
    if (isGone) store.drop(fragment);
    else queue.lease(fragment, count, this.#holder, delivery, deadline);
    return count;
  }
}

/** Whether a queue has something that may be handed out now. */
export const isServable = (queue: Queue): boolean =>
  queue.readyCount > 0 && !queue.paused && !isBraked(queue) && !mustStay(queue, queue.ready.head);

/** It has let a message through lately, and the next one has to wait. */
export const isBraked = ({ brake, store }: Queue): boolean => brake !== undefined && brake.openAt > store.now;

/** Whether the journal stands still, and handing out an extent would make a record. */
export const mustStay = ({ store, topic }: Queue, extent: number): boolean =>
  store.standstill !== undefined && !store.isDeliverable(extent, topic.config.autoAck);

/** Takes n messages off the front of a fresh extent, whose next entry is at `offset`. */
export const cutFront = (queue: Queue, extent: number, n: number, offset: number): void => {
  const { extents } = queue.store;
  const span = extents.get(extent, ext.SPAN);
  if (n === span) {
    queue.ready.remove(extents, extent);
    extents.free(extent);
    return;
  }
  extents.set(extent, ext.ID_LOW, extents.get(extent, ext.ID_LOW) + n);
  extents.set(extent, ext.SPAN, span - n);
  extents.set(extent, ext.BYTES, extents.get(extent, ext.BYTES) - (offset - extents.get(extent, ext.OFFSET)));
  extents.set(extent, ext.OFFSET, offset);
};

/** The first messages in `mask` that fit into `limit` and `room`, each with `extra` bytes; if `first`, one fits whatever its size. */
export const firstMessages = (
  store: Store,
  extent: number,
  mask: number,
  limit: number,
  room: number,
  first: boolean,
  extra = 0,
): number => {
  const { extents } = store;
  const { view } = store.pageOf(extent);
  const span = extents.get(extent, ext.SPAN);
  const idLow = extents.idLow(extent);
  let at = extents.get(extent, ext.OFFSET);
  let chosen = 0;
  let left = limit;
  let bytes = 0;
  for (let i = 0; i < span && left > 0; i++) {
    const size = WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
    const bit = 1 << ((idLow + i) & 31);
    if ((mask & bit) !== 0) {
      bytes += size + extra;
      if (bytes > room && (chosen !== 0 || !first)) break;
      chosen |= bit;
      left--;
    }
    at += size;
  }
  return chosen;
};
