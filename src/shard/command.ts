/**
 * The commands of a shard. The thread around the shard decodes them and checks their layout: names are valid, entries
 * are whole, numbers are in range. The decoder reuses the objects of hot commands, so the shard keeps none.
 *
 * `connection` and `request` say whom to answer. Times are milliseconds. A `queue` is a bind key.
 */
import type { Overflow, SubscribeOptions } from "../protocol/subscribe-options.js";

/** Where to answer, and about what. */
interface Addressed {
  connection: number;
  request: number;
  topic: string;
}

/** Part of a buffer of the caller's: valid until `apply` returns. */
export interface Slice {
  bytes: Uint8Array;
  view: DataView;
  start: number;
  end: number;
}

export interface Publish extends Addressed, Slice {
  op: "publish";
  /** Consecutive requests that are merged into this command: 1, or one for each entry. */
  requests: number;
  /** Entries in the slice. */
  count: number;
  /** The entries of one request are taken or refused one by one. Default: as a whole. */
  isOneByOne?: boolean;
  /** Who has numbered the messages; empty or absent: nobody has. */
  producer?: string;
  /** The number of the first message; the others follow. */
  sequence?: number;
  /** The producer has had the answers to all lower numbers. */
  answered?: number;
  /** How long the keys of the messages are known: milliseconds; 0: until their messages are done. Below 0 or absent: they have none. */
  keyWindow?: number;
  /** The keys, one for each entry: [keysStart, keysEnd) of the buffer; src/protocol/keys.ts lays them out. */
  keysStart?: number;
  keysEnd?: number;
  routeKey: string;
  delay: number;
  /** 0: none. */
  ttl: number;
}

export interface Pop extends Addressed {
  op: "pop";
  queue: string;
  max: number;
  maxBytes: number;
  wait: number;
}

export interface PopDead extends Addressed {
  op: "popDead";
  queue: string;
  max: number;
  maxBytes: number;
  /** With the histories of the messages. Default false. */
  withFailures?: boolean;
}

export interface Consume extends Addressed {
  op: "consume";
  queue: string;
  credit: number;
  /** A message that leaves the consumer's hands gives its credit back. */
  renew: boolean;
  /** SEEN tells how far the client's program has come. Default false. */
  reports?: boolean;
}

export interface Credit extends Addressed {
  op: "credit";
  queue: string;
  /** The request of the CONSUME. */
  consumer: number;
  /** Below 0: so much is taken back. */
  credit: number;
}

/** How far the program of a consumer has come, if `delivery` is not 0: up to this message of that delivery. */
export interface Seen extends Addressed {
  op: "seen";
  queue: string;
  consumer: number;
  delivery: number;
  idLow: number;
  /** Renews the leases of what lies ahead. */
  renews: boolean;
}

/** A producer has had the answers to all lower numbers. */
export interface Answered extends Addressed {
  op: "answered";
  producer: string;
  answered: number;
}

export interface Stop extends Addressed {
  op: "stop";
  queue: string;
  consumer: number;
  /** What lies ahead is released. Default false. */
  givesBack?: boolean;
}

/** Selections as src/protocol/selection.ts lays them out. */
export interface Ack extends Addressed, Slice {
  op: "ack";
  queue: string;
}

export interface Nack extends Addressed, Slice {
  op: "nack";
  queue: string;
  /** Undefined: as the topic's retry policy says. */
  delay: number | undefined;
  /** To the dead letters instead of the queue. */
  reject: boolean;
  /** Why, for the history of the messages. Default "". */
  reason?: string;
}

/** Gives messages back that no program was handed. */
export interface Release extends Addressed, Slice {
  op: "release";
  queue: string;
}

export interface Touch extends Addressed, Slice {
  op: "touch";
  queue: string;
  /** 0: the topic's. */
  ttr: number;
}

export interface Cancel extends Addressed, Slice {
  op: "cancel";
  /** null: every queue of the topic. */
  queue: string | null;
  /** The slice has the keys of messages, not selections. Default false. */
  byKey?: boolean;
}

export interface Reschedule extends Addressed, Slice {
  op: "reschedule";
  queue: string | null;
  delay: number;
  byKey?: boolean;
}

/** No selection: all dead letters of the queue. */
export interface Redrive extends Addressed, Slice {
  op: "redrive";
  queue: string;
}

/** Drops dead letters, those that are named. */
export interface DropDead extends Addressed, Slice {
  op: "dropDead";
  queue: string;
}

export interface TopicConfig {
  readonly autoAck: boolean;
  readonly mode: "exact" | "pattern";
  readonly ttr: number;
  readonly retries: number;
  /** Milliseconds before the first retry; each later one waits `retryFactor` times as long, up to `retryMaxDelay` (0: no cap). */
  readonly retryDelay: number;
  readonly retryFactor: number;
  readonly retryMaxDelay: number;
  /** 0 to 1: by which share of a delay it may be shorter, message by message. */
  readonly retryJitter: number;
  /** Milliseconds since its publish after which a message is not retried; 0: none. */
  readonly retryMaxAge: number;
  /** 0 to 1: the share of failures among what ends from which a queue slows itself down; 0: it never does. */
  readonly brake: number;
  /** How long and how many messages of a producer that numbers them are remembered: milliseconds, and the newest. */
  readonly dedupWindow: number;
  readonly dedupMessages: number;
  /** Keys of messages that are known at a time. */
  readonly maxKeys: number;
  /** 0: no limit. */
  readonly maxLength: number;
  /** 0: no limit. */
  readonly maxBytes: number;
  readonly overflow: "refuse" | "drop-oldest";
  readonly expired: "drop" | "dead-letter";
  /** What a confirm waits for. Absent: the broker's. */
  readonly durability?: "fsync" | "write" | "memory";
}

export interface Configure extends Addressed {
  op: "configure";
  config: Partial<TopicConfig>;
}

type QueueOp = "declareQueue" | "deleteQueue" | "pause" | "resume";

export interface QueueCommand<Op extends QueueOp = QueueOp> extends Addressed {
  op: Op;
  queue: string;
}

export type MessageState = "ready" | "delayed" | "in-flight" | "dead";

export interface Purge extends Addressed {
  op: "purge";
  queue: string;
  state: MessageState | "all";
}

export interface Browse extends Addressed {
  op: "browse";
  queue: string;
  state: MessageState;
  offset: number;
  max: number;
  maxBytes: number;
  /** With the histories of the messages. Default false. */
  withFailures?: boolean;
}

/** What messages must have to be found; all that is given. */
export interface FindConditions {
  /** The name of a header. */
  readonly header?: string;
  /** What that header is: the text, number or boolean that is spelled so. */
  readonly value?: string;
  /** What the body has somewhere in it. */
  readonly text?: string | Uint8Array;
  /** Capital letters of ASCII in the body are as good as small ones. Default false. */
  readonly ignoreCase?: boolean;
  readonly routeKey?: string;
}

export interface Find extends Addressed {
  op: "find";
  queue: string;
  state: MessageState | "all";
  max: number;
  maxBytes: number;
  /** The cursor of an earlier answer, behind which it begins; "": at the beginning. */
  after: string;
  conditions: FindConditions;
  /** With the histories of the messages. Default false. */
  withFailures?: boolean;
}

/** How many delayed messages are due when. */
export interface Delayed extends Addressed {
  op: "delayed";
  queue: string;
  /** Parts of equal length that the time from `from` to `to` is counted by. */
  buckets: number;
  /** Milliseconds since 1970. Undefined: now; when the last one is due. */
  from: number | undefined;
  to: number | undefined;
}

/** The dead letters by what they have died of: the largest groups. */
export interface DeadGroups extends Addressed {
  op: "deadGroups";
  queue: string;
  max: number;
}

/** Of the message that has a key, or else of this id. */
export interface Lookup extends Addressed {
  op: "lookup";
  /** With the failures of the message and who holds it. Default false. */
  withHistory?: boolean;
  key: Uint8Array | undefined;
  idHigh: number;
  idLow: number;
}

/** Why messages do not arrive. */
export interface Explain extends Addressed {
  op: "explain";
  /** null: every queue of the topic. */
  queue: string | null;
  /** Also tells which queues it reaches; null: it does not. */
  routeKey: string | null;
}

/** The consumers and waiting pops of all queues. */
export interface ListConsumers {
  op: "consumers";
  connection: number;
  request: number;
  /** Those with a higher number; 0 begins. */
  after: number;
  max: number;
}

type TopicOp = "deleteTopic" | "stats";

export interface TopicCommand<Op extends TopicOp = TopicOp> extends Addressed {
  op: Op;
}

export interface Topics {
  op: "topics";
  connection: number;
  request: number;
  /** Names after this one; "" begins. */
  after: string;
  max: number;
}

/** Where to answer, and about which channel. */
interface ToChannel {
  connection: number;
  request: number;
  channel: string;
}

export interface Subscribe extends ToChannel {
  op: "subscribe";
  overflow: Overflow;
  options?: SubscribeOptions;
}

export interface Unsubscribe extends ToChannel {
  op: "unsubscribe";
}

export interface PublishChannel extends ToChannel, Slice {
  op: "publishChannel";
  count: number;
  /** What subscribers that conflate go by; "": the key of messages without one. */
  key: string;
}

export interface ChannelCredit extends ToChannel {
  op: "channelCredit";
  credit: number;
}

export interface ChannelConfig {
  /** Messages are in the log. */
  readonly keep: boolean;
  /** Kept messages and bytes of them; 0: no limit. */
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Milliseconds that a message is kept; 0: no limit. */
  readonly maxAge: number;
  /** Messages of the history that a channel which is not kept always has. */
  readonly history: number;
  /** Bytes of any history. */
  readonly historyBytes: number;
  /** What a confirm waits for. Absent: the broker's. */
  readonly durability?: "fsync" | "write" | "memory";
}

export interface ConfigureChannel extends ToChannel {
  op: "configureChannel";
  config: Partial<ChannelConfig>;
}

type ChannelOp = "deleteChannel" | "channelStats";

export interface ChannelCommand<Op extends ChannelOp = ChannelOp> extends ToChannel {
  op: Op;
}

/** As `Topics`. */
export interface ListChannels {
  op: "channels";
  connection: number;
  request: number;
  after: string;
  max: number;
}

type ConnectionOp = "disconnect" | "hold" | "unhold";

/** About a connection as a whole: it is closed; it is to be sent no deliveries; it can take them again. */
export interface ConnectionCommand<Op extends ConnectionOp = ConnectionOp> {
  op: Op;
  connection: number;
}

export type Command =
  | Publish
  | Pop
  | PopDead
  | Consume
  | Credit
  | Seen
  | Answered
  | Stop
  | Ack
  | Nack
  | Release
  | Touch
  | Cancel
  | Reschedule
  | Redrive
  | DropDead
  | Configure
  | QueueCommand<"declareQueue">
  | QueueCommand<"deleteQueue">
  | QueueCommand<"pause">
  | QueueCommand<"resume">
  | Purge
  | Browse
  | Find
  | Delayed
  | DeadGroups
  | Lookup
  | TopicCommand<"deleteTopic">
  | TopicCommand<"stats">
  | Topics
  | ListConsumers
  | Explain
  | Subscribe
  | Unsubscribe
  | PublishChannel
  | ChannelCredit
  | ConfigureChannel
  | ChannelCommand<"deleteChannel">
  | ChannelCommand<"channelStats">
  | ListChannels
  | ConnectionCommand<"disconnect">
  | ConnectionCommand<"hold">
  | ConnectionCommand<"unhold">;
