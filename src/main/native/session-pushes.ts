/** Handlers of what is pushed to a session: messages of its consumers and its channels. */
import { unpackHead } from "../../protocol/head.js";
import { Answer } from "../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "./answer-frame.js";

interface Subscription {
  readonly request: number;
  readonly onPush: AnswerHandler;
}

export class SessionPushes {
  /** By the request that began the consumer. */
  readonly #consumers = new Map<number, AnswerHandler>();
  /** By channel. */
  readonly #subscriptions = new Map<string, Subscription>();

  isConsumer(request: number): boolean {
    return this.#consumers.has(request);
  }

  addConsumer(request: number, onPush: AnswerHandler): void {
    this.#consumers.set(request, onPush);
  }

  removeConsumer(request: number): void {
    this.#consumers.delete(request);
  }

  addSubscription(channel: string, request: number, onPush: AnswerHandler): void {
    this.#subscriptions.set(channel, { request, onPush });
  }

  /** `request`: only the subscription that it began. */
  removeSubscription(channel: string, request?: number): void {
    if (request !== undefined && this.#subscriptions.get(channel)?.request !== request) return;
    this.#subscriptions.delete(channel);
  }

  clear(): void {
    this.#consumers.clear();
    this.#subscriptions.clear();
  }

  /** The handler of a frame; undefined if it is no push, or if nobody takes it. */
  handlerOf(frame: AnswerFrame): AnswerHandler | undefined {
    switch (frame.op) {
      case Answer.MESSAGES:
        return this.#consumers.get(frame.request);
      case Answer.CONSUMER_CLOSED:
        return this.#close(frame.request);
      case Answer.CHANNEL_MESSAGES:
      case Answer.CHANNEL_LOST: {
        const [channel] = unpackHead(frame.bytes, frame.headStart, frame.headEnd);
        return typeof channel === "string" ? this.#subscriptions.get(channel)?.onPush : undefined;
      }
      default:
        return undefined;
    }
  }

  /** The broker has ended a consumer or a subscription: this is the last that its handler is told. */
  #close(request: number): AnswerHandler | undefined {
    const onPush = this.#consumers.get(request);
    this.#consumers.delete(request);
    if (onPush !== undefined) return onPush;
    for (const [channel, subscription] of this.#subscriptions) {
      if (subscription.request !== request) continue;
      this.#subscriptions.delete(channel);
      return subscription.onPush;
    }
    return undefined;
  }
}
