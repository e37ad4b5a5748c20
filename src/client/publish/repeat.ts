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
export interface DatedOptions<O = PublishOptions> {
  readonly options: O;
  readonly since: number | undefined;
  /** The number that the message was sent under, to which the broker may know it. */
  readonly sequence?: number;
}

/** Takes a message that was not taken here. */
export type Repeat = (topic: string, body: Body, dated: DatedOptions, error: RingmqError) => Promise<Receipt>;

/** The messages of a frame, in case that it fails. Lists, because an object or a closure for each costs more than all else. */
export class RepeatList {
  readonly #topic: string;
  readonly #repeat: Repeat;
  /** The number of the first; undefined: they have none. */
  readonly #sequence: number | undefined;
  readonly #bodies: Body[] = [];
  readonly #dated: DatedOptions[] = [];
  readonly #ended: () => void;
  #next = 0;
  /** Messages of which it is known what has become of them. */
  #settled = 0;

  /** `ended` is called when what has become of all messages is known, if the frame has failed or some of them were refused. */
  constructor(topic: string, repeat: Repeat, sequence: number | undefined, ended: () => void) {
    this.#topic = topic;
    this.#repeat = repeat;
    this.#sequence = sequence;
    this.#ended = ended;
  }

  push(body: Body, dated: DatedOptions): void {
    this.#bodies.push(body);
    this.#dated.push(dated);
  }

  /** The next message was taken. */
  skip(): void {
    this.#next++;
    this.#settle();
  }

  /** Repeats the next message: called once for each, in their order. */
  readonly next = (error: RingmqError): Promise<Receipt> => {
    const at = this.#next++;
    const body = this.#bodies[at];
    const dated = this.#dated[at];
    if (body === undefined || dated === undefined) throw error;
    const sequence = this.#sequence;
    const again = sequence === undefined ? dated : { ...dated, sequence: sequence + at };
    const repeated = this.#repeat(this.#topic, body, again, error);
    repeated.then(this.#settle, this.#settle);
    return repeated;
  };

  readonly #settle = (): void => {
    if (++this.#settled === this.#bodies.length) this.#ended();
  };
}
