/**
 * What a program can ask for. Times are in milliseconds.
 */

import type { Headers } from "../../protocol/headers.js";
import type { Overflow } from "../../protocol/subscribe-options.js";
import type { TraceHooks } from "./trace-hooks.js";

/** What a message carries. Text is sent as UTF-8. */
export type Body = Uint8Array | string;

/** Certificates and keys as PEM: their text, or the bytes of a file. */
export type Pem = string | Uint8Array;

/** For `tls://` and `wss://`, in Node. The broker's certificate is always verified. */
export interface TlsOptions {
  /** Certificates of the authorities that may sign the broker's certificate. Default: those that Node trusts. */
  readonly ca?: Pem | readonly Pem[] | undefined;
  /** The client's own certificate, for a broker that asks for one. Default: none. */
  readonly cert?: Pem | undefined;
  /** The private key of `cert`. */
  readonly key?: Pem | undefined;
  /** The passphrase of `key`. Default: it has none. */
  readonly passphrase?: string | undefined;
  /** The DNS name that the broker's certificate must have. Default: the host of the address. */
  readonly serverName?: string | undefined;
}

/** Of a connection. */
export interface ConnectionOptions {
  /** A name for the broker's log. Default: none. */
  readonly name?: string | undefined;
  /**
   * Says who the program is, to a broker that has users. Default: that of the address, as `tcp://token@host` has it; without
   * either none. No error, status or log has it.
   */
  readonly token?: string | undefined;
  /** Gives up connecting, with ABORTED. It has no effect on a connection that is open. */
  readonly signal?: AbortSignal | undefined;
  /** How long connecting may take, the handshake with it. Milliseconds up to 2^53 or Infinity, default 10,000. */
  readonly connectTimeout?: number | undefined;
  /** Certificates for `tls://` and `wss://`. Not for browsers, which have their own. */
  readonly tls?: TlsOptions | undefined;
  /** Requests that may be unanswered; more wait in the client. Default and most: what the broker allows, 65,536. */
  readonly maxInFlight?: number | undefined;
  /**
   * Bytes that may be on their way and not yet answered, a message counting 128 bytes more than its own for its
   * promise. Beyond it requests reject with CLIENT_BUSY; `client.ready()` waits for room. Default 67,108,864 (64 MiB).
   */
  readonly maxPendingBytes?: number | undefined;
  /** Joins messages to the traces of the program. Default: no hooks. */
  readonly trace?: TraceHooks | undefined;
}

export interface ConnectOptions extends ConnectionOptions {
  /** How the connection is made again when it was lost; false: the client is closed then. Default: as `ReconnectOptions` say. */
  readonly reconnect?: ReconnectOptions | false | undefined;
  /**
   * How long a publish may be without a confirm, while there is no connection or while the broker does not answer. Then it
   * rejects with PUBLISH_TIMEOUT; if it had been sent, whether it is stored is not known. Milliseconds up to 2^53 or Infinity,
   * give or take a second; default 30,000.
   */
  readonly publishTimeout?: number | undefined;
  /**
   * How long another request may be without an answer, those that wait for messages only until they are sent. Then it rejects
   * with ANSWER_TIMEOUT. Milliseconds up to 2^53 or Infinity, give or take a second; default 30,000.
   */
  readonly requestTimeout?: number | undefined;
  /**
   * How often the broker is pinged. When it has not answered by the next time, the connection is lost. Milliseconds from 100 on,
   * or Infinity; default 10,000. With `reconnect: false` it is not pinged.
   */
  readonly pingInterval?: number | undefined;
}

/** How a lost connection is made again: to the same broker at once, then to the next of the list, and so on in turn. */
export interface ReconnectOptions {
  /**
   * How long to wait before the second attempt, and twice as long before each one after it; a random time from half of that to
   * all of it. Milliseconds from 1 on, default 100.
   */
  readonly minDelay?: number | undefined;
  /** The most that this becomes. Milliseconds, default 5,000. */
  readonly maxDelay?: number | undefined;
  /**
   * How long there may be no connection before the client is closed with the last error. Milliseconds up to 2^53 or Infinity,
   * the default.
   */
  readonly timeout?: number | undefined;
  /** `connect` itself waits for a broker as well, in the same way, until `signal` or `timeout` ends it. Default false. */
  readonly initially?: boolean | undefined;
}

interface MessageOptions {
  /** A small map that travels with the message, at most 65,535 bytes as msgpack. Default: none. */
  readonly headers?: Headers | undefined;
}

export interface ChannelPublishOptions extends MessageOptions {
  /** What subscribers with the policy `conflate` go by: they get the last message of each key. Default: none. */
  readonly key?: string | undefined;
}

export interface PublishOptions extends MessageOptions {
  /** Chooses queues: a bind key, or a pattern when the topic's mode is `pattern`. Default: the queue `default`. */
  readonly routeKey?: string | undefined;
  /** Holds the message back. Milliseconds, default 0, at most ten years. */
  readonly delay?: number | undefined;
  /** The message expires when it is still waiting after this time. Milliseconds, default 0: never. */
  readonly ttl?: number | undefined;
  /**
   * A key of the program's own, text of 1 to 255 bytes, that no two messages of the topic have at a time. As long as it is
   * known nothing is published with it again: the receipt is that of the message that has it, and says `duplicate`. The message
   * can be cancelled, rescheduled and looked up by it. Default: none.
   */
  readonly key?: string | undefined;
  /**
   * For how long the key is known, whatever becomes of the message meanwhile: milliseconds, at most ten years. Default 0: until
   * the message is done (acked, dropped or expired; a dead letter is not done).
   */
  readonly keyWindow?: number | undefined;
}

export interface PublishBatchOptions extends Omit<PublishOptions, "key"> {
  /** The key of each message, in the order of the bodies; undefined: that message has none. Default: none has one. */
  readonly keys?: readonly (string | undefined)[] | undefined;
}

export interface QueueOptions {
  /** The queue's bind key. Default `default`. */
  readonly queue?: string | undefined;
}

export interface AnyQueueOptions {
  /** The queue's bind key. Default: every queue of the topic. */
  readonly queue?: string | undefined;
}

export interface PopDeadOptions extends QueueOptions {
  /** Messages to hand over, at most. Default 1. */
  readonly max?: number | undefined;
  /** About how many bytes to hand over; one message comes however large it is. Default 1,048,576 (1 MiB). */
  readonly maxBytes?: number | undefined;
}

export interface PopOptions extends PopDeadOptions {
  /** How long to wait for the first message. Whole milliseconds up to 2^53 or Infinity, default 0. */
  readonly wait?: number | undefined;
}

export interface BrowseOptions extends PopDeadOptions {
  /** Which messages to show. Default `ready`. */
  readonly state?: MessageState | undefined;
  /** Messages to pass over. Default 0. */
  readonly offset?: number | undefined;
  /** Messages to show, 1 to 1,000. Default 10. */
  readonly max?: number | undefined;
}

export interface FindOptions extends QueueOptions {
  /** Which messages to look at. Default `all`, in this order: ready, delayed, in flight, dead. */
  readonly state?: MessageState | "all" | undefined;
  /**
   * A header that they have, by its name, of 1 to 255 bytes; with a `value`, the text, number or boolean that is spelled so.
   * Default: any headers or none.
   */
  readonly header?: { readonly name: string; readonly value?: string | undefined } | undefined;
  /** What their bodies have in them: a text, or bytes, 1 to 255 of them. Default: anything. */
  readonly text?: string | Uint8Array | undefined;
  /** Capital letters A to Z are as good as small ones in the text. Default false. */
  readonly ignoreCase?: boolean | undefined;
  /** The route key that they were published with. Default: any. */
  readonly routeKey?: string | undefined;
  /** Messages of a page, 1 to 1,000. Default 100. */
  readonly max?: number | undefined;
  /** About how many bytes a page has; one message comes however large it is. Default 1,048,576 (1 MiB). */
  readonly maxBytes?: number | undefined;
  /** After about how many messages that were looked at an iteration ends. Default: when all were. */
  readonly maxScanned?: number | undefined;
  /** The `cursor` of an earlier search, behind which this one begins. Default: at the beginning. */
  readonly from?: string | undefined;
}

export interface PurgeOptions extends QueueOptions {
  /** Which messages to drop. Default `ready`. */
  readonly state?: MessageState | "all" | undefined;
  /** Only those with these ids, in decimal, and these are dead letters: `state` is `dead`. Default: all in that state. */
  readonly ids?: string | readonly string[] | undefined;
}

export interface RedriveOptions extends QueueOptions {
  /** The dead letters to put back, by their ids in decimal. Default: all of them. */
  readonly ids?: string | readonly string[] | undefined;
}

/** Messages that may come ahead of their acks: a number, or as many as the program gets through. */
export type Prefetch = number | "auto" | { readonly min: number };

export interface ConsumeOptions extends QueueOptions {
  /**
   * Messages that the broker may push ahead of their acks. A number bounds what the client holds: so many messages, however
   * large they are. `auto`, the default, is measured in time: few at first, twice as many whenever the program has emptied
   * what came, up to 1,024, and no more than it gets through in about 100 ms; the rest goes back to its queue. `{ min }` is
   * the same with so many at least, 1 to 65,536, for a program that works on so many at a time.
   */
  readonly prefetch?: Prefetch | undefined;
}

export interface NackOptions {
  /** How long the message stays away from its queue. Milliseconds; default: as the topic's `retryDelay` says. */
  readonly delay?: number | undefined;
  /** False rejects it: it is a dead letter at once. Default true. */
  readonly retry?: boolean | undefined;
  /**
   * Why: a text, or an error, of which its name, message and stack are told; anything that was caught will do. It is in the
   * history of the message's failures. Of more than 2,048 bytes the rest is left out. Default: none.
   */
  readonly reason?: unknown;
}

export interface TouchOptions {
  /** How long it may be held from now. Milliseconds, default: the topic's TTR. */
  readonly ttr?: number | undefined;
}

export interface RequestOptions extends MessageOptions {
  /** How long to wait for the reply. Whole milliseconds from 1 to 86,400,000 (a day), default 10,000. */
  readonly timeout?: number | undefined;
  /** Abandons the request, which rejects with ABORTED, and its responder's work. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

export interface RespondOptions {
  /** Requests that it is at, at a time; others wait in the broker. 1 to 16,384, all of a connection together; default 64. */
  readonly concurrency?: number | undefined;
}

export type { Overflow } from "../../protocol/subscribe-options.js";

export interface SubscribeOptions {
  /**
   * What happens when this subscription is behind by more than 8,192 messages or 4 MiB. `drop-oldest`, the default: the
   * oldest are dropped and counted. `drop-newest`: those that come then are. `conflate`: it gets the last message of each
   * key only, however little it is behind. `disconnect`: the connection ends with SLOW_SUBSCRIBER, and
   * all subscriptions with this policy; it is made again for the others. `block`: publishes to
   * the channel are confirmed when it has caught up. Of a kept channel it reads on from what is kept instead.
   */
  readonly overflow?: Overflow | undefined;
  /**
   * The first message: the next one, the oldest that there is, the first that was published at that time or later, or the
   * one at a position. With the `epoch` of an earlier subscription it goes on where that was, and `recovered` and `lost`
   * tell whether anything is missing. Default `now`.
   *
   * A subscription with this, `recover` or `credit`, or with the policy `drop-newest`, `conflate` or `block`, goes on by
   * itself when the shard of its channel was restarted (`onResumed`), and has its channel alone: another subscription of the
   * same client to it is refused with BAD_ARGUMENT. Others end with SHARD_RESTARTED.
   */
  readonly from?: "now" | "start" | Date | ChannelPosition | undefined;
  /** Has a channel that is not kept remember its last messages, so that subscribers can go on. Default false. */
  readonly recover?: boolean | undefined;
  /**
   * Messages that may have come and not be read. The broker sends no more, so that nothing is dropped here: `overflow` is
   * about what the program has read. `auto`, the default of a subscription that has its channel alone: as many as take about
   * 4 MiB, up to 4,096. Others have no limit.
   */
  readonly credit?: number | "auto" | undefined;
  /**
   * Called with how many messages were lost, each time some are known to be. What it throws, or rejects with, is printed
   * with `console.error` and ends nothing.
   */
  readonly onLost?: ((count: number) => void) | undefined;
  /** Called when it goes on after an interruption. What it throws is treated as that of `onLost`. */
  readonly onResumed?: ((resumption: Resumption) => void) | undefined;
}

/** A place in a channel. */
export interface ChannelPosition {
  readonly position: number;
  /** What it counts in. Default: whatever the channel has now. */
  readonly epoch?: string | undefined;
}

/** How a subscription went on after it was interrupted. */
export interface Resumption {
  readonly epoch: string;
  /** Of the first message that comes. */
  readonly position: number;
  /** Nothing is missing. */
  readonly recovered: boolean;
  /**
   * How many messages are missing before `position`; undefined: unknown, because the channel has begun again. Those missing
   * further on are told when it comes to them (`onLost`).
   */
  readonly lost: number | undefined;
}

export interface CloseOptions {
  /** How long the broker may take to close its side, before the connection is cut. Milliseconds, default 1,000. */
  readonly timeout?: number | undefined;
}

export interface DrainOptions {
  /** How long draining may take before the client is closed as it is. Milliseconds up to 2^53 or Infinity, default 30,000. */
  readonly timeout?: number | undefined;
}

/** Where a message is in its life. */
export type MessageState = "ready" | "delayed" | "in-flight" | "dead";

/** How a topic treats its messages. docs/protocol.md tells the range of each value. */
export interface TopicConfig {
  /** A delivered message is gone. Default false. */
  readonly autoAck: boolean;
  /** What a route key is: a bind key, or a pattern that bind keys match. Default `exact`. */
  readonly mode: "exact" | "pattern";
  /** How long a delivery may be held. Milliseconds, default 60,000. */
  readonly ttr: number;
  /** Deliveries after the first before a message is dead. Default 5. */
  readonly retries: number;
  /**
   * How long a message whose delivery has failed stays away from its queue, unless a nack names a delay: `retryDelay` the
   * first time, then `retryFactor` (1 to 1,000, default 2) times as long each time. Milliseconds, default 0: it is ready again
   * at once.
   */
  readonly retryDelay: number;
  readonly retryFactor: number;
  /** The longest of these delays. Milliseconds, default 0: no cap but ten years. */
  readonly retryMaxDelay: number;
  /** By which share of a delay it may be shorter, another one for each message. 0 to 1, default 0. */
  readonly retryJitter: number;
  /**
   * How long after its publish a message is retried; one that fails later is a dead letter, `too-old`. Milliseconds, default
   * 0: no limit.
   */
  readonly retryMaxAge: number;
  /**
   * While so large a share of the last 32 deliveries that have ended has failed, of at least 20, a queue slows itself down: see
   * `braked` in its statistics. 0 to 1, default 0: it never does.
   */
  readonly brake: number;
  /** How long the messages of a producer that numbers them are remembered. Milliseconds, default 600,000. */
  readonly dedupWindow: number;
  /** How many of them at least, the newest of each producer. Default 100,000. */
  readonly dedupMessages: number;
  /** Keys of messages that are known at a time. Default 1,000,000. */
  readonly maxKeys: number;
  /** Ready and delayed messages of a queue. Default 0: no limit. */
  readonly maxLength: number;
  /** Bytes of the same. Default 0: no limit. */
  readonly maxBytes: number;
  /** What a publish to a full queue does: QUEUE_FULL, or the oldest ready messages go. Default `refuse`. */
  readonly overflow: "refuse" | "drop-oldest";
  /** What becomes of a message past its ttl. Default `drop`. */
  readonly expired: "drop" | "dead-letter";
  /** What a confirm waits for: the disk, the system, or nothing. Absent: the broker's `--durability`. */
  readonly durability?: "fsync" | "write" | "memory";
}

/** What a channel does with its messages. docs/protocol.md tells the range of each value. */
export interface ChannelConfig {
  /** Its messages are kept; false drops those that are. Default: the broker's `--persist`. */
  readonly keep: boolean;
  /** Kept messages, the newest. Default 0: no limit. */
  readonly maxMessages: number;
  /** Bytes of the same. Default 0: no limit. */
  readonly maxBytes: number;
  /** How long a message is kept. Milliseconds, default 0: no limit. */
  readonly maxAge: number;
  /** Messages of a history in memory that is always there. Default 0. */
  readonly history: number;
  /** Bytes of any history. Default 1,048,576 (1 MiB). */
  readonly historyBytes: number;
  /** What a confirm waits for. Absent: the broker's `--durability`. */
  readonly durability?: "fsync" | "write" | "memory";
}

export interface ChannelStatistics {
  readonly name: string;
  readonly config: ChannelConfig;
  readonly kept: boolean;
  readonly epoch: string;
  /** The position of the oldest message there is, and of the next one. */
  readonly first: number;
  readonly next: number;
  /** Messages there are, and their bytes. */
  readonly messages: number;
  readonly bytes: number;
  readonly published: number;
  readonly dropped: number;
  readonly subscribers: number;
  /** How many of them are behind. */
  readonly behind: number;
}

/** What a backup has come to. */
export interface BackupSummary {
  readonly shards: number;
  readonly segments: number;
  readonly bytes: number;
}

export interface QueueStatistics {
  readonly bindKey: string;
  readonly ready: number;
  readonly delayed: number;
  readonly inFlight: number;
  readonly deadLetters: number;
  readonly bytes: number;
  readonly consumers: number;
  readonly paused: boolean;
  /** It has slowed itself down, because nearly everything fails; and to how many messages a second. 0: to none. */
  readonly braked: boolean;
  readonly rate: number;
}

export interface TopicStatistics {
  readonly name: string;
  readonly config: TopicConfig;
  /** When the topic was made: milliseconds since 1970. */
  readonly startTime: number;
  readonly published: number;
  readonly delivered: number;
  readonly acked: number;
  readonly retried: number;
  /** Dead letters there have ever been. */
  readonly dead: number;
  readonly expired: number;
  readonly dropped: number;
  readonly queues: readonly QueueStatistics[];
}
