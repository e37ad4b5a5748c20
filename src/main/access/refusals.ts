/**
 * How often each address has been refused lately. Some refusals come at once, as a wrong setting is found soonest; past these each
 * comes late, which costs whoever guesses the time. Nobody who is right waits. Time is an argument, in milliseconds.
 */
import { Rate } from "./rate.js";

/** An address may be refused so often, and as often again each second, before its refusals come late. */
const AT_ONCE = 10;

/** How late they come. A connection that waits for its refusal counts among those of its address. */
export const REFUSAL_DELAY = 1_000;

/** Addresses that are remembered. Of more, those that were refused longest ago are forgotten: they could come back as others. */
const MAX_ADDRESSES = 4_096;

export class Refusals {
  /** The last refused is the last. */
  readonly #rates = new Map<string, Rate>();

  /** Addresses that are remembered. */
  get size(): number {
    return this.#rates.size;
  }

  /** Counts a refusal of an address (a `shareOf` it); answers by how many milliseconds to put it off. */
  count(address: string, now: number): number {
    const rate = this.#rates.get(address) ?? new Rate(AT_ONCE, now);
    this.#rates.delete(address);
    this.#rates.set(address, rate);
    if (this.#rates.size > MAX_ADDRESSES) this.#rates.delete(this.#rates.keys().next().value ?? "");
    rate.take(1, now);
    return rate.wait(now) > 0 ? REFUSAL_DELAY : 0;
  }
}
