/** Handlers of what is pushed to a session: messages of its consumers and its channels. */
import { unpackHead } from "../../protocol/head.js";
import { Answer } from "../../protocol/op.js";
import type { AnswerFrame, AnswerHandler } from "./answer-frame.js";

interface Subscription {
  readonly request: number;
  readonly onPush: AnswerHandler;
  /** What it takes the place of, as long as it may be refused. */
  before: Subscription | undefined;
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
    this.#subscriptions.set(channel, { request, onPush, before: this.#subscriptions.get(channel) });
  }

  /** The request has been answered: the subscription takes the place of the one before it, or that one stays. */
  endSubscribing(channel: string, request: number, isConfirmed: boolean): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription?.request !== request) return;
    const { before } = subscription;
    subscription.before = undefined;
    if (isConfirmed) return;
    if (before === undefined) this.#subscriptions.delete(channel);
    else this.#subscriptions.set(channel, before);
  }

  removeSubscription(channel: string): void {
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
