/** Sends subscribers what they have missed: out of the window, the log, the conflation, or what they have saved. */
import { skipEntries } from "../../protocol/entry.js";
import * as ext from "../messages/extent.js";
import type { Store } from "../messages/store.js";
import type { StoredChannel } from "../topics/stored-channel.js";
import type { ChannelSubscriber } from "./channel.js";
import { Source } from "./subscriber.js";
import type { Batch } from "./window.js";

/** Bytes of a frame out of the log, unless one batch is longer. */
const FRAME_BYTES = 256 * 1024;

/** What a frame has beside its entries: its header, and a head with the longest name. */
const HEAD_BYTES = 512;

export class CatchUp {
  /** Bytes of entries that fit into a frame, and how many a frame out of the log should have. */
  readonly #room: number;
  readonly #frameBytes: number;
  /** Of the last `#fit`: how many entries, and where they end. */
  #count = 0;
  #stop = 0;

  constructor(
    readonly store: Store,
    maxFrameBytes: number,
    /** A subscriber has lost messages and has chosen to be disconnected. */
    readonly onSlow: (subscriber: ChannelSubscriber) => void,
  ) {
    this.#room = maxFrameBytes - HEAD_BYTES;
    this.#frameBytes = Math.min(FRAME_BYTES, this.#room);
  }

  /** Sends a subscriber about `max` bytes, if it can take them. Answers how many it was sent. */
  send(subscriber: ChannelSubscriber, max: number): number {
    const { channel } = subscriber;
    if (subscriber.isCurrent || !subscriber.canTake) return 0;
    if (!this.#skipLost(subscriber) || subscriber.isCurrent) return 0;
    if (subscriber.cursor === channel.next && subscriber.source !== Source.SAVED) {
      channel.place(subscriber, subscriber.cursor);
      return 0;
    }
    switch (subscriber.source) {
      case Source.WINDOW:
        return this.#sendWindow(subscriber, max);
      case Source.SAVED:
        return this.#sendSaved(subscriber, max);
      case Source.CONFLATION:
        return this.#sendLatest(subscriber, max);
      default:
        return this.#sendLog(subscriber, max);
    }
  }

  /** Whether what a subscriber is to be sent must be read back from disk. */
  isOnDisk(subscriber: ChannelSubscriber): boolean {
    const { stored } = subscriber.channel;
    if (subscriber.source !== Source.LOG || stored === undefined || !subscriber.canTake) return false;
    const extent = this.#extentOf(subscriber, stored);
    return extent !== ext.NONE && !this.#isLoaded(extent);
  }

  #isLoaded(extent: number): boolean {
    const { extents, log } = this.store;
    return log.pages.list[extents.get(extent, ext.PAGE)]?.isLoaded ?? false;
  }

  /** Moves a subscriber on to what there is, and tells how much it has lost. False: it is disconnected for that. */
  #skipLost(subscriber: ChannelSubscriber): boolean {
    const { channel, source, cursor } = subscriber;
    if (source === Source.WINDOW && channel.window.end <= cursor && cursor < channel.next) {
      // The channel has been kept from there on.
      channel.place(subscriber, cursor);
    }
    const isWindow = subscriber.source === Source.WINDOW;
    if (isWindow || subscriber.source === Source.LOG) {
      const first = isWindow ? channel.window.first : channel.first;
      if (cursor < first) {
        if (subscriber.overflow === "disconnect") {
          this.onSlow(subscriber);
          return false;
        }
        subscriber.lost += first - cursor;
        channel.dropped += first - cursor;
        channel.move(subscriber, first, 0);
        subscriber.extent = ext.NONE;
        subscriber.batch = undefined;
      }
    } else if (subscriber.source === Source.CONFLATION) {
      subscriber.lost += channel.conflation?.lostFrom(cursor) ?? 0;
    }
    channel.tellLost(subscriber);
    return true;
  }

  #sendWindow(subscriber: ChannelSubscriber, max: number): number {
    const { channel } = subscriber;
    const { window } = channel;
    let sent = 0;
    while (
      subscriber.source === Source.WINDOW &&
      window.has(subscriber.cursor) &&
      sent < max &&
      subscriber.credit > 0
    ) {
      sent += this.#sendBatch(subscriber, window.batchAt(subscriber.cursor));
    }
    return sent;
  }

  #sendSaved(subscriber: ChannelSubscriber, max: number): number {
    const { saved } = subscriber;
    let sent = 0;
    if (saved === undefined) throw new Error("channel: a subscriber has saved nothing");
    const end = saved.batches.length === 0 ? subscriber.cursor : saved.end;
    while (subscriber.cursor < end && sent < max && subscriber.credit > 0) {
      sent += this.#sendBatch(subscriber, batchOf(saved.batches, subscriber.cursor));
    }
    if (subscriber.source === Source.SAVED && subscriber.cursor >= end) {
      subscriber.channel.endSaved(subscriber, end);
      subscriber.channel.tellLost(subscriber);
    }
    return sent;
  }

  /** Sends as much of a batch as the credit allows. */
  #sendBatch(subscriber: ChannelSubscriber, batch: Batch): number {
    const { channel, cursor, credit } = subscriber;
    const isBegun = subscriber.batch === batch;
    const start = isBegun ? subscriber.offset : skipEntries(batch.view, 0, cursor - batch.first);
    const rest = batch.first + batch.count - cursor;
    const count = Math.min(rest, credit);
    const end = count === rest ? batch.entries.length : skipEntries(batch.view, start, count);
    this.#emit(subscriber, cursor, batch.entries, start, end, count, 0, 0, cursor + count <= channel.durable);
    channel.move(subscriber, cursor + count, end - start);
    if (count < rest && !subscriber.isCurrent) {
      subscriber.batch = batch;
      subscriber.offset = end;
    }
    return end - start;
  }

  #sendLatest(subscriber: ChannelSubscriber, max: number): number {
    const { channel } = subscriber;
    let sent = 0;
    let latest = channel.conflation?.from(subscriber.cursor);
    let cursor = subscriber.cursor;
    const durable = channel.durable;
    for (; latest !== undefined && sent < max && subscriber.credit > 0; latest = latest.next) {
      const { entry, position, idHigh, idLow } = latest;
      this.#emit(subscriber, position, entry, 0, entry.length, 1, idHigh, idLow, position < durable);
      sent += entry.length;
      cursor = position + 1;
    }
    channel.move(subscriber, latest === undefined ? channel.next : cursor, sent);
    return sent;
  }

  #emit(
    subscriber: ChannelSubscriber,
    position: number,
    entries: Uint8Array,
    start: number,
    end: number,
    count: number,
    idHigh: number,
    idLow: number,
    isDurable: boolean,
  ): void {
    const { effects } = this.store;
    subscriber.credit -= count;
    effects.openChannel(subscriber.audience, subscriber.channel.name, position, idHigh, idLow, isDurable);
    effects.channelEntries(entries, start, end);
    effects.closeChannel();
  }

  // --- out of the log ------------------------------------------------------------------------------------------------

  #sendLog(subscriber: ChannelSubscriber, max: number): number {
    const { channel } = subscriber;
    const { stored } = channel;
    if (stored === undefined) throw new Error(`channel ${channel.name} is read from the log and not kept`);
    const { pages } = this.store.log;
    const scans = pages.scans;
    let sent = 0;
    let { extent, offset } = this.#locate(subscriber, stored);
    while (extent !== ext.NONE && sent < max && subscriber.credit > 0) {
      this.#skipTo(subscriber, stored.index.positionOf(extent));
      const frame = this.#sendFrame(subscriber, stored, extent, offset);
      sent += frame;
      // What is read back from disk takes a while: others have their turn then, and before that.
      if (pages.scans !== scans || this.isOnDisk(subscriber)) break;
      ({ extent, offset } = this.#locate(subscriber, stored));
    }
    // What is published from now on is behind what was published while the channel was not kept.
    if (extent === ext.NONE) this.#skipTo(subscriber, channel.next);
    const { cursor } = subscriber;
    channel.move(subscriber, cursor, sent);
    return sent;
  }

  /** Passes over messages that are not in the log: the channel was not kept for a while. */
  #skipTo(subscriber: ChannelSubscriber, position: number): void {
    const gap = position - subscriber.cursor;
    if (gap <= 0) return;
    subscriber.lost += gap;
    subscriber.cursor = position;
    subscriber.channel.tellLost(subscriber);
  }

  /** Sends one frame from `offset` of an extent on: consecutive messages, as long as all are in memory. */
  #sendFrame(subscriber: ChannelSubscriber, stored: StoredChannel, first: number, start: number): number {
    const { extents, log, effects } = this.store;
    const { index } = stored;
    const { durable } = subscriber.channel;
    const skipped = subscriber.cursor - index.positionOf(first);
    const isDurable = index.positionOf(first) + extents.get(first, ext.SPAN) <= durable;
    const idLow = extents.idLow(first) + skipped;
    effects.openChannel(subscriber.audience, stored.name, subscriber.cursor, extents.idHigh(first), idLow, isDurable);
    let bytes = 0;
    let extent = first;
    let offset = start;
    for (;;) {
      const page = log.pages.scan(extents.get(extent, ext.PAGE));
      const rest = index.positionOf(extent) + extents.get(extent, ext.SPAN) - subscriber.cursor;
      const end = extents.get(extent, ext.OFFSET) + extents.get(extent, ext.BYTES);
      this.#fit(page.view, offset, end, rest, subscriber.credit);
      const count = this.#count;
      const stop = this.#stop;
      effects.channelEntries(page.bytes, offset, stop);
      bytes += stop - offset;
      subscriber.credit -= count;
      subscriber.cursor += count;
      subscriber.extent = extent;
      subscriber.rest = end - stop;
      const next = extents.get(extent, ext.NEXT);
      if (count < rest || subscriber.credit === 0 || next === ext.NONE) break;
      if (bytes + extents.get(next, ext.BYTES) > this.#frameBytes) break;
      if (!this.#continues(stored, extent, next, durable, isDurable)) break;
      extent = next;
      offset = extents.get(extent, ext.OFFSET);
    }
    effects.closeChannel();
    return bytes;
  }

  /**
   * How many of the `rest` entries in [start, end) can be sent: those that there is credit for, and that fit into a frame,
   * at least one. All do but when a broker is started with smaller frames than the one that took the batch.
   */
  #fit(view: DataView, start: number, end: number, rest: number, credit: number): void {
    this.#count = rest;
    this.#stop = end;
    if (rest <= credit && end - start <= this.#room) return;
    const max = Math.min(rest, credit);
    this.#stop = skipEntries(view, start, 1);
    for (this.#count = 1; this.#count < max; this.#count++) {
      const next = skipEntries(view, this.#stop, 1);
      if (next - start > this.#room) return;
      this.#stop = next;
    }
  }

  /** Whether an extent can be in the same frame as the one before it. */
  #continues(stored: StoredChannel, extent: number, next: number, durable: number, isDurable: boolean): boolean {
    const { extents } = this.store;
    const span = extents.get(extent, ext.SPAN);
    const position = stored.index.positionOf(next);
    return (
      extents.get(next, ext.ID_HIGH) === extents.get(extent, ext.ID_HIGH) &&
      extents.idLow(next) === extents.idLow(extent) + span &&
      position === stored.index.positionOf(extent) + span &&
      position + extents.get(next, ext.SPAN) <= durable === isDurable &&
      this.#isLoaded(next)
    );
  }

  /** The extent with a subscriber's next message, or the first behind that, and where its entry begins. */
  #locate(subscriber: ChannelSubscriber, stored: StoredChannel): { extent: number; offset: number } {
    const { extents, log } = this.store;
    const { cursor } = subscriber;
    const extent = this.#extentOf(subscriber, stored);
    if (extent === ext.NONE) return { extent, offset: 0 };
    const start = extents.get(extent, ext.OFFSET);
    const skip = cursor - stored.index.positionOf(extent);
    if (extent === subscriber.extent && skip >= 0) {
      return { extent, offset: start + extents.get(extent, ext.BYTES) - subscriber.rest };
    }
    if (skip <= 0) return { extent, offset: start };
    return { extent, offset: skipEntries(log.pages.scan(extents.get(extent, ext.PAGE)).view, start, skip) };
  }

  /** The extent with a subscriber's next message, or the first behind that. */
  #extentOf({ extent, cursor }: ChannelSubscriber, stored: StoredChannel): number {
    const { extents } = this.store;
    const { index, queue } = stored;
    if (extent !== ext.NONE && this.#isOf(extent, stored)) {
      const first = index.positionOf(extent);
      const end = first + extents.get(extent, ext.SPAN);
      if (cursor >= first && cursor < end) return extent;
      if (cursor === end) return extents.get(extent, ext.NEXT);
    }
    return index.find(cursor, queue.ready.head);
  }

  /** Whether an extent that a subscriber was in is still the channel's: numbers are used again. */
  #isOf(extent: number, stored: StoredChannel): boolean {
    const { extents } = this.store;
    if (extent >= extents.high || extents.state(extent) !== ext.State.READY) return false;
    return extents.get(extent, ext.QUEUE) === stored.queue.number && !extents.isFragment(extent);
  }
}

/** The batch with a position, of batches without gaps. */
const batchOf = (batches: readonly Batch[], position: number): Batch => {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((batches[middle] as Batch).first <= position) low = middle + 1;
    else high = middle;
  }
  return batches[low - 1] as Batch;
};
