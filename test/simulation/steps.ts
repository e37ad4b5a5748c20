/**
 * What happens in a simulation, as plain data: what clients ask for, what becomes of the disk, and when everything
 * ends. Messages are named by what became of them, so that a step means something whatever went before: a history stays
 * playable when some of its steps are left out.
 */
import type { Overflow } from "../../src/protocol/subscribe-options.js";
import type { ChannelConfig, FindConditions, MessageState, TopicConfig } from "../../src/shard/command.js";
import type { CrashKind, Fault } from "./simulated-disk.js";

/** A piece of what a request selects: `from` says what for, `at` which of those, `count` how many from there on. */
export interface Pick {
  readonly from: MessageState;
  readonly at: number;
  readonly count: number;
  /** The delivery number that is quoted. */
  readonly quote: "right" | "none" | "wrong";
}

interface At {
  readonly topic: string;
  readonly queue: string;
}

interface Settling {
  readonly connection: number;
  readonly picks: readonly Pick[];
  /** Which of the queues that have such messages. */
  readonly aim: number;
}

type QueueVerb = "declareQueue" | "deleteQueue" | "pause" | "resume";

export type ClientStep =
  | {
      readonly do: "publish";
      readonly connection: number;
      readonly topic: string;
      readonly key: string;
      readonly delay: number;
      readonly ttl: number;
      readonly count: number;
      /** Bytes of a body, about. */
      readonly size: number;
      readonly merged: boolean;
      /** A producer has numbered the messages; or it sends those again that it sent so many batches ago. */
      readonly numbered?: { readonly producer: string; readonly back: number };
      /** The messages have keys: those of a circle of so many, from the first one on. `window`: 0, or how long they are known. */
      readonly keyed?: { readonly first: number; readonly circle: number; readonly window: number };
    }
  | (At & { readonly do: "pop"; readonly connection: number; readonly max: number; readonly wait: number })
  | (At & { readonly do: "popDead"; readonly connection: number; readonly max: number })
  | (At & {
      readonly do: "consume";
      readonly connection: number;
      readonly credit: number;
      readonly renew: boolean;
      readonly reports: boolean;
    })
  | { readonly do: "credit"; readonly which: number; readonly credit: number }
  /** The program of a consumer has come to that of the messages it was sent. */
  | { readonly do: "seen"; readonly which: number; readonly at: number; readonly renews: boolean }
  | { readonly do: "stop"; readonly which: number; readonly givesBack: boolean }
  | (Settling & { readonly do: "ack" | "release" | "redrive" | "cancel" | "dropDead" })
  | (Settling & { readonly do: "nack"; readonly delay: number; readonly reject: boolean })
  | (Settling & { readonly do: "touch"; readonly ttr: number })
  | (Settling & { readonly do: "reschedule"; readonly delay: number })
  | { readonly do: "configure"; readonly topic: string; readonly config: Partial<TopicConfig> }
  | (At & { readonly do: QueueVerb })
  | { readonly do: "deleteTopic"; readonly topic: string }
  | (At & { readonly do: "purge"; readonly state: MessageState | "all" })
  | { readonly do: "disconnect"; readonly connection: number }
  | ChannelStep;

/** Somebody looks through a queue. */
export type LookStep =
  | (At & {
      readonly do: "find";
      /** Which of the searches that are under way it goes on with; there are less: it begins another one. */
      readonly which: number;
      readonly state: MessageState | "all";
      readonly max: number;
      readonly conditions: FindConditions;
    })
  | (At & { readonly do: "delayed"; readonly buckets: number; readonly from?: number; readonly to?: number })
  | (At & { readonly do: "deadGroups"; readonly max: number });

interface Following {
  readonly connection: number;
  readonly channel: string;
}

export type ChannelStep =
  | (Following & { readonly do: "publishChannel"; readonly key: string; readonly count: number; readonly size: number })
  | (Following & {
      readonly do: "subscribe";
      /** A time, or to go on where the same connection was. */
      readonly from: "now" | "start" | "resume" | number;
      readonly recover: boolean;
      readonly overflow: Overflow;
      /** 0: no limit. */
      readonly credit: number;
    })
  | (Following & { readonly do: "unsubscribe" | "hold" | "unhold" })
  | (Following & { readonly do: "channelCredit"; readonly credit: number })
  | { readonly do: "configureChannel"; readonly channel: string; readonly config: Partial<ChannelConfig> }
  | { readonly do: "deleteChannel"; readonly channel: string };

/** The end of everything, or of one shard's thread. */
export interface CrashStep {
  readonly do: "crash";
  readonly kind: CrashKind | "shard";
  /** In which operation of the disk from now on; 0: now, between two of them. */
  readonly after: number;
  /** Of what becomes of the unsynced. */
  readonly seed: number;
  /** Milliseconds until there is a broker again; negative: the clock was set back meanwhile. */
  readonly pause: number;
  /** The recovery ends early as well, in which operation; each time another. */
  readonly again: readonly number[];
  /** Shards of the next broker. Default: as many as before. */
  readonly shards?: number;
  /** Of the disk, while it starts. */
  readonly fault?: Fault;
}

export type Step =
  | ClientStep
  | LookStep
  | { readonly do: "wait"; readonly time: number }
  | { readonly do: "fault"; readonly fault: Fault }
  /** A backup is asked for, and made while clients go on. */
  | { readonly do: "backup" }
  /** The disk has space again, and works. */
  | { readonly do: "mend" }
  /** The broker stops in order and is started again. */
  | { readonly do: "restart"; readonly pause: number; readonly shards?: number; readonly fault?: Fault }
  | CrashStep;

/** A step, and whether the shard is given a turn and its journal a commit after it. */
export interface Move {
  readonly step: Step;
  readonly flush: boolean;
}

/** Everything that a simulation is made from. */
export interface History {
  readonly seed: number;
  readonly settings: Settings;
  readonly moves: readonly Move[];
}

export interface Settings {
  /** Of the first broker. */
  readonly shards: number;
  /** Channels are kept that nobody has configured. */
  readonly keepsChannels: boolean;
  /** `Durability` of the broker. */
  readonly level: number;
  readonly pageBytes: number;
  readonly segmentBytes: number;
  readonly memoryBytes: number;
  /** Somebody else makes the journal's spares, and takes its time. */
  readonly hasJobs: boolean;
  /** Milliseconds after which a topic is forgotten of which nothing is left. */
  readonly topicIdle: number;
}
