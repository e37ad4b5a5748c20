/**
 * What the journal knows of a channel: its configuration, how its positions go on, and its kept messages, which wait in a
 * queue that nobody takes from. So the log, recovery and compaction treat them as they treat any messages.
 */
import { Durability } from "../../protocol/op.js";
import type { ChannelConfig, TopicConfig } from "../command.js";
import type { Log } from "../log/log.js";
import type { DirectoryEntry } from "../log/recorder.js";
import * as ext from "../messages/extent.js";
import { Queue } from "../messages/queue.js";
import type { QueueTopic, RecordedQueue } from "../messages/queue-context.js";
import type { Store } from "../messages/store.js";
import type { ChannelDefaults } from "./channel-defaults.js";
import { PositionIndex } from "./position-index.js";
import { DEFAULT_CONFIG } from "./topic.js";

/** How the messages of a channel are numbered. */
export interface Numbering {
  /** A decimal id; "": it is taken when somebody asks for it. */
  epoch: string;
  /** The position of the next message. */
  next: number;
}

/** The configuration of a channel that nobody has configured. */
export const defaultSettings = (defaults: ChannelDefaults): ChannelConfig => ({
  keep: defaults.keep,
  maxMessages: defaults.maxMessages,
  maxBytes: defaults.maxBytes,
  maxAge: defaults.maxAge,
  history: 0,
  historyBytes: defaults.historyBytes,
});

const encoder = new TextEncoder();

export class StoredChannel implements QueueTopic {
  readonly nameBytes: Uint8Array;
  settings: ChannelConfig;
  /** Nobody has configured it. */
  followsDefaults = true;
  /** Its limits, as those of a queue. */
  config: TopicConfig = DEFAULT_CONFIG;
  /** Its messages are not delivered, and do not fail. */
  failures: undefined;
  level: number;
  /** A channel is recorded with its queue, in one entry. */
  readonly isRecorded = false;
  namedIn = 0;
  /** The connection that it was made for; undefined: it was read back. */
  creator: number | undefined;
  usedAt: number;
  delivered = 0;
  acked = 0;
  retried = 0;
  released = 0;
  dead = 0;
  expired = 0;
  dropped = 0;
  readonly queue: Queue;
  readonly index: PositionIndex;
  /** Of two appends: the position behind each, and the log's position. What is before the first of them is durable. */
  #durable = 0;
  #waiting = 0;
  #waitingLog = 0;
  #appendedLog = 0;
  /** The position behind the last message that was appended; and of the one behind the last gap between them. */
  #end = 0;
  #gapEnd = 0;

  constructor(
    readonly name: string,
    number: number,
    readonly store: Store,
    readonly defaults: ChannelDefaults,
    public numbering: Numbering,
  ) {
    this.nameBytes = encoder.encode(name);
    this.settings = defaultSettings(defaults);
    this.level = store.level;
    this.usedAt = store.now;
    this.queue = new Queue(this, "", number, store);
    this.index = new PositionIndex(store.extents);
    this.#apply();
  }

  /** Takes over a configuration that was asked for. */
  configure(config: Partial<ChannelConfig>): void {
    this.settings = { ...this.settings, ...config };
    this.followsDefaults = false;
    this.#apply();
  }

  /** Takes over what was recorded; an empty configuration says that nobody has configured it. */
  restore(config: Partial<ChannelConfig>, epoch: string, next: number): void {
    // One that nobody has configured is recorded because it is kept: it stays so in a broker that keeps none by itself.
    this.followsDefaults = Object.keys(config).length === 0;
    this.settings = { ...defaultSettings(this.defaults), keep: true, ...config };
    this.#apply();
    // Positions that the journal does not follow must not come again in the same epoch; older messages may still have theirs.
    this.numbering = { epoch: this.isJournalled ? epoch : "", next: Math.max(this.numbering.next, next) };
  }

  #apply(): void {
    const { maxMessages, maxBytes, durability } = this.settings;
    this.config = { ...DEFAULT_CONFIG, maxLength: maxMessages, maxBytes, overflow: "drop-oldest" };
    this.level = durability === undefined ? this.store.level : Durability[durability];
  }

  /** Its messages are kept on disk. */
  get isJournalled(): boolean {
    return this.settings.keep && this.level > Durability.memory;
  }

  get entry(): DirectoryEntry {
    return this.queue.entry;
  }

  /** `isPast`: as of no moment, for messages that are moved within the log; later records say how positions go on. */
  entryOf(queue: RecordedQueue, isPast: boolean): DirectoryEntry {
    const { epoch, next } = this.numbering;
    return ["channel", queue.number, this.name, this.followsDefaults ? {} : this.settings, epoch, isPast ? 0 : next];
  }

  /** The position of the oldest kept message; the next one if there is none. */
  get first(): number {
    const { head } = this.queue.ready;
    return head === ext.NONE ? this.numbering.next : this.index.positionOf(head);
  }

  /** The position of the first message published at `time` or later. */
  positionAt(time: number): number {
    const extent = this.index.findTime(time, this.queue.ready.head);
    return extent === ext.NONE ? this.numbering.next : this.index.positionOf(extent);
  }

  /**
   * From this position on, or that of the oldest message if that is later, all messages are there. Before it some may be
   * missing: the channel was not kept for a while, or in memory alone until a restart.
   */
  get wholeFrom(): number {
    const { next } = this.numbering;
    return this.#end === next ? this.#gapEnd : next;
  }

  /** The batch that was just added to the queue begins at `position`. */
  appended(position: number, count: number): void {
    const { extents, log } = this.store;
    if (position !== this.#end) this.#gapEnd = position;
    this.#end = position + count;
    const { head, tail: extent } = this.queue.ready;
    extents.times[extent] = position - extents.idLow(extent);
    this.index.add(extent, head);
    if (this.#appendedLog <= log.durable || this.#waitingLog <= log.durable) {
      this.#durable = this.#appendedLog <= log.durable ? position : this.#waiting;
      this.#waiting = position + count;
      this.#waitingLog = log.position;
    }
    this.#appendedLog = log.position;
    this.numbering.next = Math.max(this.numbering.next, position + count);
  }

  /** What is before this position is as durable as the channel asks; perhaps more is. */
  durableBefore(log: Log): number {
    const { next } = this.numbering;
    if (!log.isJournalled || this.level === Durability.memory) return this.store.areIdsDurable ? next : 0;
    if (this.#appendedLog <= log.durable) return next;
    return this.#waitingLog <= log.durable ? this.#waiting : this.#durable;
  }

  /** Throws when positions contradict one another, or are not found. Looks at all kept messages: for tests. */
  invariants(): void {
    const { extents } = this.store;
    const { head } = this.queue.ready;
    let end = -1;
    for (let extent = head; extent !== ext.NONE; extent = extents.get(extent, ext.NEXT)) {
      const position = this.index.positionOf(extent);
      if (position < end) throw new Error(`channel ${this.name}: message ${position} is kept behind ${end}`);
      if (this.index.find(position, head) !== extent) throw new Error(`channel ${this.name}: ${position} is not found`);
      if (extents.isFragment(extent)) throw new Error(`channel ${this.name}: message ${position} is in a fragment`);
      end = position + extents.get(extent, ext.SPAN);
    }
    if (end > this.numbering.next) throw new Error(`channel ${this.name}: ${this.numbering.next} follows ${end}`);
  }
}
