/**
 * LOOKUP: finds a message by its id, in any queue of its topic, and shows it. Fragments are found through the index; a message
 * that was never delivered may be anywhere among the ready ones, to which this walks in steps.
 */
import { SIZE_MASK, skipEntries, WORD_BYTES } from "../../protocol/entry.js";
import { readText } from "../../protocol/text.js";
import type { MessageState } from "../command.js";
import * as record from "../log/record.js";
import * as ext from "./extent.js";
import type { Cursor } from "./extent-list.js";
import type { Queue } from "./queue.js";
import { deliveryOf, timeOf } from "./shown.js";
import type { Store } from "./store.js";

/** A message in a queue: the bind key, the state, retry, reason, delivery and time, as BROWSE has them. */
export type FoundCopy = [string, MessageState, number, number, number, number];

/** The same, and the failures, as src/protocol/failure.ts lays them out, the client that holds it, and that one's connection, or 0. */
export type ToldCopy = [...FoundCopy, Uint8Array, string, number];

/** The id, the publisher's route key, the entry, and the copies. */
export type Found = [number, number, string, Uint8Array, readonly (FoundCopy | ToldCopy)[]];

/** Bytes of copies that are told: with the largest message they fit into a frame. */
const COPIES_BYTES = 32 * 1024;
/** Of a copy without its bind key, at most. */
const COPY_BYTES = 40;

const NO_FAILURES = new Uint8Array(0);

const STATES: Readonly<Record<number, MessageState>> = {
  [ext.State.READY]: "ready",
  [ext.State.DELAYED]: "delayed",
  [ext.State.IN_FLIGHT]: "in-flight",
  [ext.State.DEAD]: "dead",
};

export class LookupCursor {
  /** Extents that the last `advance` looked at. */
  looks = 0;
  /** The queue that it is in. */
  #at = 0;
  #cursor: Cursor | undefined;
  /** By queue, the fresh extent that had the message when it came by; NONE: none. */
  readonly #fresh: number[] = [];

  constructor(
    readonly store: Store,
    readonly queues: readonly Queue[],
    readonly idHigh: number,
    readonly idLow: number,
    /** The message is in fragments, wherever it is: it has a key. */
    readonly isKeyed = false,
  ) {}

  /** Walks on, up to `max` extents. False: it is not at the end yet. */
  advance(max: number): boolean {
    const { extents } = this.store;
    this.looks = 0;
    for (; this.#at < this.queues.length; this.#at++) {
      const queue = this.queues[this.#at] as Queue;
      let fresh = ext.NONE;
      if (!this.isKeyed && this.store.fragmentOf(queue.number, this.idHigh, this.idLow) === ext.NONE) {
        this.#cursor ??= queue.ready.openCursor();
        while (this.#cursor.at !== ext.NONE && !this.#isIn(this.#cursor.at)) {
          if (this.looks++ >= max) return false;
          this.#cursor.at = extents.get(this.#cursor.at, ext.NEXT);
        }
        fresh = this.#cursor.at;
      }
      this.close();
      this.#fresh.push(fresh);
      this.looks++;
    }
    return true;
  }

  /** To be called when it is not used any more. */
  close(): void {
    if (this.#cursor !== undefined) this.queues[this.#at]?.ready.closeCursor(this.#cursor);
    this.#cursor = undefined;
  }

  /** What there is at its end; null: no such message. `withHistory`: with the failures, and who holds it. */
  found(withHistory = false): Found | null {
    const { store, idHigh, idLow } = this;
    const copies: (FoundCopy | ToldCopy)[] = [];
    let room = COPIES_BYTES;
    let shown = ext.NONE;
    for (const [i, queue] of this.queues.entries()) {
      const extent = this.#extentIn(queue, this.#fresh[i] ?? ext.NONE);
      if (extent === ext.NONE) continue;
      shown = extent;
      room -= COPY_BYTES + 3 * queue.bindKey.length;
      const failures = (withHistory && store.failuresOf(extent)) || NO_FAILURES;
      room -= failures.length;
      if (room < 0 && copies.length > 0) continue;
      const copy = copyOf(store, queue, extent);
      copies.push(withHistory ? [...copy, failures, ...holderOf(store, extent)] : copy);
    }
    if (shown === ext.NONE) return null;
    const entry = entryOf(store, shown, idLow);
    store.emitted += entry.length;
    return [idHigh, idLow, routeKeyOf(store, shown), entry, copies];
  }

  /** The extent of a queue that has the message now. It may have left the one that it was in. */
  #extentIn(queue: Queue, fresh: number): number {
    const { extents } = this.store;
    const fragment = this.store.fragmentOf(queue.number, this.idHigh, this.idLow);
    if (fragment !== ext.NONE || fresh === ext.NONE) return fragment;
    const isStill = extents.state(fresh) === ext.State.READY && extents.get(fresh, ext.QUEUE) === queue.number;
    return isStill && this.#isIn(fresh) ? fresh : ext.NONE;
  }

  /** Whether a fresh extent has the message. */
  #isIn(extent: number): boolean {
    const { extents } = this.store;
    if (extents.isFragment(extent) || extents.idHigh(extent) !== this.idHigh) return false;
    const first = extents.idLow(extent);
    return this.idLow >= first && this.idLow < first + extents.get(extent, ext.SPAN);
  }
}

const copyOf = (store: Store, queue: Queue, extent: number): FoundCopy => {
  const { extents } = store;
  const state = STATES[extents.state(extent)] ?? "ready";
  const told = [
    extents.retry(extent),
    extents.reason(extent),
    deliveryOf(store, extent),
    timeOf(store, extent),
  ] as const;
  return [queue.bindKey, state, ...told];
};

/** The client that has a message in flight, and its connection; a popped one has neither. */
const holderOf = ({ extents, holders }: Store, extent: number): [string, number] => {
  const isHeld = extents.state(extent) === ext.State.IN_FLIGHT;
  const holder = isHeld ? holders[extents.get(extent, ext.HOLDER) - 1] : undefined;
  return holder === undefined ? ["", 0] : [holder.client, holder.connection.number];
};

const entryOf = (store: Store, extent: number, idLow: number): Uint8Array => {
  const { extents } = store;
  const { bytes, view } = store.pageOf(extent);
  const at = skipEntries(view, extents.get(extent, ext.OFFSET), idLow - extents.idLow(extent));
  return bytes.subarray(at, at + WORD_BYTES + (view.getUint32(at) & SIZE_MASK));
};

const routeKeyOf = (store: Store, extent: number): string => {
  const { bytes, view } = store.pageOf(extent);
  const at = store.extents.get(extent, ext.RECORD);
  const start = at + record.NAMES + view.getUint8(at + record.TOPIC_LENGTH);
  return readText(bytes, start, start + view.getUint8(at + record.KEY_LENGTH));
};
