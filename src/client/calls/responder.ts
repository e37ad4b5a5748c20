/**
 * A responder as its program sees it.
 */
import type { DrainOptions } from "../arguments/options.js";
import { readStop } from "../arguments/request-checks.js";
import type { RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import type { Serving } from "./serving.js";

export class Responder {
  readonly #serving: Serving;

  /** @internal */
  constructor(
    /** The channel whose requests it takes. */
    readonly channel: string,
    serving: Serving,
  ) {
    this.#serving = serving;
  }

  /** Resolves when it has ended: with why, or with undefined when its own program ended it. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#serving.closed;
  }

  /**
   * Takes no more requests, and resolves when its handlers have ended and what they returned is on its way. It waits for them
   * for `timeout` at most: milliseconds up to 2^53 or Infinity, default 30,000. Then the signals of the requests that they are
   * still at fire with CLIENT_CLOSED, and their requesters get RESPONDER_FAILED.
   */
  async stop(options: DrainOptions = {}): Promise<void> {
    await this.#serving.stop(readStop(options));
  }

  /** As `stop`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  toJSON(): object {
    return { channel: this.channel };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("Responder", this.toJSON(), options, inspect);
  }
}
