/** What is pushed to a session: messages of its consumers and its channels, asked for once and handed on as they come. */
import { SmallMap } from "../../collections/small-map.js";
import { packHead, unpackHead } from "../../protocol/head.js";
import { Answer, Op, RENEW } from "../../protocol/op.js";
import type { Overflow, SubscribeOptions as WireOptions } from "../../protocol/subscribe-options.js";
import type { AnswerFrame, AnswerHandler } from "./answer-frame.js";

/** What a session's subscriber asks for. With more than `overflow`, what answers is a RESULT. */
export interface SubscribeOptions extends WireOptions {
  readonly overflow: Overflow;
}

/** With any of these, what answers is a RESULT. */
const OPTION_NAMES = ["from", "position", "epoch", "recover", "credit"] as const;

const subscribeHead = (channel: string, options: SubscribeOptions): Uint8Array => {
  const map: Record<string, unknown> = {};
  let count = 0;
  for (const name of OPTION_NAMES) {
    if (options[name] === undefined) continue;
    map[name] = options[name];
    count++;
  }
  return packHead(count === 0 ? [channel, options.overflow] : [channel, options.overflow, map]);
};

interface Subscription {
  readonly request: number;
  readonly onPush: AnswerHandler;
  /** What it takes the place of, as long as it may be refused. */
  before: Subscription | undefined;
}

/** Requests of the session. */
interface Requests {
  /** Sends a request that has one answer; returns its number, or 0 if it is refused. */
  request(op: number, flags: number, head: Uint8Array, payload: undefined, onAnswer: AnswerHandler): number;
  /** Sends a request that has none. */
  tell(op: number, head: Uint8Array): void;
}

export interface ConsumeOptions {
  /** Messages that may be pushed before more credit is given. */
  readonly credit: number;
  /** A message that is settled gives its credit back. Default false. */
  readonly renew?: boolean;
}

export class SessionPushes {
  readonly #session: Requests;
  /** By the request that began the consumer. */
  readonly #consumers = new SmallMap<number, AnswerHandler>();
  /** By channel. */
  readonly #subscriptions = new SmallMap<string, Subscription>();

  constructor(session: Requests) {
    this.#session = session;
  }

  /**
   * Has messages of a queue pushed as long as there is credit: `onPush` is called with MESSAGES, and last with
   * CONSUMER_CLOSED if the broker ends it. Returns the consumer's number.
   */
  consume(
    topic: string,
    queue: string,
    { credit, renew = false }: ConsumeOptions,
    onAnswer: AnswerHandler,
    onPush: AnswerHandler,
  ): number {
    const flags = renew ? RENEW : 0;
    const head = packHead([topic, queue, credit]);
    const consumer = this.#session.request(Op.CONSUME, flags, head, undefined, (frame) => {
      if (frame.op === Answer.ERROR) this.#consumers.delete(consumer);
      onAnswer(frame);
    });
    if (consumer !== 0) this.#consumers.set(consumer, onPush);
    return consumer;
  }

  /** Gives a consumer credit for that many more messages. */
  credit(topic: string, queue: string, consumer: number, credit: number): void {
    this.#session.tell(Op.CREDIT, packHead([topic, queue, consumer, credit]));
  }

  /** Ends a consumer; what it holds can still be settled. */
  stop(topic: string, queue: string, consumer: number, onAnswer: AnswerHandler): void {
    this.#session.request(Op.STOP, 0, packHead([topic, queue, consumer]), undefined, (frame) => {
      if (frame.op === Answer.CONFIRM) this.#consumers.delete(consumer);
      onAnswer(frame);
    });
  }

  /**
   * Has messages of a channel pushed: `onPush` is called with CHANNEL_MESSAGES, CHANNEL_LOST, and last CONSUMER_CLOSED.
   * `onAnswer` gets a CONFIRM, or a RESULT where there is more than `overflow` in the options, or an ERROR.
   */
  subscribe(channel: string, options: SubscribeOptions, onAnswer: AnswerHandler, onPush: AnswerHandler): void {
    const head = subscribeHead(channel, options);
    const request = this.#session.request(Op.SUBSCRIBE, 0, head, undefined, (frame) => {
      this.#endSubscribing(channel, request, frame.op !== Answer.ERROR);
      onAnswer(frame);
    });
    if (request === 0) return;
    this.#subscriptions.set(channel, { request, onPush, before: this.#subscriptions.get(channel) });
  }

  /** Lets a subscription that was begun with a credit have so many more messages. */
  channelCredit(channel: string, credit: number): void {
    this.#session.tell(Op.CHANNEL_CREDIT, packHead([channel, credit]));
  }

  unsubscribe(channel: string, onAnswer: AnswerHandler): void {
    this.#session.request(Op.UNSUBSCRIBE, 0, packHead([channel]), undefined, (frame) => {
      if (frame.op === Answer.CONFIRM) this.#subscriptions.delete(channel);
      onAnswer(frame);
    });
  }

  isConsumer(request: number): boolean {
    return this.#consumers.has(request);
  }

  /** The request has been answered: the subscription takes the place of the one before it, or that one stays. */
  #endSubscribing(channel: string, request: number, isConfirmed: boolean): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription?.request !== request) return;
    const { before } = subscription;
    subscription.before = undefined;
    if (isConfirmed) return;
    if (before === undefined) this.#subscriptions.delete(channel);
    else this.#subscriptions.set(channel, before);
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
        // Nearly every subscriber has one, and what is pushed to it is of that one.
        if (this.#subscriptions.size === 1) for (const [, { onPush }] of this.#subscriptions) return onPush;
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
