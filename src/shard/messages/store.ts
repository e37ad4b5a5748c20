/**
 * What all queues of a shard share: the log with the messages' bytes, the table of extents, the index by id and the
 * timers. Queues and consumers belong to the rooms above; the store only looks at their tables.
 */
import { SIZE_MASK, WORD_BYTES } from "../../protocol/entry.js";
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import * as runs from "../../protocol/run.js";
import type { Effects, Run } from "../effects.js";
import { Log, type LogOptions } from "../log/log.js";
import type { Page } from "../log/page.js";
import * as record from "../log/record.js";
import { GONE, Recorder, type StateChange } from "../log/recorder.js";
import { STEP_EXTENTS } from "../steps.js";
import * as ext from "./extent.js";
import { MessageIndex } from "./message-index.js";
import type { Holder, QueueTopic, StoredQueue } from "./queue-context.js";
import { TimingWheel } from "./timing-wheel.js";
import { Totals } from "./totals.js";

export interface StoreOptions extends LogOptions {
  /** Extents that a step of a long command may move or drop; default `STEP_EXTENTS` of steps.ts. */
  readonly stepExtents?: number | undefined;
  /** Steps on the way to a place in a list after which a mark is left; default `MARK_STEPS` of extent.ts. */
  readonly markSteps?: number | undefined;
  /** Tells this life of the shard from others, a whole number below 2 ** 53. Default: when it begins. */
  readonly life?: number | undefined;
  /** Two words for the hashes of what clients choose, which they do not know. Default 0, 0. */
  readonly hashSecret?: readonly [number, number] | undefined;
  /** Memory for what is known of failures; default an eighth of that of the shard. */
  readonly maxFailureBytes?: number | undefined;
}

/** Of the memory of a shard, what is known of failures has at most so much. */
const FAILURE_SHARE = 1 / 8;

/** Knows how large the entries of pages are that are not in memory: see `EntrySizes` of src/shard/recovery. */
export interface MissingSizes {
  /** Bytes of the entries of the messages in `mask` of a fragment. */
  bytesOf(extent: number, mask: number): number;
}

export class Store {
  readonly log: Log;
  readonly recorder: Recorder;
  readonly wheel: TimingWheel;
  readonly extents: ext.ExtentTable;
  readonly index: MessageIndex;
  /** By the number that extents and records name a queue by: the directory's table. */
  queues: readonly (StoredQueue | undefined)[] = [];
  /** By the number that extents name a consumer by: the table of `Connections`. */
  holders: readonly (Holder | undefined)[] = [];
  readonly stepExtents: number;
  readonly hashSecret: readonly [number, number];
  readonly totals = new Totals();
  /** Bytes of runs, headers and entries, ever emitted. */
  emitted = 0;
  /** The log's position behind the last IDS record. */
  idsAnnounced = 0;
  /** The log's position before the command that is being carried out. Infinity: none is, it is the shard's own turn. */
  before = Number.POSITIVE_INFINITY;
  /** Why nothing is handed out whose record would wait for the journal; undefined: it is. */
  standstill: { readonly kind: ErrorName; readonly text: string } | undefined;
  /** Memory of topics and queues without messages. */
  directoryBytes = 0;
  /** Memory of what is known of failures, and how much it may be. */
  failureBytes = 0;
  readonly maxFailureBytes: number;
  /** Memory that reading the log back takes beside it. */
  replayBytes = 0;
  /** While the log is read back. */
  missingSizes: MissingSizes | undefined;
  /** Tells this life of the shard from others. */
  readonly life: number;
  #delivery = 0;
  #place = 0;
  readonly #run: Run = {
    idHigh: 0,
    idLow: 0,
    count: 0,
    delivery: 0,
    retry: 0,
    reason: 0,
    time: 0,
    failures: undefined,
    keyStart: 0,
    keyEnd: 0,
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    isDurable: true,
  };

  /** `now`: milliseconds since 1970; the shard moves it, and never back. */
  constructor(
    readonly effects: Effects,
    public now: number,
    /** The broker's `Durability`. */
    readonly level: number,
    options: StoreOptions,
  ) {
    this.life = options.life ?? Math.floor(now);
    this.stepExtents = options.stepExtents ?? STEP_EXTENTS;
    this.hashSecret = options.hashSecret ?? [0, 0];
    // Begins elsewhere in each life of the shard, so that old leases are not taken for new ones.
    this.#delivery = Math.imul(this.life, 0x9e37_79b1) >>> 0;
    this.log = new Log(options);
    this.recorder = new Recorder(this.log);
    this.wheel = new TimingWheel(now);
    this.maxFailureBytes = options.maxFailureBytes ?? (options.memoryBytes ?? Number.POSITIVE_INFINITY) * FAILURE_SHARE;
    const histories = {
      share: (queue: number, history: number) => this.queues[queue]?.topic.failures?.share(history),
      release: (queue: number, history: number) => this.queues[queue]?.topic.failures?.release(history),
    };
    this.extents = new ext.ExtentTable((capacity) => this.wheel.grow(capacity), histories, options.markSteps);
    this.index = new MessageIndex(this.extents);
  }

  /** Nothing waits for the journal. */
  get isDurable(): boolean {
    return this.log.position === this.log.durable;
  }

  /**
   * The ids handed out so far will not be handed out again, even after a crash or with another clock. While the journal
   * stands still the clock has to do, as on a broker that has none.
   */
  get areIdsDurable(): boolean {
    return this.log.isStalled || this.log.durable >= this.idsAnnounced;
  }

  /**
   * The `Durability` of records about a topic or channel itself: what is said to be done to it must not come undone before
   * what is in it can.
   */
  levelOf(topic: Pick<QueueTopic, "level">): number {
    return Math.max(this.level, topic.level);
  }

  /** Memory of messages, topics and queues. */
  get bytes(): number {
    const tables = this.extents.bytes + this.index.bytes + this.directoryBytes + this.failureBytes;
    return this.log.pages.bytes + tables + this.replayBytes;
  }

  /** Gives back the memory of tables, if they are empty. */
  shrink(): void {
    if (this.extents.live > 0) return;
    this.index.reset();
    this.extents.reset();
    this.wheel.shrink(this.extents.capacity);
  }

  /** Runs `act`; a `ProtocolError` becomes the answer to the request, which is a look or not. */
  attempt(connection: number, request: number, act: () => void, isLook = false): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.effects.fail(connection, request, error.kind, error.message, isLook);
    }
  }

  /** A new delivery number. 0 means "none" and is skipped when 32 bits wrap around. */
  nextDelivery(): number {
    this.#delivery = (this.#delivery + 1) >>> 0 || 1;
    return this.#delivery;
  }

  /** The delivery number that was given last. */
  get delivery(): number {
    return this.#delivery;
  }

  /** A place behind all that were given before. */
  nextPlace(): number {
    return ++this.#place;
  }

  pageOf(extent: number): Page {
    return this.log.pages.at(this.extents.get(extent, ext.PAGE));
  }

  /** When the time to live of messages that are not dead ends; 0: never. */
  expiryOf(extent: number): number {
    return this.extents.times[extent] as number;
  }

  /** Records the new state of the messages in `mask` of a fragment, if the journal keeps them. */
  record(extent: number, mask: number, change: StateChange): void {
    const { extents, recorder } = this;
    if (!this.log.pages.isKept(extents.get(extent, ext.PAGE))) return;
    const queue = extents.get(extent, ext.QUEUE);
    const level = this.queues[queue]?.topic.level ?? 0;
    const idHigh = extents.idHigh(extent);
    const block = (extents.idLow(extent) & ~31) >>> 0;
    for (let left = mask; left !== 0; ) {
      const first = 31 - Math.clz32(left & -left);
      const run = left >>> first;
      const count = run === -1 >>> first ? 32 - first : 31 - Math.clz32(~run & (run + 1));
      recorder.state(queue, change, idHigh, block + first, count, level);
      left &= ~ext.bits(first, count);
    }
  }

  /** Records that the first `count` messages of a fresh extent are gone, if the journal keeps them. */
  recordGone(extent: number, count: number): void {
    const { extents } = this;
    if (!this.log.pages.isKept(extents.get(extent, ext.PAGE))) return;
    const queue = extents.get(extent, ext.QUEUE);
    const level = this.queues[queue]?.topic.level ?? 0;
    this.recorder.state(queue, GONE, extents.idHigh(extent), extents.idLow(extent), count, level);
  }

  /** All that is known of the failures of an extent's messages; undefined: they have not failed. */
  failuresOf(extent: number): Uint8Array | undefined {
    const history = this.extents.historyOf(extent);
    if (history === 0) return undefined;
    return this.queues[this.extents.get(extent, ext.QUEUE)]?.topic.failures?.encode(history);
  }

  /** Bytes of the entries of the messages in `mask`. */
  bytesOf(extent: number, mask: number): number {
    const { extents } = this;
    const span = extents.get(extent, ext.SPAN);
    const idLow = extents.idLow(extent);
    if (mask === ext.bits(idLow & 31, span)) return extents.get(extent, ext.BYTES);
    const { missingSizes } = this;
    if (missingSizes !== undefined && this.log.pages.list[extents.get(extent, ext.PAGE)]?.isLoaded === false) {
      return missingSizes.bytesOf(extent, mask);
    }
    const { view } = this.pageOf(extent);
    let at = extents.get(extent, ext.OFFSET);
    let bytes = 0;
    for (let i = 0; i < span; i++) {
      const size = WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
      if (((mask >>> ((idLow + i) & 31)) & 1) === 1) bytes += size;
      at += size;
    }
    return bytes;
  }

  /** The fragment of a queue that has a message; NONE: it is in none. */
  fragmentOf(queue: number, idHigh: number, idLow: number): number {
    const { index, extents } = this;
    const bit = 1 << (idLow & (ext.BLOCK - 1));
    let fragment = index.first(queue, idHigh, idLow);
    while (fragment !== ext.NONE && (extents.get(fragment, ext.MASK) & bit) === 0) fragment = index.next(fragment);
    return fragment;
  }

  /** Whether the messages of an extent can be handed out though the journal stands still: their delivery needs no record. */
  isDeliverable(extent: number, autoAck: boolean): boolean {
    const { extents, log } = this;
    const page = log.pages.list[extents.get(extent, ext.PAGE)];
    if (page?.segment === undefined) return true;
    return !autoAck && extents.retry(extent) === 0 && page.written > extents.get(extent, ext.RECORD);
  }

  /** Emits `count` messages whose entries are [start, end) of the extent's page. */
  emit(
    extent: number,
    idLow: number,
    count: number,
    start: number,
    end: number,
    delivery: number,
    time: number,
    failures: Uint8Array | undefined = undefined,
  ): void {
    const { extents } = this;
    const run = this.#run;
    const page = this.pageOf(extent);
    const { bytes, view } = page;
    const at = extents.get(extent, ext.RECORD);
    run.idHigh = extents.idHigh(extent);
    run.idLow = idLow;
    run.count = count;
    run.delivery = delivery;
    run.retry = extents.retry(extent);
    run.reason = extents.reason(extent);
    run.time = time;
    run.failures = failures;
    run.keyStart = at + record.NAMES + view.getUint8(at + record.TOPIC_LENGTH);
    run.keyEnd = run.keyStart + view.getUint8(at + record.KEY_LENGTH);
    run.bytes = bytes;
    run.start = start;
    run.end = end;
    // Messages that end with their delivery (auto-ack) or that were retried wait for the record that says so.
    run.isDurable =
      this.isDurable ||
      (page.segment === undefined && this.areIdsDurable) ||
      (delivery > 0 && run.retry === 0 && page.written > at);
    this.emitted += runs.KEY + run.keyEnd - run.keyStart + end - start + (failures?.length ?? 0);
    this.effects.run(run);
  }

  /**
   * Emits the messages of a fragment that are in `mask`, as runs without gaps. Answers the bytes of their entries.
   */
  emitMask(
    extent: number,
    mask: number,
    delivery: number,
    time: number,
    failures: Uint8Array | undefined = undefined,
  ): number {
    const { extents } = this;
    const { view } = this.pageOf(extent);
    const span = extents.get(extent, ext.SPAN);
    const idLow = extents.idLow(extent);
    let at = extents.get(extent, ext.OFFSET);
    let runStart = at;
    let runFirst = 0;
    let bytes = 0;
    for (let i = 0; i <= span; i++) {
      const chosen = i < span && ((mask >>> ((idLow + i) & 31)) & 1) === 1;
      if (!chosen) {
        if (i > runFirst) {
          this.emit(extent, idLow + runFirst, i - runFirst, runStart, at, delivery, time, failures);
          bytes += at - runStart;
        }
        runFirst = i + 1;
      }
      if (i < span) at += WORD_BYTES + (view.getUint32(at) & SIZE_MASK);
      if (!chosen) runStart = at;
    }
    return bytes;
  }

  /** Moves the messages in `mask` from a fragment to a new one, which is in the index and in no list. */
  split(extent: number, mask: number): number {
    const { extents } = this;
    const part = extents.clone(extent);
    extents.set(part, ext.MASK, mask);
    extents.set(extent, ext.MASK, extents.get(extent, ext.MASK) & ~mask);
    this.index.add(part);
    return part;
  }

  /** Frees an extent that is in no list, and records that its messages are gone. */
  discard(extent: number): void {
    const { extents } = this;
    if (extents.isFragment(extent)) this.record(extent, extents.get(extent, ext.MASK), GONE);
    else this.recordGone(extent, extents.get(extent, ext.SPAN));
    this.drop(extent);
  }

  /** Frees an extent that is in no list, whose end has been recorded already. */
  drop(extent: number): void {
    const { extents } = this;
    this.log.pages.release(extents.get(extent, ext.PAGE), extents.count(extent));
    this.#forget(extent);
  }

  /** Frees an extent, without a word to its page. */
  #forget(extent: number): void {
    if (this.extents.isFragment(extent)) this.index.remove(extent);
    this.wheel.cancel(extent);
    this.extents.free(extent);
  }

  /** Ends the messages in `mask` of a fragment. True: it is empty, and the caller must `retire` it. */
  release(extent: number, mask: number): boolean {
    const { extents } = this;
    this.record(extent, mask, GONE);
    this.log.pages.release(extents.get(extent, ext.PAGE), ext.popcount(mask));
    const rest = extents.get(extent, ext.MASK) & ~mask;
    if (rest === 0) return true;
    extents.set(extent, ext.MASK, rest);
    return false;
  }

  /** Frees a fragment that `release` has found empty. Its mask is still set, by which the index finds it. */
  retire(extent: number): void {
    this.#forget(extent);
  }
}
