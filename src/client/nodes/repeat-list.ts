/**
 * Publishes that are repeated elsewhere when they fail.
 */
import { asBadArgument } from "../arguments/argument-checks.js";
import type { Body, PublishOptions } from "../arguments/options.js";
import type { RingmqError } from "../base/error.js";
import type { PublishBatch } from "../publish/publish-batch.js";
import type { Publisher } from "../publish/publisher.js";
import { Receipt } from "../publish/receipt.js";

/**
 * The options of a publish, and when it was called: milliseconds of a clock that does not step, undefined when none of them
 * is about time.
 */
export interface DatedOptions<O = PublishOptions> {
  readonly options: O;
  readonly since: number | undefined;
  /** The number that the message was sent under, to which the broker may know it. */
  readonly sequence?: number;
}

/** Takes a message that was not taken here. */
export type Repeat = (topic: string, body: Body, dated: DatedOptions, error: RingmqError) => Promise<Receipt>;

/** Publishes a message whose options were read. If it is not taken, the promise resolves as that of `repeat` does. */
export const publishRepeatable = (
  publisher: Publisher,
  topic: string,
  body: Body,
  dated: DatedOptions,
  repeat: Repeat,
): Promise<Receipt> => {
  try {
    const batch = publisher.write(topic, body, dated.options, dated.sequence);
    if (!(batch.repeats instanceof RepeatList)) batch.repeats = new RepeatList(batch, topic, repeat);
    return (batch.repeats as RepeatList).add(body, dated);
  } catch (error) {
    return repeat(topic, body, dated, asBadArgument(error));
  }
};

/** The messages of a frame, in case that it fails. Lists, because an object or a closure for each costs more than all else. */
class RepeatList {
  readonly #batch: PublishBatch;
  readonly #topic: string;
  readonly #repeat: Repeat;
  readonly #bodies: Body[] = [];
  readonly #dated: DatedOptions[] = [];
  #next = 0;
  /** Messages of which it is known what has become of them. */
  #settled = 0;

  constructor(batch: PublishBatch, topic: string, repeat: Repeat) {
    this.#batch = batch;
    this.#topic = topic;
    this.#repeat = repeat;
  }

  /** Adds a message that has been written to the frame. */
  add(body: Body, dated: DatedOptions): Promise<Receipt> {
    this.#bodies.push(body);
    this.#dated.push(dated);
    return this.#batch.add(this.#answered, this.#failed);
  }

  /** What becomes of the next message: called once for each, in their order. */
  readonly #answered = (): Receipt | Promise<Receipt> => {
    const fate = this.#batch.fate();
    if (!(fate instanceof Receipt)) return this.#failed(fate);
    this.#next++;
    this.#settle();
    return fate;
  };

  readonly #failed = (error: RingmqError): Promise<Receipt> => {
    const at = this.#next++;
    const body = this.#bodies[at];
    const dated = this.#dated[at];
    if (body === undefined || dated === undefined) throw error;
    // The number of the first, if they have some.
    const { sequence } = this.#batch;
    const again = sequence === undefined ? dated : { ...dated, sequence: sequence + at };
    const repeated = this.#repeat(this.#topic, body, again, error);
    repeated.then(this.#settle, this.#settle);
    return repeated;
  };

  readonly #settle = (): void => {
    if (++this.#settled === this.#bodies.length) this.#batch.release();
  };
}
