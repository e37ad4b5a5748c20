/**
 * What a queue and the store need of the rooms above them: a topic with a configuration and counters, and consumers that
 * hold messages. Each interface has a single implementation (`Topic`, `Consumer`, `ConsumerSet`, `Queue`), so that calls
 * through it stay monomorphic.
 */
import type { TopicConfig } from "../command.js";
import type { DirectoryEntry, DirectoryItem } from "../log/recorder.js";
import type { ExtentList } from "./extent-list.js";
import type { FailureHistories } from "./failure-histories.js";

/** The topic of a queue. */
export interface QueueTopic extends DirectoryItem {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly config: TopicConfig;
  /** `Durability` of its messages. */
  readonly level: number;
  /** When it was last of use to somebody; milliseconds since 1970. */
  usedAt: number;
  delivered: number;
  acked: number;
  retried: number;
  released: number;
  dead: number;
  expired: number;
  dropped: number;
  /** Of its messages; undefined: none has ever failed. */
  failures: FailureHistories | undefined;
  /** What a recovery restores a queue of it from. `isPast`: see `StoredQueue.movedEntry`. */
  entryOf(queue: RecordedQueue, isPast: boolean): DirectoryEntry;
}

/** What an entry says of a queue. */
export interface RecordedQueue {
  readonly number: number;
  readonly bindKey: string;
  readonly paused: boolean;
  readonly isDeclared: boolean;
}

/** A consumer, as far as the messages that it holds go. */
export interface Holder {
  /** Its number in the store's table. */
  readonly number: number;
  /** What its client calls itself; empty: nothing. */
  readonly client: string;
  readonly connection: { readonly number: number };
  /** In flight with it, in the order of delivery. */
  readonly held: ExtentList;
  heldCount: number;
  /** Its client tells how far its program has come, and holds messages under leases even with auto-ack. */
  readonly reports: boolean;
  /** What its program has been handed is acked with that. */
  readonly acksSeen: boolean;
  /** Those messages of a fragment that it holds which its program has not been handed yet, as a mask. */
  aheadOf(fragment: number): number;
  /** `count` of these messages were settled, given back or dropped; their extents are up to date already. */
  onReturned(count: number): void;
}

/** All consumers and waiting pops of a queue. */
export interface QueueConsumers {
  /** Stopped consumers that still hold messages are counted. */
  readonly size: number;
  /** Consumers that are not stopped, without pops. */
  readonly active: number;
  readonly holders: Iterable<Holder>;
  /** The queue may have something to hand out. */
  onReady(): void;
}

/** A queue, as far as records about its messages go. */
export interface StoredQueue extends DirectoryItem {
  readonly number: number;
  readonly topic: QueueTopic;
  /** Its entry in front of messages that are moved within the log: it says nothing that later records say. */
  readonly movedEntry: DirectoryEntry;
}
