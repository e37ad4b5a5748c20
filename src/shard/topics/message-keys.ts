/**
 * The keys of a topic's messages. A key is known until its message is done, or for the window that the publisher asked for; by
 * then another message may have it.
 *
 * Nothing is told of a message that ends: whether a message is done is looked up when somebody asks for its key, in the index of
 * messages. (A keyed message is always in fragments, so that the index finds it.) What is over goes when it is met: by whoever
 * asks for it, and by a hand that walks round the table a little whenever a key is added, and from time to time.
 */
import { Durability } from "../../protocol/op.js";
import type { DirectoryItem } from "../log/recorder.js";
import * as ext from "../messages/extent.js";
import type { Store } from "../messages/store.js";
import { KeyTable, NONE } from "./key-table.js";

export { NONE } from "./key-table.js";

/** What a key is looked through for: a topic, with its queues. */
export interface KeyedTopic {
  readonly name: string;
  readonly queues: ReadonlyMap<string, { readonly number: number }>;
}

/** Looks of the hand for each key that is added. A key costs a look for each queue that its message may be in. */
const LOOKS_PER_KEY = 4;

/** Looks before it is said that there are too many keys. */
const FULL_LOOKS = 4096;

/** Bytes of a part of a directory. */
const PART_BYTES = 16 * 1024;

/** Slots without such keys after which others have their turn. */
const PART_SLOTS = 512;

/** What is not recorded. */
const NOTHING: DirectoryItem = { entry: ["keys"], isRecorded: false, namedIn: 0 };

/** In a part, before the text of a key: its id, until when it is known, its `Durability`, the length of the text. */
const PART_ID = 0;
const PART_UNTIL = 8;
const PART_LEVEL = 16;
const PART_LENGTH = 17;
const PART_TEXT = 18;

export class MessageKeys {
  readonly table: KeyTable;
  /** Memory that is charged to the shard's account. */
  #charged = 0;
  /** The slot that the hand looks at next, and the slots that are left of a whole round. */
  #hand = 0;
  #left = 0;

  constructor(
    readonly topic: KeyedTopic,
    readonly store: Store,
  ) {
    this.table = new KeyTable(store.hashSecret);
    this.#charge();
  }

  get size(): number {
    return this.table.size;
  }

  /** The slot of the key [start, end) of `bytes`; NONE: it is not known. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const slot = this.table.find(bytes, start, end);
    if (slot === NONE || this.#isKnown(slot)) return slot;
    this.table.remove(slot);
    return NONE;
  }

  /** Adds a key that is not known, of a message that is being published. */
  begin(bytes: Uint8Array, start: number, end: number): number {
    const slot = this.table.add(bytes, start, end);
    this.#charge();
    return slot;
  }

  /** Whether so many more keys may be known. */
  hasRoom(keys: number, max: number): boolean {
    if (this.size + keys <= max) return true;
    this.#sweep(FULL_LOOKS);
    return this.size + keys <= max;
  }

  /** Keys were added: looks whether others are over. The slots may be numbered anew. */
  added(keys: number): void {
    this.#sweep(keys * LOOKS_PER_KEY);
    this.#tidy();
  }

  /** Goes on with a whole round, up to so many looks. True: it is complete. */
  sweep(looks: number): boolean {
    if (this.#left === 0) {
      this.#left = this.table.high;
      this.#hand = 0;
    }
    this.#sweep(looks);
    if (this.#left > 0) return false;
    this.#tidy();
    return true;
  }

  /** A message that was read back has a key. Of two, the later one has it. `until`: 0, or until when it is known. */
  restore(
    bytes: Uint8Array,
    start: number,
    end: number,
    idHigh: number,
    idLow: number,
    queue: number,
    isSeveral: boolean,
    level: number,
    until: number,
  ): void {
    const { table, store } = this;
    if (until > 0 && until <= store.now) return;
    const slot = table.find(bytes, start, end);
    if (slot === NONE) {
      table.set(table.add(bytes, start, end), idHigh, idLow, queue, isSeveral, level, until);
      return this.added(1);
    }
    const high = table.idHigh(slot);
    const low = table.idLow(slot);
    if (high === idHigh && low === idLow) this.#restoreAgain(slot, queue, isSeveral, level);
    else if (idHigh > high || (idHigh === high && idLow > low))
      table.set(slot, idHigh, idLow, queue, isSeveral, level, until);
  }

  /** The same message: its record is there several times, or a directory has its key as well. */
  #restoreAgain(slot: number, queue: number, isSeveral: boolean, level: number): void {
    const { table } = this;
    const known = table.queue(slot);
    const isAnother = known !== NONE && queue !== NONE && known !== queue;
    table.set(
      slot,
      table.idHigh(slot),
      table.idLow(slot),
      known === NONE ? queue : known,
      isSeveral || table.isSeveral(slot) || isAnother,
      Math.max(level, table.level(slot)),
      table.until(slot),
    );
  }

  /** Forgets all of them. */
  clear(): void {
    this.store.directoryBytes -= this.#charged;
    this.#charged = 0;
  }

  /** Whether the message of a key is in a queue. */
  isThere(slot: number): boolean {
    const { table, topic } = this;
    const idHigh = table.idHigh(slot);
    const idLow = table.idLow(slot);
    if (this.store.fragmentOf(table.queue(slot), idHigh, idLow) !== ext.NONE) return true;
    if (!this.#mayBeAnywhere(slot)) return false;
    for (const { number } of topic.queues.values()) {
      if (this.store.fragmentOf(number, idHigh, idLow) === ext.NONE) continue;
      table.setQueue(slot, number);
      return true;
    }
    return false;
  }

  /**
   * What a recovery restores them from, beside the messages: those that are known for a window, in parts, which can be written
   * one after another while keys are added. What is only in memory is left out.
   */
  *parts(): Iterable<DirectoryItem> {
    const { table, store, topic } = this;
    if (table.windowed === 0) return;
    let part = new Uint8Array(PART_BYTES);
    let used = 0;
    let { generation } = table;
    for (let slot = 0; slot < table.high; slot++) {
      const until = table.isUsed(slot) ? table.until(slot) : 0;
      if (until > store.now && table.level(slot) > Durability.memory) used = writePart(part, used, table, slot);
      const isFull = slot + 1 === table.high || used + PART_TEXT + 0xff > PART_BYTES;
      if (used > 0 && isFull) {
        yield { entry: ["keys", topic.name, part.subarray(0, used)], isRecorded: true, namedIn: 0 };
        part = new Uint8Array(PART_BYTES);
        used = 0;
      } else if (used === 0 && slot % PART_SLOTS === 0) {
        yield NOTHING;
      }
      if (generation === table.generation) continue;
      generation = table.generation;
      slot = -1;
    }
  }

  /** Takes over a part. */
  restorePart(part: Uint8Array): void {
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    for (let at = 0; at + PART_TEXT <= part.length; ) {
      const start = at + PART_TEXT;
      const end = start + view.getUint8(at + PART_LENGTH);
      const idHigh = view.getUint32(at + PART_ID);
      const idLow = view.getUint32(at + PART_ID + 4);
      const level = view.getUint8(at + PART_LEVEL);
      // Its message may be there as well, and says where.
      this.restore(part, start, end, idHigh, idLow, NONE, false, level, view.getFloat64(at + PART_UNTIL));
      at = end;
    }
  }

  /** Throws when a key is not found under its own text, or belongs to no message. For tests. */
  invariants(): void {
    const { table, topic } = this;
    let used = 0;
    for (let slot = 0; slot < table.high; slot++) {
      if (!table.isUsed(slot)) continue;
      used++;
      const text = table.text(slot).slice();
      if (table.find(text, 0, text.length) !== slot) throw new Error(`topic ${topic.name}: key ${slot} is not found`);
      if (table.level(slot) === 0) throw new Error(`topic ${topic.name}: key ${slot} has no message`);
    }
    if (used !== table.size) throw new Error(`topic ${topic.name}: ${table.size} keys, and ${used} in its table`);
    if (this.#charged !== table.bytes) throw new Error(`topic ${topic.name}: memory of its keys is not counted`);
  }

  /** Whether its message may be in any queue of the topic. */
  #mayBeAnywhere(slot: number): boolean {
    return this.table.isSeveral(slot) || this.table.queue(slot) === NONE;
  }

  #isKnown(slot: number): boolean {
    const { table } = this;
    // One that is being published.
    if (table.level(slot) === 0) return true;
    const until = table.until(slot);
    return until > 0 ? until > this.store.now : this.isThere(slot);
  }

  #sweep(max: number): void {
    const { table } = this;
    for (let looks = 0, slots = table.high; looks < max && slots > 0; slots--, looks++) {
      if (this.#hand >= table.high) this.#hand = 0;
      const slot = this.#hand++;
      if (this.#left > 0) this.#left--;
      if (!table.isUsed(slot)) continue;
      if (this.#mayBeAnywhere(slot)) looks += this.topic.queues.size;
      if (!this.#isKnown(slot)) table.remove(slot);
    }
  }

  #tidy(): void {
    this.table.shrink();
    this.#left = Math.min(this.#left, this.table.high);
    this.#charge();
  }

  #charge(): void {
    const { bytes } = this.table;
    this.store.directoryBytes += bytes - this.#charged;
    this.#charged = bytes;
  }
}

/** Appends a key to a part. Answers where the part ends. */
const writePart = (part: Uint8Array, used: number, table: KeyTable, slot: number): number => {
  const view = new DataView(part.buffer, used);
  const text = table.text(slot);
  view.setUint32(PART_ID, table.idHigh(slot));
  view.setUint32(PART_ID + 4, table.idLow(slot));
  view.setFloat64(PART_UNTIL, table.until(slot));
  view.setUint8(PART_LEVEL, table.level(slot));
  view.setUint8(PART_LENGTH, text.length);
  part.set(text, used + PART_TEXT);
  return used + PART_TEXT + text.length;
};

/** Those of a topic, from when a message with a key is published to it. */
export const keysOf = (topic: KeyedTopic & { keys: MessageKeys | undefined }, store: Store): MessageKeys => {
  topic.keys ??= new MessageKeys(topic, store);
  return topic.keys;
};
