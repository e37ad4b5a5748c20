/** What the lease thread and the thread of the workers tell each other. */
import type { RingmqErrorCode } from "../../base/error.js";
import type { BrokerTarget } from "../../connection/target.js";

/** To the thread. Workers and lines have numbers, those of lines within their worker. */
export type LeaseOrder =
  /** To `time?`: the workers' clock, in milliseconds. */
  | { readonly kind: "time"; readonly now: number }
  | { readonly kind: "begin"; readonly worker: number; readonly memory: ArrayBufferLike; readonly timeout: number }
  | { readonly kind: "end"; readonly worker: number }
  | {
      readonly kind: "line";
      readonly worker: number;
      readonly line: number;
      readonly target: BrokerTarget;
      readonly topic: string;
      readonly queue: string | undefined;
      readonly ttr: number;
    }
  | { readonly kind: "line-ended"; readonly worker: number; readonly line: number }
  /** There is something in hand again. */
  | { readonly kind: "watch"; readonly worker: number }
  /** To `ask`. */
  | { readonly kind: "turned" };

/** From the thread. */
export type LeaseReport =
  /** What time it is by the workers' clock. */
  | { readonly kind: "time?" }
  /** It runs, and knows. */
  | { readonly kind: "ready" }
  | {
      readonly kind: "lost";
      readonly worker: number;
      readonly row: number;
      readonly ticket: number;
      readonly code: RingmqErrorCode;
    }
  /** The broker has no connection for this thread. */
  | { readonly kind: "refused"; readonly worker: number }
  /** Whether the event loop turns. */
  | { readonly kind: "ask" };
