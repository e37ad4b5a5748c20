/**
 * What comes from the broker: each frame goes to the exchange, the consumer or the channel that it is for.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { FLAGS, HEAD, OP, REQUEST } from "../../protocol/frame.js";
import { unpackHead, unpackResult } from "../../protocol/head.js";
import { Answer } from "../../protocol/op.js";
import { type ReceivedReceipt, readFaults, readReceipts } from "../../protocol/selection.js";
import { brokerError, localError, type RingmqError } from "../base/error.js";
import type { Exchange } from "./pending-request.js";
import type { Requests } from "./request-table.js";

/** Where the messages of a CONSUME go. */
export interface ConsumerSink {
  /** MESSAGES: the runs are [start, end). The bytes are the sink's to keep. */
  messages(bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** There will be no more: CONSUMER_CLOSED, or the connection has ended (undefined: by its own program). */
  ended(error: RingmqError | undefined): void;
}

/** Where the messages of channels go. */
export interface ChannelSink {
  /** CHANNEL_MESSAGES: the head is [head, start), the entries [start, end). The bytes are the sink's to keep. */
  messages(bytes: Uint8Array, view: DataView, head: number, start: number, end: number): void;
  /** CHANNEL_LOST. */
  lost(channel: string, count: number): void;
  /** CONSUMER_CLOSED, when its number is no consumer's: it may be that of a SUBSCRIBE, whose channel gets no more. */
  closed(request: number, error: RingmqError): void;
  /** Whether CONSUMER_CLOSED may still come with this number. */
  holds(request: number): boolean;
  /** The connection has ended. */
  ended(error: RingmqError | undefined): void;
}

/** The connection, as its answers see it. */
interface Line {
  readonly consumers: Map<number, ConsumerSink>;
  readonly channels: ChannelSink | undefined;
  readonly onGoodbye: (() => void) | undefined;
  answered(exchange: Exchange): void;
  expectEnd(reason: RingmqError): void;
}

const badFrame = (text: string): never => {
  throw new ProtocolError("BAD_FRAME", text);
};

const count = (value: unknown): number =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : badFrame("a count is not a number");

const text = (value: unknown): string => (typeof value === "string" ? value : "");

const misunderstood = (cause: unknown): RingmqError =>
  localError("CONNECTION_CLOSED", "the answer could not be understood", cause);

export class Answers {
  readonly #line: Line;
  readonly #requests: Requests;

  constructor(line: Line, requests: Requests) {
    this.#line = line;
    this.#requests = requests;
  }

  /** Takes a frame. Throws ProtocolError when it is none that a broker may send now. */
  take(bytes: Uint8Array, view: DataView, start: number, payload: number, end: number): void {
    const request = view.getUint32(start + REQUEST);
    const head = (): readonly unknown[] => unpackHead(bytes, start + HEAD, payload);
    switch (view.getUint8(start + OP)) {
      case Answer.CONFIRM:
        for (const receipt of readReceipts(view, payload, end)) this.#confirm(receipt, view.getUint8(start + FLAGS));
        return;
      case Answer.MESSAGES:
        this.#messages(request, bytes, view, payload, end);
        return;
      case Answer.RESULT: {
        const [value] = unpackResult(bytes, payload, end);
        this.#answer(request, (exchange) => exchange.result(value));
        return;
      }
      case Answer.SETTLED: {
        const settled = count(head()[0]);
        const faults = readFaults(view, payload, end);
        this.#answer(request, (exchange) => exchange.settled(settled, faults));
        return;
      }
      case Answer.ERROR:
        this.#error(request, head());
        return;
      case Answer.CHANNEL_MESSAGES:
        this.#line.channels?.messages(bytes, view, start + HEAD, payload, end);
        return;
      case Answer.CHANNEL_LOST: {
        const [channel, lost] = head();
        this.#line.channels?.lost(text(channel), count(lost));
        return;
      }
      case Answer.CONSUMER_CLOSED: {
        const [code, why] = head();
        const error = brokerError(count(code), text(why));
        const consumer = this.#line.consumers.get(request);
        this.#line.consumers.delete(request);
        if (consumer !== undefined) consumer.ended(error);
        else this.#line.channels?.closed(request, error);
        return;
      }
      case Answer.GOODBYE:
        this.#line.expectEnd(localError("SHUTTING_DOWN", text(head()[0])));
        this.#line.onGoodbye?.();
        return;
      default:
        badFrame(`operation ${view.getUint8(start + OP)} is not one that a broker sends`);
    }
  }

  /** The exchange that waits for an answer, which it is about to get. */
  #take(request: number): Exchange {
    const exchange = this.#requests.take(request);
    if (exchange === undefined) return badFrame(`an answer to request ${request}, which waits for none`);
    this.#line.answered(exchange);
    return exchange;
  }

  /** Gives a request its answer. An exchange that cannot take it fails, and with it the connection. */
  #answer(request: number, act: (exchange: Exchange) => void): void {
    const exchange = this.#take(request);
    try {
      act(exchange);
    } catch (error) {
      exchange.failed(misunderstood(error));
      throw error;
    }
  }

  #confirm({ request, requests, high, low, messages }: ReceivedReceipt, durability: number): void {
    // Requests that are answered together are alike: each has its part, and its id when there are ids at all.
    const step = high === 0 && low === 0 ? 0 : 1;
    for (let i = 0; i < requests; i++) {
      const exchange = this.#take(request + i);
      try {
        exchange.confirmed(high, (low + i * step) >>> 0, messages / requests, durability);
      } catch (error) {
        exchange.failed(misunderstood(error));
        throw error;
      }
    }
  }

  #messages(request: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const consumer = this.#line.consumers.get(request);
    // A consumer has the number of its CONSUME, which is answered by CONFIRM, whichever of the two comes first.
    if (consumer !== undefined) consumer.messages(bytes, view, start, end);
    else this.#answer(request, (exchange) => exchange.messages(bytes, view, start, end));
  }

  #error(request: number, [code, why, retryable, closes]: readonly unknown[]): void {
    const error = brokerError(count(code), text(why), typeof retryable === "boolean" ? retryable : undefined);
    if (closes === true) this.#line.expectEnd(error);
    if (this.#requests.has(request)) this.#answer(request, (exchange) => exchange.failed(error));
    else if (request !== 0 && closes !== true) badFrame(`an error for request ${request}, which waits for no answer`);
  }
}
