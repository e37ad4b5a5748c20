/**
 * A frame of messages that were published one by one.
 *
 * Each message costs one promise and nothing else. These promises are derived from the frame's, and reactions to a
 * promise run in the order in which they were added: so the n-th call of `receipt` is for the n-th message.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { formatId } from "../../protocol/id.js";
import { deferred } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import { Patience, PendingRequest } from "../connection/pending-request.js";
import { type Fate, Fates } from "./fates.js";
import { type ChannelReceipt, type DurabilityName, durabilityName, Receipt } from "./receipt.js";
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

  /**
   * Adds a message that has been written to the frame. Its promise resolves with the receipt of the next message; or as these say,
   * called once for each message in their order.
   */
  add(answered: () => R | Promise<R> = this.receipt, failed?: (error: RingmqError) => Promise<R>): Promise<R> {
    this.count++;
    return this.answer.promise.then(answered, failed);
  }

  override failed(error: RingmqError): void {
    this.answer.reject(error);
  }
}

/** Messages to a topic. */
export class PublishBatch extends Batch<Receipt> {
  /** Where those who publish its messages elsewhere if it fails keep them; they release its number. */
  repeats: object | undefined;
  readonly #numbers: TopicNumbers | undefined;
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
  ) {
    super();
    this.isRepeatable = sequence !== undefined;
    this.#numbers = numbers;
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

  override result(value: unknown): void {
    this.#fates = new Fates(value, this.count);
    this.answer.resolve();
    this.#answered();
  }

  override failed(error: RingmqError): void {
    super.failed(error);
    this.#answered();
  }

  protected readonly receipt = (): Receipt => {
    if (this.#fates !== undefined) return receiptOf(this.#fates.next());
    const receipt = new Receipt(this.#high, this.#low, this.#durability);
    this.#low = (this.#low + 1) | 0;
    return receipt;
  };

  /** What became of the next message. */
  fate(): Fate {
    return this.#fates === undefined ? this.receipt() : this.#fates.next();
  }

  override confirmed(high: number, low: number, messages: number, durability: number): void {
    if (messages !== this.count) {
      throw new ProtocolError("BAD_FRAME", `${messages} messages were confirmed of ${this.count}`);
    }
    this.#high = high;
    this.#low = low | 0;
    this.#durability = durability;
    this.answer.resolve();
    this.#answered();
  }

  /** Its number is not sent any more. */
  release(): void {
    if (this.sequence !== undefined) this.#numbers?.release(this.sequence);
  }

  #answered(): void {
    // What is repeated keeps its number for that.
    if (this.repeats === undefined) this.release();
  }
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
