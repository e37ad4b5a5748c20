/**
 * What a shard does to the world: it answers and delivers. The thread around it lays effects out as frames and sends
 * them when the journal position behind them is durable. Tests record them.
 *
 * Byte ranges point into the shard's log and are good only until the call returns.
 */
import type { ErrorName } from "../protocol/errors.js";

/** Consecutive messages that share everything but their bytes; src/protocol/run.ts is its layout. */
export interface Run {
  idHigh: number;
  idLow: number;
  count: number;
  /** 0 where nothing is handed over (browse, auto-ack). */
  delivery: number;
  retry: number;
  /** `Reason` of src/protocol/run.ts. */
  reason: number;
  /** When the lease ends, the delay is due or the message died; 0: none of these. */
  time: number;
  /** The history of the messages, for those who ask: see src/protocol/failure.ts. */
  failures: Uint8Array | undefined;
  /** The publisher's route key as UTF-8: [keyStart, keyEnd) of `bytes`. */
  keyStart: number;
  keyEnd: number;
  /** The entries: [start, end) of `bytes`. */
  bytes: Uint8Array;
  start: number;
  end: number;
  /** No record that the delivery depends on waits for the journal. */
  isDurable: boolean;
}

export interface Fault {
  readonly idHigh: number;
  readonly idLow: number;
  readonly count: number;
  readonly kind: ErrorName;
}

export interface Effects {
  /**
   * Done. `requests` consecutive requests, the first being `request`; see CONFIRM in docs/protocol.md. `level`: the
   * `Durability` that it has when this is sent. `isEnd`: of a consumer, whose messages come before this. `isDuplicate`: it had
   * been done before.
   */
  confirm(
    connection: number,
    request: number,
    requests: number,
    idHigh: number,
    idLow: number,
    messages: number,
    level: number,
    isEnd?: boolean,
    isDuplicate?: boolean,
  ): void;
  /** `isLook`: what has failed was a look, which shows things as they are and waits for nothing. */
  fail(connection: number, request: number, kind: ErrorName, text: string, isLook?: boolean): void;
  /**
   * `level`: the `Durability` of what the request has made, and of its records; undefined: it was a look. `channel`: it
   * begins a subscription, whose messages come after this.
   */
  result(connection: number, request: number, value: unknown, level?: number, channel?: string): void;
  /** Part of the selected messages was not settled; the rest was, with this `Durability`. */
  settled(connection: number, request: number, count: number, faults: readonly Fault[], level: number): void;

  /**
   * Messages for a pop, a consumer, or a browse or find, which are looks: open, any number of runs, close. `head`: what the answer
   * tells beside them.
   */
  openMessages(connection: number, request: number, isLook?: boolean, head?: readonly unknown[]): void;
  run(run: Readonly<Run>): void;
  closeMessages(): void;

  /**
   * Messages of a channel for some of its subscribers, with consecutive positions and ids: open, any number of entries,
   * close. An unchanged audience is the same array. The position and the id are those of the first message; an id of 0:
   * there are none. `isDurable`: the messages are as durable as their channel asks.
   */
  openChannel(
    connections: readonly number[],
    channel: string,
    position: number,
    idHigh: number,
    idLow: number,
    isDurable: boolean,
  ): void;
  /** Entries [start, end) of `bytes`. */
  channelEntries(bytes: Uint8Array, start: number, end: number): void;
  closeChannel(): void;
  channelLost(connection: number, channel: string, count: number): void;
  consumerClosed(connection: number, request: number, kind: ErrorName, text: string): void;
  /** Tell a connection why, then close it. */
  close(connection: number, kind: ErrorName, text: string): void;
}

/**
 * Milliseconds until the way to the clients is looked at again, when so much is on it that what can wait should: answers,
 * and what is for others, would have to wait behind it.
 */
export const CROWDED_WAIT = 1;
