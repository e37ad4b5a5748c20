/**
 * What can happen to a shard, as plain data. A step names topics, queues and connections out of small sets, so that
 * they collide, and messages by what became of them: which ones these are is known only when the step is played.
 */
import type { MessageState, TopicConfig } from "../../../src/shard/command.js";

export const TOPICS = ["t", "u", "v", "w"] as const;
export const KEYS = ["", "default", "a", "b", "ab"] as const;
export const CHANNELS = ["c", "d", "e", "f"] as const;
export const CONNECTIONS = [1, 2, 3] as const;
export const STATES: readonly MessageState[] = ["ready", "delayed", "in-flight", "dead"];

/** A piece of what a request selects: `from` says what for, `at` which of those, `count` how many from there on. */
export interface Pick {
  readonly from: MessageState | "any";
  readonly at: number;
  readonly count: number;
  /** The delivery number that is quoted. */
  readonly quote: "right" | "none" | "wrong";
}

interface At {
  readonly topic: string;
  readonly queue: string;
}

/** How a producer numbers what it publishes: from its next number on, or from so far `back` again. */
export interface Numbered {
  readonly producer: string;
  readonly back: number;
  /** It has had the answers to all numbers below that of the first message but so many. */
  readonly unanswered: number | undefined;
}

/** The key that each message has, counted from the first on in a circle of so many; and how long it is known. */
export interface KeyedWith {
  readonly first: number;
  readonly circle: number;
  readonly window: number;
  readonly oneByOne: boolean;
}

interface Asking extends At {
  readonly connection: number;
}

/** A request about messages is mostly sent to one of the queues that have such, counted by `aim`. */
interface Settling extends Asking {
  readonly picks: readonly Pick[];
  readonly aim: number | undefined;
}

export type Step =
  | { readonly do: "wait"; readonly time: number }
  /** The clock steps back: the shard is told times that are over until it has caught up. */
  | { readonly do: "stepBack"; readonly time: number }
  | {
      readonly do: "publish";
      readonly connection: number;
      readonly topic: string;
      readonly key: string;
      readonly delay: number;
      readonly ttl: number;
      readonly count: number;
      readonly size: number;
      readonly merged: boolean;
      /** A producer has numbered the messages. */
      readonly numbered?: Numbered;
      /** The messages have keys; they are not merged then. */
      readonly keyed?: KeyedWith;
    }
  | (Asking & { readonly do: "pop"; readonly max: number; readonly maxBytes: number; readonly wait: number })
  | (Asking & {
      readonly do: "popDead";
      readonly max: number;
      readonly maxBytes: number;
      readonly withFailures?: boolean;
    })
  | (Asking & { readonly do: "consume"; readonly credit: number; readonly renew: boolean; readonly reports?: boolean })
  | { readonly do: "credit"; readonly which: number | undefined; readonly credit: number }
  | { readonly do: "stop"; readonly which: number | undefined; readonly givesBack?: boolean }
  /** `at` counts what the consumer was sent; `to`: that message, one that it was never sent, or none. */
  | {
      readonly do: "seen";
      readonly which: number | undefined;
      readonly at: number;
      readonly to: "it" | "beyond" | "none";
      readonly renews: boolean;
    }
  /** A producer has had the answers to all that it has sent, or to none. */
  | { readonly do: "answered"; readonly topic: string; readonly producer: string; readonly all: boolean }
  | (Settling & { readonly do: "ack" | "release" | "redrive" | "dropDead" })
  | (Settling & {
      readonly do: "nack";
      readonly delay: number | undefined;
      readonly reject: boolean;
      readonly reason?: string;
    })
  | (Settling & { readonly do: "touch"; readonly ttr: number })
  /** Of messages that are named by these of their keys. */
  | (At & { readonly do: "cancelKeys"; readonly all: boolean; readonly keys: readonly number[] })
  | (At & {
      readonly do: "rescheduleKeys";
      readonly all: boolean;
      readonly delay: number;
      readonly keys: readonly number[];
    })
  | (Settling & { readonly do: "cancel"; readonly all: boolean })
  | (Settling & { readonly do: "reschedule"; readonly all: boolean; readonly delay: number })
  | (At & { readonly do: "configure"; readonly config: Partial<TopicConfig> })
  | (At & { readonly do: "declareQueue" | "deleteQueue" | "pause" | "resume" })
  | (At & { readonly do: "deleteTopic" })
  | (Asking & { readonly do: "stats" | "topics" })
  | (At & { readonly do: "purge"; readonly state: MessageState | "all" })
  | (Asking & {
      readonly do: "browse";
      readonly state: MessageState;
      readonly offset: number;
      readonly max: number;
      readonly maxBytes: number;
    })
  | {
      readonly do: "subscribe";
      readonly connection: number;
      readonly channel: string;
      readonly overflow: "drop-oldest" | "disconnect";
    }
  | { readonly do: "unsubscribe"; readonly connection: number; readonly channel: string }
  | { readonly do: "publishChannel"; readonly channel: string; readonly count: number; readonly size: number }
  | { readonly do: "hold" | "unhold" | "disconnect"; readonly connection: number };

/** A step, and whether the shard is given a turn after it. */
export interface Move {
  readonly step: Step;
  readonly turn: boolean;
}
