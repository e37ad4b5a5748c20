/** What the gRPC service needs of a broker. */
import type { Overflow, SubscribeOptions as WireOptions } from "../protocol/subscribe-options.js";

/** How a subscription begins, and what becomes of it when its client is slow. What it may be sent at a time is HTTP/2's. */
export interface SubscribeOptions extends Omit<WireOptions, "credit"> {
  readonly overflow?: Overflow | undefined;
}

/** What the broker has said of a subscription. Undefined: it has not said. */
export interface SubscriptionStart {
  readonly epoch?: string | undefined;
  readonly position?: number | undefined;
  readonly kept?: boolean | undefined;
  readonly recovered?: boolean | undefined;
  readonly lost?: number | undefined;
}

export interface ChannelMessage {
  readonly payload: Uint8Array;
  /** Undefined: the broker does not say. */
  readonly position: number | undefined;
  /** Undefined: it has none, since the channel is not kept. */
  readonly id: string | undefined;
  /** Messages lost right before this one. */
  readonly lost: number;
  /** Bytes that it takes up in its feed until it is `done`. */
  readonly size: number;
}

/** Why something failed, for a client: a code of docs/protocol.md. */
export interface Refusal {
  readonly code: string;
  readonly text: string;
}

/** A subscription. What is not taken waits in it, within the bounds of a connection of the broker. */
export interface Feed {
  readonly start: SubscriptionStart;
  /** Called when there is something to take again after there was nothing, or when it has ended. */
  onReady: () => void;
  /** The next message, or undefined: there is none now. Its bytes are the caller's. */
  take(): ChannelMessage | undefined;
  /** A message of this size has gone to the client. */
  done(size: number): void;
  /** Nothing more will come, and why. Undefined as long as there is something to take. */
  readonly end: Refusal | undefined;
  /** Frees it. */
  close(): void;
}

/** Who calls. */
export interface Caller {
  readonly address: string;
  /** What it has shown; undefined: nothing. */
  readonly token: string | undefined;
}

export interface Channels {
  /** Resolves when the broker has taken the message, with a refusal when it has not. `key`: what `conflate` goes by. */
  publish(channel: string, payload: Uint8Array, key: string | undefined, caller: Caller): Promise<Refusal | undefined>;
  /** Resolves when the subscription stands, or with why it does not. */
  subscribe(channel: string, options: SubscribeOptions, caller: Caller): Promise<Feed | Refusal>;
}

export const isRefusal = (value: Feed | Refusal): value is Refusal => "code" in value;
