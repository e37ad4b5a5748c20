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

/** Receives the calls of one RESPOND. */
export interface ResponderSink {
  /** CALLED: the message is [start, end), and the requester waits for so many milliseconds. The sink may keep the bytes. */
  called(call: number, timeLeft: number, bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** ABANDONED: nobody waits for the reply any more. */
  abandoned(call: number, reason: RingmqError): void;
  /** The connection was lost, and another one is made: nothing more comes with this number. */
  lost(reason: RingmqError): void;
  /** The connection has ended (undefined: its own program closed it). */
  ended(error: RingmqError | undefined): void;
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
