/**
 * Takes the messages of a PUBLISH that have keys. Those whose key is known are answered with the message that has it; so is a
 * second one of the same key in a batch. The others are taken together, or refused together unless they are taken one by one.
 */
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { skipKeys } from "../../protocol/keys.js";
import { MAX_BATCH_MESSAGES } from "../../protocol/limits.js";
import { DUPLICATE } from "../../protocol/op.js";
import type { Publish } from "../command.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { BatchAppender, Part } from "./batch-appender.js";
import type { KeyTable } from "./key-table.js";
import { keysOf, type MessageKeys, NONE } from "./message-keys.js";
import { addRefused, addTaken, type PublishFate, type Taken } from "./publish-fate.js";
import { isWhole, MAX_FAN_OUT } from "./publish-requests.js";
import type { Topic } from "./topic.js";

/** The queues that a batch goes to. Throws NO_ROUTE, TOO_MANY_MESSAGES. */
type Route = (topic: Topic, reached: readonly Queue[], c: Publish) => readonly Queue[];

const NO_QUEUES: readonly Queue[] = [];

export class KeyedPublisher {
  /** For each message the slot of its key, or NONE; and whether it is to be taken. */
  readonly #slots = new Int32Array(MAX_BATCH_MESSAGES);
  readonly #isNew = new Uint8Array(MAX_BATCH_MESSAGES);
  /** Of those that are to be taken: how many, in how many parts, the bytes of their entries; and of their keys. */
  #count = 0;
  #parts = 0;
  #bytes = 0;
  #keys = 0;
  #keyBytes = 0;
  /** Filled anew for each part. */
  readonly #part: Part = { first: 0, count: 0, start: 0, end: 0, keysStart: 0, keysEnd: 0 };

  constructor(
    readonly store: Store,
    readonly appender: BatchAppender,
    readonly route: Route,
  ) {}

  /**
   * Takes `count` messages from the `first` of a request on, whose entries begin at `start`, as far as they can be. Answers the
   * `Durability` that is promised of all of them.
   */
  take(
    topic: Topic,
    reached: readonly Queue[],
    c: Publish,
    start: number,
    first: number,
    count: number,
    fates: PublishFate[],
  ): number {
    const { log, before } = this.store;
    const { keysStart: begin = 0, keysEnd = 0 } = c;
    const keys = keysOf(topic, this.store);
    const growth = keys.table.growthFor(count, keysEnd - begin);
    const hindrance = widthOf(topic, c) ?? (growth > 0 ? this.appender.hindrance(growth) : undefined);
    if (hindrance !== undefined) {
      addRefused(fates, count, hindrance);
      return topic.level;
    }
    const keysStart = skipKeys(c.view, begin, first);
    const level = Math.max(topic.level, this.#take(topic, keys, reached, c, first, start, keysStart, count, fates));
    keys.added(this.#keys);
    // One answer is about both: it waits for the stronger promise.
    if (log.position > before && level > log.demand) log.demand = level;
    return level;
  }

  /** Answers the highest `Durability` of those that are known; 0: none is. */
  #take(
    topic: Topic,
    keys: MessageKeys,
    reached: readonly Queue[],
    c: Publish,
    first: number,
    start: number,
    keysStart: number,
    count: number,
    fates: PublishFate[],
  ): number {
    const known = this.#look(keys, c, start, keysStart, count);
    let queues = NO_QUEUES;
    let refusal: ProtocolError | undefined;
    try {
      if (this.#count > 0) queues = this.#assertRoom(topic, keys, reached, c);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refusal = error;
    }
    if (refusal === undefined) {
      // With numbers each part has a record of its own; otherwise a crash leaves all of them or none.
      const isTogether = this.#parts > 1 && (c.producer ?? "") === "";
      if (isTogether) this.#appendTogether(topic, keys, queues, c, start, keysStart, count, fates);
      else this.#append(topic, keys, queues, c, first, start, keysStart, count, fates);
      return known;
    }
    if (count === 1 || isWhole(c)) this.#refuse(keys, count, refusal, fates);
    else this.#takeEach(topic, keys, reached, c, first, start, keysStart, count, fates);
    return known;
  }

  /** As `#take`, one by one. What one of them displaces was known when the request came, and is to the others. */
  #takeEach(
    topic: Topic,
    keys: MessageKeys,
    reached: readonly Queue[],
    c: Publish,
    first: number,
    start: number,
    keysStart: number,
    count: number,
    fates: PublishFate[],
  ): void {
    const known = this.#known(keys, count);
    this.#takeBack(keys, count);
    let added = 0;
    for (let i = 0, at = start, key = keysStart; i < count; i++) {
      const fate = known[i];
      if (fate !== undefined) addTaken(fates, ...fate);
      else {
        this.#take(topic, keys, reached, c, first + i, at, key, 1, fates);
        added += this.#keys;
      }
      at += WORD_BYTES + (c.view.getUint32(at) & SIZE_MASK);
      key += 1 + c.view.getUint8(key);
    }
    this.#keys = added;
  }

  /** The fates of those whose key was known before the request came. */
  #known({ table }: MessageKeys, count: number): readonly (Taken | undefined)[] {
    const known: (Taken | undefined)[] = [];
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[i] as number;
      const wasKnown = this.#isNew[i] === 0 && table.level(slot) > 0;
      known.push(wasKnown ? [1, table.idHigh(slot), table.idLow(slot), table.level(slot) | DUPLICATE] : undefined);
    }
    return known;
  }

  /** Finds out which of them are to be taken, and gives their keys a slot. Answers as `#take`. */
  #look(keys: MessageKeys, c: Publish, start: number, keysStart: number, count: number): number {
    const { view, bytes } = c;
    const { table } = keys;
    let level = 0;
    let wasNew = 0;
    this.#count = 0;
    this.#parts = 0;
    this.#bytes = 0;
    this.#keys = 0;
    this.#keyBytes = 0;
    for (let i = 0, at = start, key = keysStart; i < count; i++) {
      const size = WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
      const end = key + 1 + view.getUint8(key);
      let slot = NONE;
      let isNew = 1;
      if (end > key + 1) {
        slot = keys.find(bytes, key + 1, end);
        if (slot === NONE) {
          slot = keys.begin(bytes, key + 1, end);
          this.#keys++;
          this.#keyBytes += end - key;
        } else {
          isNew = 0;
          level = Math.max(level, table.level(slot));
        }
      }
      this.#slots[i] = slot;
      this.#isNew[i] = isNew;
      if (isNew === 1) {
        this.#count++;
        this.#bytes += size;
        if (wasNew === 0) this.#parts++;
      }
      wasNew = isNew;
      at += size;
      key = end;
    }
    return level;
  }

  /** Throws unless there is room for those that are to be taken. Answers the queues that they go to. */
  #assertRoom(topic: Topic, keys: MessageKeys, reached: readonly Queue[], c: Publish): readonly Queue[] {
    const { maxKeys } = topic.config;
    // They are among those that it knows by now.
    if (this.#keys > 0 && !keys.hasRoom(0, maxKeys)) {
      throw new ProtocolError("TOO_MANY_KEYS", `topic ${topic.name} knows its maximum of ${maxKeys} keys`);
    }
    const queues = this.route(topic, reached, c);
    this.appender.assertRoom(topic, queues, c, this.#count, this.#bytes, this.#parts, this.#keyBytes);
    return queues;
  }

  /** Takes those that are to be taken, part by part, and tells the fate of all. */
  #append(
    topic: Topic,
    keys: MessageKeys,
    queues: readonly Queue[],
    c: Publish,
    first: number,
    start: number,
    keysStart: number,
    count: number,
    fates: PublishFate[],
  ): void {
    const { table } = keys;
    const part = this.#part;
    for (let i = 0, at = start, key = keysStart; i < count; ) {
      const slot = this.#slots[i] as number;
      part.first = first + i;
      part.start = at;
      part.keysStart = key;
      let n = 0;
      for (; i + n < count && this.#isNew[i + n] === this.#isNew[i]; n++) {
        at += WORD_BYTES + (c.view.getUint32(at) & SIZE_MASK);
        key += 1 + c.view.getUint8(key);
        if (this.#isNew[i] === 0) break;
      }
      if (this.#isNew[i] === 0) {
        addDuplicate(fates, table, slot);
        i++;
        continue;
      }
      part.count = n;
      part.end = at;
      part.keysEnd = key;
      this.#appendPart(topic, keys, queues, c, part, i, fates);
      i += n;
    }
  }

  /** As `#append`, with all that are to be taken in one part. */
  #appendTogether(
    topic: Topic,
    keys: MessageKeys,
    queues: readonly Queue[],
    c: Publish,
    start: number,
    keysStart: number,
    count: number,
    fates: PublishFate[],
  ): void {
    const { table } = keys;
    const isNew = this.#isNew.subarray(0, count);
    const { bytes, entries } = gathered(c, start, keysStart, isNew);
    const view = new DataView(bytes.buffer);
    const part = { first: 0, count: this.#count, start: entries, end: bytes.length, keysStart: 0, keysEnd: entries };
    this.appender.append(topic, queues, { ...c, bytes, view }, part);
    const { high, low } = this.appender.ids;
    for (let i = 0, taken = 0; i < count; i++) {
      const slot = this.#slots[i] as number;
      if (isNew[i] === 0) {
        addDuplicate(fates, table, slot);
        continue;
      }
      this.#know(topic, table, queues, c, slot, high, low + taken);
      addTaken(fates, 1, high, low + taken, topic.level);
      taken++;
    }
  }

  /** Says which message a key is of, if there is one. */
  #know(
    topic: Topic,
    table: KeyTable,
    queues: readonly Queue[],
    { keyWindow = 0 }: Publish,
    slot: number,
    idHigh: number,
    idLow: number,
  ): void {
    if (slot === NONE) return;
    const until = keyWindow > 0 ? this.store.now + keyWindow : 0;
    table.set(slot, idHigh, idLow, queues[0]?.number ?? NONE, queues.length > 1, topic.level, until);
  }

  /** Takes one part, the first message of which is the `at`-th that was looked at. */
  #appendPart(
    topic: Topic,
    { table }: MessageKeys,
    queues: readonly Queue[],
    c: Publish,
    part: Readonly<Part>,
    at: number,
    fates: PublishFate[],
  ): void {
    this.appender.append(topic, queues, c, part);
    const { high, low } = this.appender.ids;
    for (let i = 0; i < part.count; i++) {
      this.#know(topic, table, queues, c, this.#slots[at + i] as number, high, low + i);
    }
    addTaken(fates, part.count, high, low, topic.level);
  }

  /** Tells the fate of those that are known, and of the others that they are refused. */
  #refuse(keys: MessageKeys, count: number, refusal: ProtocolError, fates: PublishFate[]): void {
    const { table } = keys;
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[i] as number;
      // A second one of a key goes the way of the first.
      if (this.#isNew[i] === 1 || table.level(slot) === 0) addRefused(fates, 1, refusal);
      else addDuplicate(fates, table, slot);
    }
    this.#takeBack(keys, count);
    this.#keys = 0;
  }

  /** Forgets the keys that were given a slot. */
  #takeBack({ table }: MessageKeys, count: number): void {
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[i] as number;
      if (this.#isNew[i] === 1 && slot !== NONE) table.remove(slot);
    }
  }
}

/** It has the fate of the message that has its key. */
const addDuplicate = (fates: PublishFate[], table: KeyTable, slot: number): void =>
  addTaken(fates, 1, table.idHigh(slot), table.idLow(slot), table.level(slot) | DUPLICATE);

/** Whether a key is known may have to be looked up in each queue of the topic: TOO_MANY_MESSAGES if that is too much. */
const widthOf = (topic: Topic, { count }: Publish): ProtocolError | undefined => {
  if (!topic.isPattern || count * topic.queues.size <= MAX_FAN_OUT) return undefined;
  const max = Math.floor(MAX_FAN_OUT / topic.queues.size);
  return new ProtocolError(
    "TOO_MANY_MESSAGES",
    `topic ${topic.name} has ${topic.queues.size} queues: a batch with keys may have ${max} messages`,
  );
};

/** The keys of some messages of a request, and their entries behind them. */
const gathered = (
  { bytes, view }: Publish,
  start: number,
  keysStart: number,
  isWanted: Uint8Array,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly entries: number } => {
  const keys: Uint8Array[] = [];
  const bodies: Uint8Array[] = [];
  let size = 0;
  let entries = 0;
  let at = start;
  let key = keysStart;
  for (const wanted of isWanted) {
    const next = at + WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
    const nextKey = key + 1 + view.getUint8(key);
    if (wanted === 1) {
      keys.push(bytes.subarray(key, nextKey));
      bodies.push(bytes.subarray(at, next));
      entries += nextKey - key;
      size += nextKey - key + next - at;
    }
    at = next;
    key = nextKey;
  }
  const all = new Uint8Array(size);
  let to = 0;
  for (const piece of [...keys, ...bodies]) {
    all.set(piece, to);
    to += piece.length;
  }
  return { bytes: all, entries };
};
