/**
 * What a program says of its work: the handler and the options of `work`.
 */
import { badArgument, checkDuration, checkSignal, checkTimeout } from "../arguments/argument-checks.js";
import { names, readOptions } from "../arguments/option-reader.js";
import type { ConsumeOptions } from "../arguments/options.js";
import { checkWhole } from "../arguments/value-checks.js";
import type { Message } from "../consume/message.js";
import type { WorkContext } from "./work-context.js";

const OPTIONS = names("queue", "prefetch", "concurrency", "timeout", "retry", "signal", "onFailed");
const RETRY = names("delay");

/** Rows of a table of leases, 40 bytes each. */
const MAX_CONCURRENCY = 65_536;

/**
 * Works on a message. When it returns, or the promise that it returns resolves, the message is acked; when it throws or
 * rejects, the message is given back, with that as the reason, as the topic and the option `retry` say. It may settle the
 * message itself before.
 */
export type WorkHandler = (message: Message, context: WorkContext) => unknown;

/**
 * How long a message stays away after its handler has failed, in whole milliseconds; undefined: as the topic says. `attempt`
 * counts from 1.
 */
export type RetryDelay = (attempt: number, error: unknown) => number | undefined;

export interface WorkRetryOptions {
  /**
   * How long a message stays away from its queue after its handler has failed: whole milliseconds up to ten years, or a
   * function that tells them. Default: as the topic says.
   */
  readonly delay?: number | RetryDelay | undefined;
}

export interface WorkOptions extends ConsumeOptions {
  /** Handlers that run at a time, at most. 1 to 65,536, default 1. */
  readonly concurrency?: number | undefined;
  /**
   * The longest that a handler may take, in milliseconds up to 2^53, or Infinity. Then its signal fires and its lease is no
   * longer renewed: what it settles within another TTR still counts, after that the message is somebody else's. It keeps its
   * place among the handlers that run until it ends.
   *
   * Default Infinity: a handler may run for as long as the event loop turns. One that keeps it from turning has twelve TTRs,
   * after which its process is taken for one that hangs.
   */
  readonly timeout?: number | undefined;
  /** What becomes of messages whose handler has failed. */
  readonly retry?: WorkRetryOptions | undefined;
  /** Ends the worker at once: the signals of its handlers fire with ABORTED, whose cause is the reason of this one. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called when a handler has failed, with what it threw. Default: nobody is told; the dead letters and `failed` show it.
   * What it throws, or rejects with, is printed with `console.error` and ends nothing.
   */
  readonly onFailed?: ((error: unknown, message: Message) => unknown) | undefined;
}

/** The options, read once, with their defaults. */
export interface ReadWork {
  readonly handler: WorkHandler;
  readonly consume: ConsumeOptions;
  readonly concurrency: number;
  readonly timeout: number;
  readonly delay: number | RetryDelay | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onFailed: WorkOptions["onFailed"];
}

/** Reads and checks the arguments. Throws BAD_ARGUMENT. What concerns the queue is checked by whoever consumes it. */
export const readWork = (handler: WorkHandler, options: WorkOptions): ReadWork => {
  if (typeof handler !== "function") throw badArgument("handler", handler, "a function");
  const read = readOptions(options, OPTIONS);
  const { queue, prefetch, concurrency, timeout, retry = {}, signal, onFailed } = read;
  checkWhole("concurrency", concurrency, 1, MAX_CONCURRENCY);
  checkTimeout("timeout", timeout);
  checkSignal("signal", signal);
  const { delay } = readOptions(retry, RETRY);
  if (typeof delay !== "function") checkDuration("retry.delay", delay);
  if (onFailed !== undefined && typeof onFailed !== "function") throw badArgument("onFailed", onFailed, "a function");
  return {
    handler,
    consume: { queue, prefetch },
    concurrency: concurrency ?? 1,
    timeout: timeout ?? Number.POSITIVE_INFINITY,
    delay,
    signal,
    onFailed,
  };
};
