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
  /** CALLED: the head is [head, start), the message is [start, end). The sink may keep the bytes. */
  called(bytes: Uint8Array, view: DataView, head: number, start: number, end: number): void;
  /** ABANDONED, whose head is [head, end): nobody waits for the reply any more. */
  abandoned(bytes: Uint8Array, head: number, end: number): void;
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

/** Receives the samples of the broker. */
export interface SampleSink {
  /** SAMPLE: its numbers are [start, end). */
  sample(view: DataView, start: number, end: number): void;
  /** The connection has ended (undefined: its own program closed it). */
  ended(error: RingmqError | undefined): void;
  /** The connection was lost, and another one is made: the next broker does not know of it. */
  lost(): void;
}

/** All of a connection, by the numbers of their requests. */
export interface Sinks {
  readonly consumers: Map<number, ConsumerSink>;
  readonly responders: Map<number, ResponderSink>;
  readonly channels: ChannelSink | undefined;
  readonly samples: SampleSink | undefined;
}

/** Takes out those whose requests are not kept. */
const taken = (
  { consumers, responders }: Sinks,
  isKept: (request: number) => boolean,
): (ConsumerSink | ResponderSink)[] => {
  const sinks: (ConsumerSink | ResponderSink)[] = [];
  for (const numbered of [consumers, responders]) {
    for (const [request, sink] of numbered) {
      if (isKept(request)) continue;
      numbered.delete(request);
      sinks.push(sink);
    }
  }
  return sinks;
};

/** The connection has ended (undefined: its own program closed it). */
export const endSinks = (all: Sinks, reason: RingmqError | undefined): void => {
  for (const sink of taken(all, () => false)) sink.ended(reason);
  all.channels?.ended(reason);
  all.samples?.ended(reason);
};

/** The connection was lost, and another one is made. What `isAsked` has not begun yet. */
export const loseSinks = (all: Sinks, reason: RingmqError, isAsked: (request: number) => boolean): void => {
  for (const sink of taken(all, isAsked)) sink.lost(reason);
  all.channels?.lost(reason);
  all.samples?.lost();
};
