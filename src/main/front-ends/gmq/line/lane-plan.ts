/** What the commands of a lane are to be answered with, in the order in which they came: messages, and fates of acks. */
import { Fifo } from "../../../../collections/fifo.js";

/** The acks of one request, which are answered together. */
export class Acks {
  /** How they are answered, one by one; undefined: not yet. An empty text: it is done. */
  answers: ((index: number) => string) | undefined;
  /** Of the next. */
  next = 0;

  constructor(
    readonly count: number,
    /** Their high and low words. */
    readonly ids: Uint32Array,
  ) {}
}

export class LanePlan {
  /** Runs of commands: as many pops, or as many acks where the number is negative. */
  readonly #runs = new Fifo<number>();
  readonly #acks = new Fifo<Acks>();
  /** What is left of the run at the front. */
  #front = 0;
  #last = 0;

  get isEmpty(): boolean {
    return this.#front === 0;
  }

  /** Notes a pop (1) or an ack (-1). */
  add(kind: 1 | -1): void {
    if (this.#last !== 0 && this.#last > 0 !== kind > 0) this.commit();
    this.#last += kind;
  }

  /** What `add` has noted comes behind all else. */
  commit(): void {
    if (this.#last === 0) return;
    if (this.#front === 0) this.#front = this.#last;
    else this.#runs.push(this.#last);
    this.#last = 0;
  }

  expectAcks(acks: Acks): void {
    this.#acks.push(acks);
  }

  /** A pop that is the next to be answered is. False: there is none. */
  takePop(): boolean {
    if (this.#front <= 0) return false;
    if (--this.#front === 0) this.#front = this.#runs.shift() ?? 0;
    return true;
  }

  /** Calls back for each ack that is the next and whose fate is known. */
  drainAcks(onAck: (text: string) => void): void {
    while (this.#front < 0) {
      const acks = this.#acks.at(0);
      if (acks?.answers === undefined) return;
      onAck(acks.answers(acks.next));
      if (++acks.next === acks.count) this.#acks.shift();
      if (++this.#front === 0) this.#front = this.#runs.shift() ?? 0;
    }
  }
}
