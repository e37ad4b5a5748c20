/**
 * FIND: looks through the messages of a queue for those that meet conditions, in steps, and changes nothing. It answers as soon as
 * a step has found some, and at the latest when it has looked at so many that its client should say whether to go on.
 */
import { SIZE_MASK, skipEntries, WORD_BYTES } from "../../protocol/entry.js";
import { MAX_FIND_BYTES, MAX_FIND_MESSAGES } from "../../protocol/limits.js";
import { FAILURES_LENGTH_BYTES } from "../../protocol/run.js";
import type { Find } from "../command.js";
import type { Page } from "../log/page.js";
import * as record from "../log/record.js";
import * as ext from "./extent.js";
import { type Cursor, ExtentList } from "./extent-list.js";
import { FindPosition, readPosition } from "./find-position.js";
import { MessageFilter } from "./message-filter.js";
import { ALL_STATES } from "./purge.js";
import type { Queue } from "./queue.js";
import type { Holder } from "./queue-context.js";
import { deliveryOf, timeOf } from "./shown.js";
import type { Store } from "./store.js";

/** What costs as much as looking at extents: looking at a message, so many bytes of it, and so many of a page that is read back. */
const MESSAGE_LOOKS = 8;
const LOOK_BYTES = 16;
const LOOK_PAGE_BYTES = 64;

const NOBODY = new ExtentList();

const IN_FLIGHT = ALL_STATES.indexOf("in-flight");

/** Messages that were found: of a fragment those in `mask`, else `count` from `idLow` on, whose entries are [start, end). */
interface Piece {
  readonly extent: number;
  mask: number;
  readonly idLow: number;
  count: number;
  readonly start: number;
  end: number;
  readonly failures: Uint8Array | undefined;
}

export class FindCursor {
  /** What the last `advance` has cost, in extents looked at. */
  looks = 0;
  /** Messages, and bytes of entries, that were looked at. */
  scanned = 0;
  scannedBytes = 0;
  readonly #store: Store;
  readonly #queue: Queue;
  readonly #command: Find;
  readonly #filter: MessageFilter;
  readonly #position: FindPosition;
  #list: ExtentList | undefined;
  #cursor: Cursor | undefined;
  /** Consumers that held messages when those in flight were begun with, by their numbers. */
  #holders: Holder[] | undefined;
  readonly #found: Piece[] = [];
  /** Of what was found. */
  #count = 0;
  #bytes = 0;
  #isFull = false;
  /** Messages that had been looked at when this step began: each step looks at one at least, or at part of it. */
  #before = 0;
  /** The id of the message that was looked at last, perhaps in part. */
  #partHigh = 0;
  #partLow = 0;

  /** Throws BAD_HEAD, CURSOR_LOST. */
  constructor(store: Store, queue: Queue, c: Find) {
    this.#store = store;
    this.#queue = queue;
    this.#command = c;
    this.#filter = new MessageFilter(c.conditions);
    if (c.after !== "") {
      this.#position = readPosition(c.after, store.life, c.state);
    } else {
      this.#position = new FindPosition();
      if (c.state !== "all") this.#position.enter(ALL_STATES.indexOf(c.state));
    }
  }

  /** Looks on, at about as much as costs `max` extents. False: it has found nothing yet and may look further. */
  advance(max: number): boolean {
    const { extents } = this.#store;
    this.looks = 0;
    this.#before = this.scanned;
    for (;;) {
      const cursor = this.#here();
      if (cursor === undefined) return true;
      this.looks++;
      if (!this.#scan(cursor.at, max)) return this.#isOver;
      cursor.at = extents.get(cursor.at, ext.NEXT);
      if (this.looks >= max) return this.#isOver;
    }
  }

  /** Answers with what the last step has found, and closes the cursor. */
  answer(): void {
    const { effects, life, log } = this.#store;
    const { connection, request } = this.#command;
    const { state } = this.#position;
    const isEnd = state >= ALL_STATES.length;
    const next = isEnd ? null : this.#position.format(life);
    this.close();
    effects.openMessages(connection, request, true, [next, this.scanned, this.scannedBytes, this.#stateFound()]);
    for (const piece of this.#found) {
      // It was looked through once, which is no reason to keep it.
      const page = log.pages.scan(this.#store.extents.get(piece.extent, ext.PAGE));
      const { isTouched } = page;
      this.#emit(piece);
      page.isTouched = isTouched;
    }
    effects.closeMessages();
  }

  /** To be called when it is not used any more. */
  close(): void {
    if (this.#cursor !== undefined) this.#list?.closeCursor(this.#cursor);
    this.#cursor = undefined;
    this.#list = undefined;
  }

  get #isOver(): boolean {
    return this.#count > 0 || this.#isSpent;
  }

  get #isSpent(): boolean {
    return this.scanned >= MAX_FIND_MESSAGES || this.scannedBytes >= MAX_FIND_BYTES;
  }

  /** The state of what was found, which all has the same; null: nothing was. */
  #stateFound(): string | null {
    const [first] = this.#found;
    if (first === undefined) return null;
    return ALL_STATES[this.#store.extents.state(first.extent) - ext.State.READY] ?? null;
  }

  /** The present extent, in whichever list it is. Undefined: there are no more, or what is found is of another state. */
  #here(): Cursor | undefined {
    const position = this.#position;
    while (position.state < ALL_STATES.length) {
      if (this.#cursor === undefined) {
        const list = this.#listAt(position);
        if (list.head === ext.NONE) {
          this.#leave(position);
          continue;
        }
        if (this.#count > 0) return undefined;
        this.#list = list;
        this.#cursor = list.openCursor();
        this.#hurry(this.#cursor);
      }
      if (this.#cursor.at !== ext.NONE) return this.#cursor;
      this.close();
      this.#leave(position);
    }
    return undefined;
  }

  /** The list that the position is in. */
  #listAt({ state, holder }: FindPosition): ExtentList {
    const queue = this.#queue;
    switch (ALL_STATES[state]) {
      case "delayed":
        return queue.delayed;
      case "dead":
        return queue.dead;
      case "in-flight":
        return holder === 0 ? queue.popped : this.#heldFrom(holder);
      default:
        return queue.ready;
    }
  }

  /** What a consumer holds, or the next one if it holds nothing any more. */
  #heldFrom(holder: number): ExtentList {
    const [consumer] = this.#holdersFrom(holder);
    if (consumer === undefined) return NOBODY;
    if (consumer.number + 1 > holder) this.#position.enter(IN_FLIGHT, consumer.number + 1);
    return consumer.held;
  }

  /** Goes behind a list: to the next consumer, the next state, or the end. */
  #leave(position: FindPosition): void {
    if (position.state === IN_FLIGHT) {
      const [next] = this.#holdersFrom(position.holder + 1);
      if (next !== undefined) return position.enter(IN_FLIGHT, next.number + 1);
    }
    position.enter(this.#command.state === "all" ? position.state + 1 : ALL_STATES.length);
  }

  /** Those consumers with messages whose number and 1 is not below that, by their numbers. */
  #holdersFrom(holder: number): readonly Holder[] {
    if (this.#holders === undefined) {
      const all = [...this.#queue.holders];
      this.looks += all.length;
      this.#holders = all.filter(({ heldCount }) => heldCount > 0).sort((a, b) => a.number - b.number);
    }
    const from = this.#holders.findIndex(({ number }) => number + 1 >= holder);
    this.#holders = from < 0 ? [] : this.#holders.slice(from);
    return this.#holders;
  }

  /** Skips the way to the position, if the extent that was passed there is still there. */
  #hurry(cursor: Cursor): void {
    const { extents } = this.#store;
    const { state, holder, delivery, place, block, extent } = this.#position;
    if (place === 0 || extent >= extents.high || extents.state(extent) !== ext.State.READY + state) return;
    const isIts =
      extents.get(extent, ext.QUEUE) === this.#queue.number &&
      extents.places[extent] === place &&
      extents.block(extent) <= block &&
      deliveryOf(this.#store, extent) === delivery &&
      extents.get(extent, ext.HOLDER) === holder;
    if (!isIts) return;
    // What was given back meanwhile, and has the same place, may stand before it.
    let at = extent;
    do {
      cursor.at = at;
      at = extents.get(at, ext.PREVIOUS);
    } while (at !== ext.NONE && this.#compare(at) === 0);
  }

  /** Looks at the messages of an extent that are behind the position. False: it has to stop there. */
  #scan(extent: number, max: number): boolean {
    const { extents } = this.#store;
    const position = this.#position;
    const place = extents.places[extent] as number;
    const order = this.#compare(extent);
    if (order < 0) return true;
    const page = this.#open(extent);
    const { bytes, view } = page;
    const span = extents.get(extent, ext.SPAN);
    const idLow = extents.idLow(extent);
    const delivery = deliveryOf(this.#store, extent);
    const at = extents.get(extent, ext.RECORD);
    const keyStart = at + record.NAMES + view.getUint8(at + record.TOPIC_LENGTH);
    if (!this.#filter.hasRouteKey(bytes, keyStart, keyStart + view.getUint8(at + record.KEY_LENGTH))) {
      // All that have this place are of one batch, and have the same route key.
      this.scanned += extents.count(extent);
      position.pass(extent, delivery, place, (idLow + span - 1) >>> ext.BLOCK_SHIFT, -1);
      return !this.#isSpent;
    }
    const isFragment = extents.isFragment(extent);
    const mask = isFragment ? extents.get(extent, ext.MASK) : -1;
    const first = order > 0 ? 0 : Math.min(span, Math.max(0, position.block * ext.BLOCK - idLow));
    let entry = skipEntries(view, extents.get(extent, ext.OFFSET), first);
    for (let i = first; i < span; i++) {
      const size = WORD_BYTES + (view.getUint32(entry) & SIZE_MASK);
      const low = idLow + i;
      const block = low >>> ext.BLOCK_SHIFT;
      const bit = 1 << (low & (ext.BLOCK - 1));
      const isPassed = order === 0 && block === position.block && (position.done & bit) !== 0;
      if ((mask & bit) !== 0 && !isPassed) {
        if ((this.looks >= max && this.scanned > this.#before) || this.#isSpent) return false;
        const isMeant = this.#matches(bytes, view, entry, extents.idHigh(extent), low, max);
        if (isMeant === undefined) return false;
        if (isMeant && !this.#add(extent, isFragment, low, bit, entry, size)) return false;
        this.scanned++;
        this.scannedBytes += size;
        position.pass(extent, delivery, place, block, bit);
        if (this.#isFull) return false;
      }
      entry += size;
    }
    return true;
  }

  /** Whether a message is meant. Undefined: the step is over, and it is not known yet. */
  #matches(
    bytes: Uint8Array,
    view: DataView,
    entry: number,
    idHigh: number,
    idLow: number,
    max: number,
  ): boolean | undefined {
    // What was looked through in part may have gone meanwhile.
    if (idHigh !== this.#partHigh || idLow !== this.#partLow) this.#filter.forget();
    const { looked } = this.#filter;
    const isMeant = this.#filter.matches(bytes, view, entry, max * LOOK_BYTES);
    this.looks += MESSAGE_LOOKS + (this.#filter.looked - looked) / LOOK_BYTES;
    this.#partHigh = idHigh;
    this.#partLow = idLow;
    return isMeant;
  }

  /** Where an extent is: below 0: in front of the position; above 0: behind it; 0: perhaps both. */
  #compare(extent: number): number {
    const { extents, delivery } = this.#store;
    const position = this.#position;
    const place = extents.places[extent] as number;
    if (position.place === 0) return 1;
    if (position.state === IN_FLIGHT) {
      // Numbers of deliveries wrap around.
      const age = (delivery - extents.get(extent, ext.DELIVERY)) >>> 0;
      const reached = (delivery - position.delivery) >>> 0;
      if (age !== reached) return reached - age;
    }
    if (place !== position.place) return place - position.place;
    const last = (extents.idLow(extent) + extents.get(extent, ext.SPAN) - 1) >>> ext.BLOCK_SHIFT;
    return last < position.block ? -1 : 0;
  }

  /** The page of an extent. It may be read back, which costs as well. */
  #open(extent: number): Page {
    const { pages } = this.#store.log;
    const number = this.#store.extents.get(extent, ext.PAGE);
    const isLoaded = pages.list[number]?.isLoaded === true;
    const page = pages.scan(number);
    if (!isLoaded) this.looks += page.used / LOOK_PAGE_BYTES;
    return page;
  }

  /** Adds a message to what was found. False: it does not fit. */
  #add(extent: number, isFragment: boolean, low: number, bit: number, start: number, size: number): boolean {
    const { max, maxBytes, withFailures } = this.#command;
    const last = this.#found.at(-1);
    const isSame = last?.extent === extent;
    let failures = isSame ? last.failures : withFailures === true ? this.#store.failuresOf(extent) : undefined;
    // Each message may be a run of its own.
    let cost = failures === undefined ? 0 : FAILURES_LENGTH_BYTES + failures.length;
    if (this.#bytes + size + cost > maxBytes) {
      if (this.#count > 0) return false;
      // A single one is shown whatever its size, if need be without its failures.
      failures = undefined;
      cost = 0;
      this.#isFull = true;
    }
    this.#bytes += size + cost;
    this.#count++;
    if (this.#count >= max) this.#isFull = true;
    if (isSame && (isFragment || last.end === start)) {
      last.mask |= bit;
      last.count++;
      last.end = start + size;
    } else {
      const mask = isFragment ? bit : 0;
      this.#found.push({ extent, mask, idLow: low, count: 1, start, end: start + size, failures });
    }
    return true;
  }

  #emit({ extent, mask, idLow, count, start, end, failures }: Piece): void {
    const store = this.#store;
    const delivery = deliveryOf(store, extent);
    const time = timeOf(store, extent);
    if (store.extents.isFragment(extent)) store.emitMask(extent, mask, delivery, time, failures);
    else store.emit(extent, idLow, count, start, end, delivery, time);
  }
}
