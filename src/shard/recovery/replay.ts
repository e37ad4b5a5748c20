/**
 * Reads a log back: a fold of its records over an empty shard. The result is the state before the end, except that
 * messages that were in flight are back in their queues, with their retries as they were.
 *
 * The pages it is given become the log's own. Their checksums have been verified; a record that contradicts the state is
 * an error.
 */
import { skipEntries } from "../../protocol/entry.js";
import { unpackHead } from "../../protocol/head.js";
import type { Page } from "../log/page.js";
import * as record from "../log/record.js";
import type { StateChange } from "../log/recorder.js";
import type { Segment } from "../log/segment.js";
import * as ext from "../messages/extent.js";
import { putBetween } from "../messages/given-back.js";
import { newFragment } from "../messages/new-extent.js";
import type { Queue } from "../messages/queue.js";
import { historiesOf } from "../messages/requeue.js";
import type { Store } from "../messages/store.js";
import type { Directory } from "../topics/directory.js";
import { StoredChannel } from "../topics/stored-channel.js";
import { DirectoryReplay } from "./directory-replay.js";
import { EntrySizes } from "./entry-sizes.js";
import { FreshExtents } from "./fresh-extents.js";
import { KeyReplay } from "./key-replay.js";
import { ProducerReplay } from "./producer-replay.js";

const { RecordType } = record;

/** What a log is read back into: an empty shard. */
export interface ReplayTarget {
  readonly store: Store;
  readonly directory: Directory;
  /** The millisecond since the EPOCH of ids after which none has been handed out. */
  idCeiling: number;
}

/** Failures in [start, end). */
interface FoundFailures {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
}

export class Replay {
  /** Records and messages read so far. */
  records = 0;
  messages = 0;
  readonly #store: Store;
  readonly #target: ReplayTarget;
  readonly #directory: DirectoryReplay;
  readonly #producers: ProducerReplay;
  readonly #keys: KeyReplay;
  readonly #sizes: EntrySizes;
  readonly #fresh: FreshExtents;
  /** The fragments that a record is about. */
  readonly #found: number[] = [];
  /** The failures that a record tells of; undefined: none. */
  #failures: FoundFailures | undefined;
  #segment: Segment | undefined;
  #buffer: Uint8Array | undefined;
  /** The present segment has had an IDS record. */
  #hasIds = false;

  constructor(shard: ReplayTarget) {
    this.#target = shard;
    this.#store = shard.store;
    // What is read back is recorded already.
    shard.store.recorder.isReplaying = true;
    const sizes = new EntrySizes(shard.store);
    this.#sizes = sizes;
    shard.store.missingSizes = sizes;
    shard.store.log.pages.onLeave = (page) => sizes.leaving(page);
    this.#fresh = new FreshExtents(shard.store, sizes);
    this.#producers = new ProducerReplay(shard.directory);
    this.#keys = new KeyReplay(shard.directory);
    this.#directory = new DirectoryReplay(shard.directory, this.#producers, this.#keys, (queue) =>
      this.#fresh.forget(queue),
    );
  }

  /** The pages that follow are of that segment. */
  segment(sequence: number, replaces: number): void {
    this.#segment = this.#store.log.segments.adopt(sequence, replaces);
    this.#directory.segment();
    this.#hasIds = false;
  }

  /** Memory for the next page; it is reused if no `page` follows. */
  buffer(length: number): Uint8Array {
    const { log } = this.#store;
    if (this.#buffer !== undefined) log.pages.giveBack(this.#buffer);
    this.#buffer = log.pages.borrow(length);
    return this.#buffer;
  }

  /** The buffer has `used` bytes of whole records, from `offset` of the segment. */
  page(offset: number, used: number): void {
    const { log } = this.#store;
    const segment = this.#segment;
    const bytes = this.#buffer;
    if (segment === undefined || bytes === undefined) throw new Error("replay: a page before its segment or buffer");
    this.#buffer = undefined;
    const page = log.pages.adopt(segment, offset, used, bytes);
    const { view } = page;
    for (let at = 0; at < used; at += record.align(view.getUint32(at + record.LENGTH))) {
      this.#record(page, at);
      this.records++;
    }
    log.pages.finishAdopting(page);
    const excess = log.pages.pressure();
    if (excess > 0) log.pages.evict(excess);
    else log.pages.trimCache();
  }

  /** Everything has been read. */
  finish(): void {
    const { log } = this.#store;
    if (this.#buffer !== undefined) log.pages.giveBack(this.#buffer);
    this.#buffer = undefined;
    this.#fresh.finish(this.#target.directory.queues);
    log.pages.onLeave = undefined;
    this.#store.missingSizes = undefined;
    this.#sizes.clear();
    this.#target.directory.finishRestore();
    this.#store.recorder.isReplaying = false;
  }

  #record(page: Page, at: number): void {
    const { view } = page;
    switch (view.getUint8(at + record.TYPE)) {
      case RecordType.PUBLISH:
        return this.#publish(page, at);
      case RecordType.STATE:
        return this.#state(page, at);
      case RecordType.KEEP:
        return this.#keep(page, at);
      case RecordType.DIRECTORY: {
        const end = at + view.getUint32(at + record.LENGTH);
        this.#directory.apply(unpackHead(page.bytes, at + record.DIRECTORY_BODY, end));
        return this.#markDirectoryRead(page.segment);
      }
      case RecordType.IDS:
        this.#target.idCeiling = Math.max(this.#target.idCeiling, view.getFloat64(at + record.CEILING));
        this.#hasIds = true;
        return this.#markDirectoryRead(page.segment);
      case RecordType.SEGMENT:
      case RecordType.COMMIT:
      case RecordType.SEAL:
        return;
      default:
        throw new Error(`replay: a record of the unknown type ${view.getUint8(at + record.TYPE)}`);
    }
  }

  /** Notes whether earlier segments are needed only for their messages. */
  #markDirectoryRead(segment: Segment | undefined): void {
    if (segment !== undefined && this.#directory.isWhole && this.#hasIds) segment.hasDirectory = true;
  }

  #publish(page: Page, at: number): void {
    const { view, number, segment } = page;
    const { log } = this.#store;
    const count = view.getUint16(at + record.COUNT);
    const queues = view.getUint16(at + record.QUEUES);
    const idHigh = view.getUint32(at + record.FIRST_ID_HIGH);
    const idLow = view.getUint32(at + record.FIRST_ID_LOW);
    const due = view.getFloat64(at + record.DUE);
    const expiry = view.getFloat64(at + record.EXPIRY);
    const names = record.queuesOf(view, at);
    const entries = record.publishedEntries(view, at);
    const bytes = at + view.getUint32(at + record.LENGTH) - entries;
    log.page = number;
    log.recordOffset = at;
    log.entriesOffset = entries;
    segment?.includeIds(idHigh, idLow, count);
    this.messages += count;
    const isKeyed = record.isKind(view, at, record.BatchKind.KEYED);
    if (record.isKind(view, at, record.BatchKind.NUMBERED)) this.#producers.batch(page, at);
    for (let i = 0; i < queues; i++) {
      const queue = this.#queue(view.getUint32(names + i * record.QUEUE_BYTES));
      if (queue === undefined) continue;
      log.pages.claim(number, count);
      const channel = this.#channelOf(queue);
      if (channel !== undefined) this.#addKept(channel, idHigh, idLow, count, bytes, expiry);
      else if (due > 0 || expiry > 0 || isKeyed) queue.addFragments(idHigh, idLow, count, due, expiry);
      else this.#addFresh(queue, idHigh, idLow, count, bytes);
    }
    if (isKeyed) this.#keys.publish(page, at);
  }

  #addFresh(queue: Queue, idHigh: number, idLow: number, count: number, bytes: number): void {
    queue.addFresh(idHigh, idLow, count, bytes);
    this.#fresh.add(queue);
  }

  /** A batch of a kept channel, the positions of whose messages are by `base` above the low words of their ids. */
  #addKept(channel: StoredChannel, idHigh: number, idLow: number, count: number, bytes: number, base: number): void {
    this.#addFresh(channel.queue, idHigh, idLow, count, bytes);
    channel.appended(base + idLow, count);
  }

  #channelOf(queue: Queue): StoredChannel | undefined {
    return queue.topic instanceof StoredChannel ? queue.topic : undefined;
  }

  #keep(page: Page, at: number): void {
    const { view, number, segment } = page;
    const { log } = this.#store;
    const claims = view.getUint16(at + record.QUEUES);
    const idHigh = view.getUint32(at + record.FIRST_ID_HIGH);
    const firstLow = view.getUint32(at + record.FIRST_ID_LOW);
    segment?.includeIds(idHigh, firstLow, view.getUint16(at + record.COUNT));
    const expiry = view.getFloat64(at + record.EXPIRY);
    const names = record.queuesOf(view, at);
    const entries = record.keptEntries(view, at);
    log.page = number;
    log.recordOffset = at;
    this.messages += view.getUint16(at + record.COUNT);
    for (let i = 0; i < claims; i++) {
      const claim = names + i * record.CLAIM_BYTES;
      const queue = this.#queue(view.getUint32(claim + record.CLAIM_QUEUE));
      if (queue === undefined) continue;
      const first = view.getUint16(claim + record.CLAIM_FIRST);
      const span = view.getUint16(claim + record.CLAIM_SPAN);
      const mask = view.getInt32(claim + record.CLAIM_MASK);
      const offset = skipEntries(view, entries, first);
      const bytes = skipEntries(view, offset, span) - offset;
      const count = mask === 0 ? span : ext.popcount(mask);
      log.pages.claim(number, count);
      const channel = this.#channelOf(queue);
      log.entriesOffset = offset;
      if (channel !== undefined) {
        this.#addKept(channel, idHigh, firstLow + first, span, bytes, expiry);
      } else if (mask === 0) {
        this.#addFresh(queue, idHigh, firstLow + first, span, bytes);
      } else {
        const part = newFragment(queue, idHigh, firstLow + first, span, mask, offset, bytes, expiry);
        const change = changeAt(view, claim);
        queue.restore(part, change);
        // What was in flight in pieces that interleave was never out of order.
        if (change.state === ext.State.READY) putBetween(this.#store, queue.ready, part);
      }
    }
    if (record.isKind(view, at, record.BatchKind.KEYED)) this.#keys.keep(page, at);
  }

  #failuresAt({ bytes, view }: Page, at: number): FoundFailures {
    const start = at + record.FAILURES;
    return { bytes, view, start, end: start + view.getUint16(at + record.FAILURES_LENGTH) };
  }

  #state(page: Page, at: number): void {
    const { view } = page;
    const queue = this.#queue(view.getUint32(at + record.QUEUE));
    if (queue === undefined) return;
    const change: StateChange = {
      state: view.getUint8(at + record.STATE),
      reason: view.getUint8(at + record.REASON),
      flags: view.getUint8(at + record.FLAGS),
      retry: view.getUint16(at + record.RETRY),
      time: view.getFloat64(at + record.TIME),
    };
    const ranges = record.rangesOf(view, at);
    if (view.getUint16(at + record.FAILURES_LENGTH) > 0) this.#failures = this.#failuresAt(page, at);
    const end = at + view.getUint32(at + record.LENGTH);
    for (let range = ranges; range < end; range += record.RANGE_BYTES) {
      const idHigh = view.getUint32(range + record.RANGE_ID_HIGH);
      const idLow = view.getUint32(range + record.RANGE_ID_LOW);
      const count = view.getUint32(range + record.RANGE_COUNT);
      for (let done = 0; done < count; ) done += this.#move(queue, idHigh, idLow + done, count - done, change);
    }
    this.#failures = undefined;
  }

  /** Gives messages from an id on their new state, as many as can be done at once. Answers how many. */
  #move(queue: Queue, idHigh: number, idLow: number, count: number, change: StateChange): number {
    const isGone = change.state === ext.State.FREE;
    const staysAsItIs = change.state === record.UNCHANGED;
    const ended = isGone ? this.#fresh.end(queue, idHigh, idLow, count) : 0;
    if (ended > 0) return ended;
    const from = idLow & 31;
    const inBlock = Math.min(count, ext.BLOCK - from);
    if (this.#findFragments(queue, idHigh, idLow, ext.bits(from, inBlock))) {
      this.#moveFound(queue, ext.bits(from, inBlock), change);
      return inBlock;
    }
    // What has failed is in a fragment.
    if (!isGone && !staysAsItIs) this.#fresh.breakUp(queue, idHigh, idLow);
    // A fresh extent may follow in the middle of the block.
    const n = Math.min(inBlock, this.#fresh.distance(queue, idHigh, idLow));
    this.#findFragments(queue, idHigh, idLow, ext.bits(from, n));
    this.#moveFound(queue, ext.bits(from, n), change);
    return n;
  }

  /** Finds the fragments with some of the messages in `wanted` of a block. True: they have all of them. */
  #findFragments(queue: Queue, idHigh: number, idLow: number, wanted: number): boolean {
    const { extents, index } = this.#store;
    this.#found.length = 0;
    let missing = wanted;
    for (let part = index.first(queue.number, idHigh, idLow); part !== ext.NONE; part = index.next(part)) {
      const mask = extents.get(part, ext.MASK) & wanted;
      if (mask !== 0) this.#found.push(part);
      missing &= ~mask;
    }
    return missing === 0;
  }

  /** Gives the messages in `wanted` of the fragments found their new state. */
  #moveFound(queue: Queue, wanted: number, change: StateChange): void {
    const { extents } = this.#store;
    const found = this.#found;
    if (found.length > 1) {
      // In the order of ids, in which the range was recorded: they come to the tail in that order.
      const firstOf = (part: number): number => Math.clz32(lowest(extents.get(part, ext.MASK) & wanted));
      found.sort((a, b) => firstOf(b) - firstOf(a));
    }
    for (const fragment of found) {
      const mask = extents.get(fragment, ext.MASK) & wanted;
      if (change.state === ext.State.FREE) queue.end(fragment, mask);
      else if (change.state === record.UNCHANGED) this.#recall(queue, queue.part(fragment, mask));
      else queue.restore(this.#recall(queue, queue.withdraw(fragment, mask), change.retry), change);
    }
  }

  /** Notes the failures that the record tells of messages, by which they have had so many retries. Answers these. */
  #recall(queue: Queue, part: number, retry = 0): number {
    const found = this.#failures;
    const { extents } = this.#store;
    const history = extents.historyOf(part);
    if (found !== undefined) {
      const { bytes, view, start, end } = found;
      extents.setHistory(part, historiesOf(queue).addEncoded(history, bytes, view, start, end));
    } else if (history !== 0 && retry > extents.retry(part)) {
      // They failed once more when there was no room to know of it: what came before is not the last of it.
      historiesOf(queue).release(history);
      extents.setHistory(part, 0);
    }
    return part;
  }

  #queue(number: number): Queue | undefined {
    return this.#target.directory.queues[number];
  }
}

/** The lowest bit of a mask alone. */
const lowest = (mask: number): number => mask & -mask;

const changeAt = (view: DataView, claim: number): StateChange => ({
  state: view.getUint8(claim + record.CLAIM_STATE),
  reason: view.getUint8(claim + record.CLAIM_REASON),
  retry: view.getUint16(claim + record.CLAIM_RETRY),
  flags: view.getUint32(claim + record.CLAIM_FLAGS),
  time: view.getFloat64(claim + record.CLAIM_TIME),
});
