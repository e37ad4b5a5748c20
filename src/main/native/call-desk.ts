/**
 * What connections share of calls: the calls themselves, the clock they go by, and who has been sent something. A frame of
 * one connection sends frames to others, which are gathered until all that came at once has been looked at.
 */
import { HeadReader } from "../../workers/head-reader.js";
import { Calls } from "../calls/calls.js";
import type { BrokerLimits } from "../limits.js";
import type { Log } from "../log.js";
import { contain } from "./error-boundary.js";

/** Bytes of calls that wait for responders, of all channels: a part of the memory, at least two largest frames. */
const MEMORY_SHARE = 1 / 8;
const MAX_ALL_WAITING_BYTES = 64 * 1024 * 1024;
const MIN_WAITING_FRAMES = 2;

/** A connection that something is gathered for. */
export interface CallRecipient {
  readonly peer: string;
  /** Writes what is gathered. */
  flush(): void;
  destroy(): void;
}

/** When the desk wants to be run. */
export interface CallSchedule {
  /** Milliseconds that never step back. */
  now(): number;
  /** Calls back when what has come by now has been looked at. */
  soon(flush: () => void): void;
  /** Calls back at that time, or earlier, instead of at the time that was said before. */
  wakeAt(time: number, expire: () => void): void;
}

export type CallDeskLimits = Pick<
  BrokerLimits,
  "memory" | "maxFrameBytes" | "maxConsumers" | "maxConsumersPerConnection" | "maxNameBytes"
>;

export class CallDesk {
  readonly calls: Calls;
  /** Heads are read at once: it serves all connections. */
  readonly reader: HeadReader;
  readonly #schedule: CallSchedule;
  readonly #log: Log;
  #recipients = new Set<CallRecipient>();
  /** When `expire` will be called, as far as the schedule knows. */
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor(limits: CallDeskLimits, schedule: CallSchedule, log: Log) {
    const { memory, maxFrameBytes, maxConsumers, maxConsumersPerConnection, maxNameBytes } = limits;
    const maxWaitingBytes = Math.max(
      Math.min(MAX_ALL_WAITING_BYTES, Math.floor(memory * MEMORY_SHARE)),
      MIN_WAITING_FRAMES * maxFrameBytes,
    );
    this.calls = new Calls({
      maxResponders: maxConsumers,
      maxRespondersOfOne: maxConsumersPerConnection,
      maxWaitingBytes,
    });
    this.reader = new HeadReader(maxNameBytes);
    this.#schedule = schedule;
    this.#log = log;
  }

  now(): number {
    return this.#schedule.now();
  }

  /** Something is gathered for this connection. */
  gathered(recipient: CallRecipient): void {
    if (this.#recipients.size === 0) this.#schedule.soon(this.flush);
    this.#recipients.add(recipient);
  }

  /** A call was made: its time may be over before all others. */
  begun(): void {
    const { due } = this.calls;
    if (due >= this.#wakesAt) return;
    this.#wakesAt = due;
    this.#schedule.wakeAt(due, this.expire);
  }

  /** Writes what is gathered. An error closes the connection it is about. */
  readonly flush = (): void => {
    const recipients = this.#recipients;
    if (recipients.size === 0) return;
    this.#recipients = new Set();
    for (const recipient of recipients) {
      try {
        recipient.flush();
      } catch (error) {
        contain(this.#log, `the connection of ${recipient.peer}`, error, () => recipient.destroy());
      }
    }
  };

  /** Ends the calls whose time is over. */
  readonly expire = (): void => {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    this.calls.expire(this.now());
    if (this.calls.size > 0) this.begun();
  };
}

/** By the clock and the timers of the machine. */
export const systemSchedule = (): CallSchedule => {
  let timer: NodeJS.Timeout | undefined;
  return {
    now: () => performance.now(),
    soon: (flush) => void setImmediate(flush),
    wakeAt: (time, expire) => {
      clearTimeout(timer);
      timer = setTimeout(expire, Math.max(0, time - performance.now()));
      timer.unref();
    },
  };
};

/** Whoever has the desk calls `flush` and `expire` itself: nothing needs to be scheduled. */
export const manualSchedule = (now: () => number): CallSchedule => ({ now, soon: () => {}, wakeAt: () => {} });
