/**
 * Hands each frame from the broker to the request, the consumer or the channel that it is for.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { FLAGS, HEAD, OP, REQUEST } from "../../protocol/frame.js";
import { unpackHead, unpackResult } from "../../protocol/head.js";
import { Answer } from "../../protocol/op.js";
import { type ReceivedReceipt, readReceipts } from "../../protocol/selection.js";
import { brokerError, localError, type RingmqError } from "../base/error.js";
import type { PendingRequest } from "./pending-request.js";
import type { RequestTable } from "./request-table.js";
import type { ChannelSink, ConsumerSink, ResponderSink, SampleSink } from "./sinks.js";

/** What it needs of the connection. */
interface AnswerTarget {
  readonly consumers: Map<number, ConsumerSink>;
  readonly responders: ReadonlyMap<number, ResponderSink>;
  readonly channels: ChannelSink | undefined;
  readonly samples: SampleSink | undefined;
  readonly onGoodbye: ((reason: RingmqError) => void) | undefined;
  answered(pending: PendingRequest): void;
  /** Whether a request that is refused because the broker stops is kept for the next connection. */
  isKept(request: number): boolean;
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
  readonly #target: AnswerTarget;
  readonly #requests: RequestTable;

  constructor(target: AnswerTarget, requests: RequestTable) {
    this.#target = target;
    this.#requests = requests;
  }

  /** Takes a frame, its head being [start + HEAD, payload). Throws ProtocolError when a broker may not send it now. */
  take(bytes: Uint8Array, view: DataView, start: number, payload: number, end: number): void {
    const request = view.getUint32(start + REQUEST);
    const head = (): readonly unknown[] => unpackHead(bytes, start + HEAD, payload);
    switch (view.getUint8(start + OP)) {
      case Answer.CONFIRM:
        for (const receipt of readReceipts(view, payload, end)) this.#confirm(receipt, view.getUint8(start + FLAGS));
        return;
      case Answer.MESSAGES:
        this.#messages(request, bytes, view, payload, end, start + HEAD);
        return;
      case Answer.RESULT: {
        const [value] = unpackResult(bytes, payload, end);
        this.#answer(request, (pending) => pending.result(value));
        return;
      }
      case Answer.SETTLED: {
        const settled = count(head()[0]);
        this.#answer(request, (pending) => pending.settled(settled, view, payload, end));
        return;
      }
      case Answer.ERROR:
        this.#error(request, head());
        return;
      case Answer.CHANNEL_MESSAGES:
        this.#target.channels?.messages(bytes, view, start + HEAD, payload, end);
        return;
      case Answer.CHANNEL_LOST: {
        const [channel, lost] = head();
        this.#target.channels?.dropped(text(channel), count(lost));
        return;
      }
      case Answer.CONSUMER_CLOSED: {
        const [code, why] = head();
        const error = brokerError(count(code), text(why));
        const consumer = this.#target.consumers.get(request);
        this.#target.consumers.delete(request);
        if (consumer !== undefined) consumer.ended(error);
        else this.#target.channels?.closed(request, error);
        return;
      }
      case Answer.REPLIED:
        this.#answer(request, (pending) => pending.replied(bytes, view, payload, end));
        return;
      case Answer.CALLED: {
        const responder = this.#target.responders.get(request);
        if (responder === undefined) return badFrame(`a call for responder ${request}, which there is not`);
        responder.called(bytes, view, start + HEAD, payload, end);
        return;
      }
      case Answer.ABANDONED:
        // Its responder may have stopped just now.
        this.#target.responders.get(request)?.abandoned(bytes, start + HEAD, payload);
        return;
      case Answer.SAMPLE:
        this.#target.samples?.sample(view, payload, end);
        return;
      case Answer.GOODBYE: {
        const reason = localError("SHUTTING_DOWN", text(head()[0]));
        this.#target.expectEnd(reason);
        this.#target.onGoodbye?.(reason);
        return;
      }
      default:
        badFrame(`operation ${view.getUint8(start + OP)} is not one that a broker sends`);
    }
  }

  /** The request that this answers. It counts as answered from here on. */
  #take(request: number): PendingRequest {
    const pending = this.#requests.take(request);
    if (pending === undefined) return badFrame(`an answer to request ${request}, which waits for none`);
    this.#target.answered(pending);
    return pending;
  }

  /** Gives a request its answer. If it cannot take it, it fails, and so does the connection. */
  #answer(request: number, act: (pending: PendingRequest) => void): void {
    const pending = this.#take(request);
    try {
      act(pending);
    } catch (error) {
      pending.failed(misunderstood(error));
      throw error;
    }
  }

  #confirm({ request, requests, high, low, messages }: ReceivedReceipt, durability: number): void {
    // The broker adds up receipts of equal requests: each gets the same number of messages, and ids count up.
    const step = high === 0 && low === 0 ? 0 : 1;
    for (let i = 0; i < requests; i++) {
      const pending = this.#take(request + i);
      try {
        pending.confirmed(high, (low + i * step) >>> 0, messages / requests, durability);
      } catch (error) {
        pending.failed(misunderstood(error));
        throw error;
      }
    }
  }

  #messages(request: number, bytes: Uint8Array, view: DataView, start: number, end: number, headStart: number): void {
    const consumer = this.#target.consumers.get(request);
    // MESSAGES with the number of a CONSUME are deliveries, also before its CONFIRM.
    if (consumer !== undefined) consumer.messages(bytes, view, start, end);
    else this.#answer(request, (pending) => pending.messages(bytes, view, start, end, headStart));
  }

  #error(request: number, [code, why, retryable, closes, name]: readonly unknown[]): void {
    const isRetryable = typeof retryable === "boolean" ? retryable : undefined;
    const error = brokerError(count(code), text(why), isRetryable);
    if (closes === true) this.#target.expectEnd(error);
    if (error.code === "SHUTTING_DOWN" && this.#target.isKept(request)) return;
    if (this.#requests.has(request))
      this.#answer(request, (pending) => pending.failed(error, typeof name === "string" ? name : undefined));
    else if (request !== 0 && closes !== true) badFrame(`an error for request ${request}, which waits for no answer`);
  }
}
