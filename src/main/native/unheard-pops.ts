/**
 * Messages that a client was answered with a moment ago. When its connection breaks it has probably not heard of them: they
 * are given back, lest they are held for somebody who is not there.
 */
import { Fifo } from "../../collections/fifo.js";
import type { AnswerFrame } from "./answer-frame.js";
import { leasesOf, type UnheardPop } from "./late-pops.js";

/** Of a client that pops faster only the last ones count. */
const MAX_POPS = 256;

export class UnheardPops {
  readonly #pops = new Fifo<UnheardPop>();
  /** As many of them were there at the last sweep. */
  #old = 0;

  get size(): number {
    return this.#pops.length;
  }

  /** A pop is answered. With auto-ack there is nothing to give back. */
  add(topic: string, queue: string, { view, payloadStart, payloadEnd }: AnswerFrame): void {
    const leases = leasesOf(view, payloadStart, payloadEnd);
    if (leases === undefined) return;
    this.#pops.push({ topic, queue, leases });
    if (this.#pops.length > MAX_POPS) this.#drop();
  }

  /** All of them, which are forgotten. */
  take(): UnheardPop[] {
    const pops: UnheardPop[] = [];
    for (let pop = this.#pops.shift(); pop !== undefined; pop = this.#pops.shift()) pops.push(pop);
    this.#old = 0;
    return pops;
  }

  /** About once a second: what was there at the last sweep has been heard, as far as anybody can tell. */
  sweep(): void {
    while (this.#old > 0) this.#drop();
    this.#old = this.#pops.length;
  }

  #drop(): void {
    this.#pops.shift();
    if (this.#old > 0) this.#old--;
  }
}
