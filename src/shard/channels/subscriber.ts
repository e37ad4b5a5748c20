/** A subscription: how far it has come, how much it may be sent, and from where it gets what it has missed. */
import type { Overflow } from "../../protocol/subscribe-options.js";
import type { ConnectionEntry } from "../consumers/consumer.js";
import type { Batch } from "./window.js";

/**
 * Where a subscriber's next message comes from: from the publisher, since it is not behind; from the channel's window, its
 * log or its conflation; or from the batches that it has kept before it began to lose the newest.
 */
export const Source = { CURRENT: 0, WINDOW: 1, LOG: 2, CONFLATION: 3, SAVED: 4 } as const;

/** Batches that subscribers keep which lose the newest: shared by those that began to lose them together. */
export interface SavedBatches {
  readonly batches: readonly Batch[];
  /** Behind the last of them. */
  readonly end: number;
  readonly bytes: number;
  holders: number;
}

/** `C`: its channel. */
export class Subscriber<C> {
  source: number = Source.CURRENT;
  /** The position of its next message, while it is behind. */
  cursor = 0;
  /** Messages that it may be sent; Infinity: no limit. */
  credit = Number.POSITIVE_INFINITY;
  /** Messages that it has lost and not been told of. */
  lost = 0;
  /** It has had all there was at least once: from now on `conflate` and `block` hold for it. */
  isFollowing = false;
  /** It is among those that are being sent what they have missed. */
  isQueued = false;
  /** The subscription has ended. */
  isOver = false;
  /** While it is behind: the bytes that the channel had published before `cursor`. */
  mark = 0;
  saved: SavedBatches | undefined;
  /** A batch of which it has had a part, and where the rest of the entries begins. */
  batch: Batch | undefined;
  offset = 0;
  /** The extent of the log in which it is, and the bytes of that behind it; -1: to be found. */
  extent = -1;
  rest = 0;
  /** Itself, as an audience. */
  readonly audience: readonly number[];

  constructor(
    readonly channel: C,
    readonly connection: ConnectionEntry,
    public overflow: Overflow,
  ) {
    this.audience = [connection.number];
  }

  get isCurrent(): boolean {
    return this.source === Source.CURRENT;
  }

  /** Its connection and its credit accept messages. */
  get canTake(): boolean {
    return this.credit > 0 && !this.connection.isOnHold && !this.isOver;
  }

  /** It waits for nobody: what is published goes to it at once. */
  get isUnlimited(): boolean {
    return this.credit === Number.POSITIVE_INFINITY;
  }
}
