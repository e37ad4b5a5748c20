/**
 * The last messages of a channel that is not kept, in memory: the backlog of subscribers that are behind, and the
 * channel's history.
 *
 * Each batch counts the subscribers whose next message it has, so that a publish costs nothing for each of those that lag:
 * when a batch is dropped its count passes to the next one. Only subscribers that must do something about it are named.
 */
import { Fifo } from "../../collections/fifo.js";
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";

/** Memory that a batch takes beside its entries. */
const BATCH_BYTES = 256;

export interface Batch {
  /** The position of its first message, and how many it has. */
  readonly first: number;
  readonly count: number;
  readonly entries: Uint8Array;
  readonly view: DataView;
  /** When it was published; milliseconds since 1970. */
  readonly time: number;
}

interface Slot<W> extends Batch {
  /** Subscribers whose next message is in it, or was in one before it. */
  readers: number;
  /** Those of them that are to be told when it goes; undefined: none. */
  watchers: Set<W> | undefined;
}

export interface WindowLimits {
  readonly messages: number;
  readonly bytes: number;
  /** Batches with this position and later ones stay. */
  readonly floor: number;
}

export class Window<W> {
  readonly #slots = new Fifo<Slot<W>>();
  #messages = 0;
  #entryBytes = 0;
  /** Where the next batch begins. */
  #end = 0;
  /** Readers that wait for the next batch, and those of them that watch. */
  #readersAtEnd = 0;
  #watchersAtEnd: Set<W> | undefined;
  /** Readers in all. */
  #readers = 0;

  /** `onDrop`: a batch goes that these may still need, with those that are behind it. */
  constructor(readonly onDrop: (watchers: ReadonlySet<W>, batch: Batch, rest: () => readonly Batch[]) => void) {}

  /** The position of the oldest message; `end` if there is none. */
  get first(): number {
    return this.#slots.at(0)?.first ?? this.#end;
  }

  get end(): number {
    return this.#end;
  }

  get messages(): number {
    return this.#messages;
  }

  get entryBytes(): number {
    return this.#entryBytes;
  }

  get readers(): number {
    return this.#readers;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#entryBytes + this.#slots.length * BATCH_BYTES;
  }

  has(position: number): boolean {
    return position >= this.first && position < this.#end;
  }

  /** A subscriber's next message is at `position`, or the oldest if that is gone. `watcher`: it is told when that goes. */
  enter(position: number, watcher: W | undefined): void {
    const slot = this.#slotAt(position);
    this.#readers++;
    if (slot === undefined) {
      this.#readersAtEnd++;
      if (watcher !== undefined) this.#watchersAtEnd = (this.#watchersAtEnd ?? new Set()).add(watcher);
      return;
    }
    slot.readers++;
    if (watcher !== undefined) slot.watchers = (slot.watchers ?? new Set()).add(watcher);
  }

  /** The subscriber that entered with this position moves on or goes. */
  leave(position: number, watcher: W | undefined): void {
    const slot = this.#slotAt(position);
    this.#readers--;
    if (slot === undefined) this.#readersAtEnd--;
    else slot.readers--;
    if (watcher !== undefined) (slot === undefined ? this.#watchersAtEnd : slot.watchers)?.delete(watcher);
  }

  /** Adds a batch that was published, and drops what is over the limits. */
  push(batch: Batch, limits: WindowLimits): void {
    if (this.#slots.length === 0) this.#end = batch.first;
    if (batch.first !== this.#end) throw new Error(`window: a batch at ${batch.first} behind ${this.#end}`);
    // Before it is added: what a subscriber keeps that loses the newest does not include it.
    this.#drop(limits, batch.count, batch.entries.length);
    this.#slots.push({ ...batch, readers: this.#readersAtEnd, watchers: this.#watchersAtEnd });
    this.#readersAtEnd = 0;
    this.#watchersAtEnd = undefined;
    this.#messages += batch.count;
    this.#entryBytes += batch.entries.length;
    this.#end = batch.first + batch.count;
    this.#drop(limits, 0, 0);
  }

  /** Drops batches that nobody reads, down to the history. */
  trim(historyMessages: number, historyBytes: number): void {
    for (let slot = this.#slots.at(0); slot !== undefined && slot.readers === 0; slot = this.#slots.at(0)) {
      if (this.#messages - slot.count < historyMessages && this.#entryBytes <= historyBytes) return;
      this.#shift(slot);
    }
  }

  /** Goes on with positions from `end` on; what there was is dropped. Nobody reads. */
  restart(end: number): void {
    if (this.#readers > this.#readersAtEnd) throw new Error("window: it is restarted while it is read");
    this.#slots.clear();
    this.#messages = 0;
    this.#entryBytes = 0;
    this.#end = end;
  }

  /** The batch with a position, which there must be. */
  batchAt(position: number): Batch {
    const slot = this.has(position) ? this.#slotAt(position) : undefined;
    if (slot === undefined) throw new Error(`window: there is no message ${position}`);
    return slot;
  }

  /** The position of the first message published at `time` or later; `end`: there is none. */
  positionOf(time: number): number {
    for (const { first, time: published } of this.#slots) if (published >= time) return first;
    return this.#end;
  }

  /** Throws when counters and data contradict one another. */
  invariants(): void {
    let messages = 0;
    let bytes = 0;
    let readers = this.#readersAtEnd;
    let at = this.first;
    for (const slot of this.#slots) {
      let count = 0;
      for (let i = 0; i < slot.entries.length; i += WORD_BYTES + (slot.view.getUint32(i) & SIZE_MASK)) count++;
      if (count !== slot.count || slot.first !== at)
        throw new Error(`window: a batch counts ${count}, not ${slot.count}`);
      at += count;
      messages += count;
      bytes += slot.entries.length;
      readers += slot.readers;
    }
    if (at !== this.#end || messages !== this.#messages || bytes !== this.#entryBytes || readers !== this.#readers) {
      throw new Error("window: counters contradict the batches");
    }
  }

  /** Drops the oldest batches until `count` more messages of `bytes` fit. */
  #drop(limits: WindowLimits, count: number, bytes: number): void {
    for (let slot = this.#slots.at(0); slot !== undefined; slot = this.#slots.at(0)) {
      if (this.#messages + count <= limits.messages && this.#entryBytes + bytes <= limits.bytes) return;
      if (slot.first + slot.count > limits.floor) return;
      const { watchers } = slot;
      if (watchers !== undefined && watchers.size > 0) this.onDrop(watchers, slot, () => [...this.#slots]);
      this.#shift(slot);
    }
  }

  #shift(slot: Slot<W>): void {
    this.#slots.shift();
    this.#messages -= slot.count;
    this.#entryBytes -= slot.entries.length;
    const next = this.#slots.at(0);
    if (next === undefined) this.#readersAtEnd += slot.readers;
    else next.readers += slot.readers;
  }

  /** The batch that the reader of a position is counted in; undefined: it waits for the next one. */
  #slotAt(position: number): Slot<W> | undefined {
    if (position >= this.#end) return undefined;
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#slots.at(middle) as Slot<W>).first <= position) low = middle + 1;
      else high = middle;
    }
    return this.#slots.at(Math.max(0, low - 1));
  }
}
