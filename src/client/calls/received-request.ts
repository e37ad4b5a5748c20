/**
 * A request as a responder's handler gets it.
 */
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { plainHeaders, shownBody } from "../base/plain-content.js";
import { type Arrival, MessageContent } from "../messages/content.js";

export class ReceivedRequest extends MessageContent {
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  /** `at`: where its entry begins. */
  constructor(
    /** The channel that it was sent to. */
    readonly channel: string,
    /** How long the requester still waits, as of when the broker handed the request out. Milliseconds. */
    readonly timeLeft: number,
    protected readonly arrival: Arrival,
    at: number,
  ) {
    super(at);
  }

  /**
   * Fires when nobody waits for the reply any more. Its reason is a RingmqError: REQUEST_TIMEOUT, REQUEST_ABANDONED (the
   * requester gave up or has gone), or why the connection to the broker has ended.
   */
  get signal(): AbortSignal {
    // Most handlers never look at it, and one costs more than the rest of a request.
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** @internal */
  abandon(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** The body is in it as text. */
  toJSON(): object {
    const { channel, timeLeft } = this;
    return { channel, timeLeft, headers: plainHeaders(() => this.headers), body: this.text() };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    const { channel, timeLeft } = this;
    const content = { headers: plainHeaders(() => this.headers), body: shownBody(this.body) };
    return inspected("ReceivedRequest", { channel, timeLeft, ...content }, options, inspect);
  }
}
