/**
 * A frame of messages that were published one by one.
 *
 * Each message costs one promise and nothing else. These promises are derived from the frame's, and reactions to a
 * promise run in the order in which they were added: so the n-th call of `receipt` is for the n-th message.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { formatId } from "../../protocol/id.js";
import type { Body } from "../arguments/options.js";
import { deferred } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import { Patience, PendingRequest } from "../connection/pending-request.js";
import type { DatedFrame } from "./dated-frame.js";
import { type Fate, Fates } from "./fates.js";
import { type ChannelReceipt, type DurabilityName, durabilityName, Receipt } from "./receipt.js";
import { type DatedOptions, type Repeat, RepeatList } from "./repeat.js";
import type { TopicNumbers } from "./topic-numbers.js";

abstract class Batch<R> extends PendingRequest {
  /** Messages in it. */
  count = 0;
  protected readonly answer = deferred<void>();
  /** Makes the receipt of the next message. */
  protected abstract readonly receipt: () => R;

  override get patience(): Patience {
    return Patience.PUBLISH;
  }

  /** Adds a message that has been written to the frame. */
  add(): Promise<R> {
    this.count++;
    return this.answer.promise.then(this.receipt);
  }

  override failed(error: RingmqError): void {
    this.answer.reject(error);
  }
}

/** Messages to a topic. */
export class PublishBatch extends Batch<Receipt> {
  #repeats: RepeatList | undefined;
  readonly #numbers: TopicNumbers | undefined;
  readonly #dated: DatedFrame | undefined;
  #high = 0;
  #low = 0;
  #durability = 0;
  /** What became of each message, when that is not the same for all. */
  #fates: Fates | undefined;

  readonly #routeKey: string | undefined;
  readonly #delay: number | undefined;
  readonly #ttl: number | undefined;
  readonly #keyWindow: number | undefined;

  constructor(
    routeKey: string | undefined,
    delay: number | undefined,
    ttl: number | undefined,
    /** How long the keys of its messages are known; undefined: they have none. */
    keyWindow: number | undefined,
    /** The number of its first message, if it has one, which it holds, */
    readonly sequence?: number,
    /** and which is one of these. */
    numbers?: TopicNumbers,
    /** How to send it again, if it has a number and what it says of time changes. */
    dated?: DatedFrame,
  ) {
    super();
    this.isRepeatable = sequence !== undefined;
    this.#numbers = numbers;
    this.#dated = dated;
    this.#routeKey = routeKey;
    this.#delay = delay;
    this.#ttl = ttl;
    this.#keyWindow = keyWindow;
  }

  /** Whether a message with these options, and this number if it has one, may be added. */
  accepts(
    routeKey: string | undefined,
    delay: number | undefined,
    ttl: number | undefined,
    keyWindow: number | undefined,
    sequence: number | undefined,
  ): boolean {
    const isNext = this.sequence === undefined ? sequence === undefined : sequence === this.sequence + this.count;
    const isAlike = routeKey === this.#routeKey && delay === this.#delay && ttl === this.#ttl;
    return isNext && isAlike && keyWindow === this.#keyWindow;
  }

  /** As `add`. If the frame fails, the message is repeated, and the promise resolves as that of `repeat` does. */
  addRepeatable(topic: string, body: Body, dated: DatedOptions, repeat: Repeat): Promise<Receipt> {
    this.#repeats ??= new RepeatList(topic, repeat, this.sequence, this.#release);
    this.#repeats.push(body, dated);
    this.count++;
    return this.answer.promise.then(this.#receiptOrRepeat, this.#repeats.next);
  }

  override frameAt(now: number): Uint8Array | undefined {
    return this.frame === undefined ? undefined : (this.#dated?.at(this.frame, now) ?? this.frame);
  }

  override result(value: unknown): void {
    this.#fates = new Fates(value, this.count);
    this.answer.resolve();
    // What is repeated keeps its number for that.
    if (this.#repeats === undefined) this.#release();
  }

  override failed(error: RingmqError): void {
    super.failed(error);
    if (this.#repeats === undefined) this.#release();
  }

  protected readonly receipt = (): Receipt => {
    if (this.#fates !== undefined) return receiptOf(this.#fates.next());
    const receipt = new Receipt(this.#high, this.#low, this.#durability);
    this.#low = (this.#low + 1) | 0;
    return receipt;
  };

  readonly #receiptOrRepeat = (): Receipt | Promise<Receipt> => {
    if (this.#fates === undefined) return this.receipt();
    const fate = this.#fates.next();
    if (fate instanceof Receipt) this.#repeats?.skip();
    else if (this.#repeats !== undefined) return this.#repeats.next(fate);
    return receiptOf(fate);
  };

  override confirmed(high: number, low: number, messages: number, durability: number): void {
    if (messages !== this.count) {
      throw new ProtocolError("BAD_FRAME", `${messages} messages were confirmed of ${this.count}`);
    }
    this.#high = high;
    this.#low = low | 0;
    this.#durability = durability;
    this.answer.resolve();
    this.#release();
  }

  readonly #release = (): void => {
    if (this.sequence !== undefined) this.#numbers?.release(this.sequence);
  };
}

const receiptOf = (fate: Fate): Receipt => {
  if (fate instanceof Receipt) return fate;
  throw fate;
};

/** Messages to a channel. All of them have the same key and reach the same subscribers. */
export class ChannelBatch extends Batch<ChannelReceipt> {
  /** That of each message, where the channel is not kept. */
  #receipt: ChannelReceipt = { subscribers: 0 };
  #high = 0;
  #low = 0;
  #durability: DurabilityName = "memory";

  constructor(readonly key: string | undefined) {
    super();
  }

  protected readonly receipt = (): ChannelReceipt => {
    if (this.#high === 0 && this.#low === 0) return this.#receipt;
    const { subscribers } = this.#receipt;
    return { subscribers, id: formatId(this.#high, this.#low++), durability: this.#durability };
  };

  override confirmed(high: number, low: number, subscribers: number, durability: number): void {
    this.#receipt = { subscribers };
    this.#high = high;
    this.#low = low;
    this.#durability = durabilityName(durability);
    this.answer.resolve();
  }
}
