/**
 * Where a connection delivers what the broker pushes.
 */
import type { RingmqError } from "../base/error.js";

/** Receives the messages of one CONSUME. */
export interface ConsumerSink {
  /** MESSAGES: the runs are [start, end). The sink may keep the bytes. */
  messages(bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** Nothing more will come: CONSUMER_CLOSED, or the connection has ended (undefined: its own program closed it). */
  ended(error: RingmqError | undefined): void;
  /** The connection was lost, and another one is made: nothing more comes with this number. */
  lost(reason: RingmqError): void;
}

/** Receives the messages of all channels. */
export interface ChannelSink {
  /** CHANNEL_MESSAGES: the head is [head, start), the entries are [start, end). The sink may keep the bytes. */
  messages(bytes: Uint8Array, view: DataView, head: number, start: number, end: number): void;
  /** CHANNEL_LOST. */
  dropped(channel: string, count: number): void;
  /** CONSUMER_CLOSED with a number that no consumer has: that of a SUBSCRIBE, unless the program left just now. */
  closed(request: number, error: RingmqError): void;
  /** Whether CONSUMER_CLOSED may still come with this number. */
  holds(request: number): boolean;
  /** The connection has ended (undefined: its own program closed it). */
  ended(error: RingmqError | undefined): void;
  /** The connection was lost, and another one is made: nothing more comes of what was subscribed to. */
  lost(reason: RingmqError): void;
}
