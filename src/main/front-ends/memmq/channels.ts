/**
 * What memmq's routes ask for, whoever answers: the broker's own channels, or those of other servers. A topic of memmq is a
 * channel.
 */
import type { ErrorName } from "../../../protocol/errors.js";
import type { SessionClient } from "../../native/session-client.js";
import type { SubscribeOptions } from "../../native/session-pushes.js";
import type { Caller } from "../../ports/http/caller.js";

/** Why something was not done. */
export interface Refusal {
  readonly kind: ErrorName;
  /** For people. */
  readonly text: string;
}

/** Called once: all was published, or nothing for this reason. */
export type OnPublished = (refusal: Refusal | undefined) => void;

/** How a subscription has begun: the RESULT of SUBSCRIBE. Undefined: not known. */
export interface Subscribed {
  readonly epoch: string | undefined;
  readonly position: number | undefined;
  readonly kept: boolean;
  readonly recovered: boolean | undefined;
  readonly lost: number | undefined;
}

export interface MessageId {
  readonly high: number;
  readonly low: number;
}

/** Messages of a channel, one after another; good until the sink returns. */
export interface ChannelMessages {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Entries, as docs/protocol.md has them: [start, end). */
  readonly start: number;
  readonly end: number;
  /** Of the first; those behind it have the next ones. */
  readonly position: number | undefined;
  /** Of the first, where it is known, as `position`. */
  readonly id: MessageId | undefined;
}

/** Who hears a subscription. */
export interface Sink {
  /** It has begun; called again when it has had to begin anew, with what was lost meanwhile. */
  subscribed(start: Subscribed): void;
  messages(messages: ChannelMessages): void;
  /** So many will not be sent, before the next one. */
  lost(count: number): void;
  /** It has ended, or has not begun. Nothing more is called. */
  ended(refusal: Refusal): void;
}

/** A client with a connection of its own, as the port tells how it fares. */
export interface ChannelClient {
  heard(): void;
  unsent(): void;
  drained(): void;
  closed(): void;
  /**
   * Publishes entries, 1 to 4,096, in the order of the calls; they are the caller's again when it returns. `key` is what
   * `conflate` goes by.
   */
  publish(channel: string, key: string, entries: Uint8Array, onPublished: OnPublished): void;
  /** Once at most for a client. The sink is told no faster than the client takes what it writes. */
  subscribe(channel: string, options: SubscribeOptions, sink: Sink): void;
  /** Calls back when what is ready to be read has been, in time for `publish` to travel with the rest of that. */
  atTurnEnd(work: () => void): void;
}

export interface Channels {
  /** Publishes an entry for a client of plain HTTP. */
  publish(caller: Caller, channel: string, key: string, entry: Uint8Array, onPublished: OnPublished): void;
  /** A client has come. `what` it does, for the log. */
  open(what: string, caller: Caller, client: SessionClient): ChannelClient;
}
