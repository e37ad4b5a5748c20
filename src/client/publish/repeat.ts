/**
 * Publishes that are repeated elsewhere when they fail.
 */
import type { Body, PublishOptions } from "../arguments/options.js";
import type { RingmqError } from "../base/error.js";
import type { Receipt } from "./receipt.js";

/**
 * The options of a publish, and when it was called: milliseconds of a clock that does not step, undefined when none of them
 * is about time.
 */
export interface DatedOptions {
  readonly options: PublishOptions;
  readonly since: number | undefined;
}

/** Takes a message that was not taken here. */
export type Repeat = (topic: string, body: Body, dated: DatedOptions, error: RingmqError) => Promise<Receipt>;

/** The messages of a frame, in case that it fails. Lists, because an object or a closure for each costs more than all else. */
export class RepeatList {
  readonly #topic: string;
  readonly #repeat: Repeat;
  readonly #bodies: Body[] = [];
  readonly #dated: DatedOptions[] = [];
  #next = 0;

  constructor(topic: string, repeat: Repeat) {
    this.#topic = topic;
    this.#repeat = repeat;
  }

  push(body: Body, dated: DatedOptions): void {
    this.#bodies.push(body);
    this.#dated.push(dated);
  }

  /** The next message was taken. */
  skip(): void {
    this.#next++;
  }

  /** Repeats the next message: called once for each, in their order. */
  readonly next = (error: RingmqError): Promise<Receipt> => {
    const at = this.#next++;
    const body = this.#bodies[at];
    const dated = this.#dated[at];
    if (body === undefined || dated === undefined) throw error;
    return this.#repeat(this.#topic, body, dated, error);
  };
}
