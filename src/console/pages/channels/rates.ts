/**
 * How fast channels are published to, from what two looks have counted.
 */
import type { ChannelStatistics } from "ringmq/client";

/** What was counted, and when: milliseconds of any clock. */
interface Count {
  readonly epoch: string;
  readonly published: number;
  readonly time: number;
}

export class Rates {
  #before: ReadonlyMap<string, Count> = new Map();
  #rates: ReadonlyMap<string, number> = new Map();

  /** Messages a second by name, of those that were there before. One that has begun again since is left out. */
  update(channels: readonly ChannelStatistics[], time: number): ReadonlyMap<string, number> {
    const counts = new Map<string, Count>();
    const rates = new Map<string, number>();
    for (const { name, epoch, published } of channels) {
      const before = this.#before.get(name);
      counts.set(name, { epoch, published, time });
      if (before === undefined || before.epoch !== epoch || time <= before.time) continue;
      rates.set(name, Math.max(0, ((published - before.published) * 1_000) / (time - before.time)));
    }
    this.#before = counts;
    this.#rates = rates;
    return rates;
  }

  /** Undefined: it was looked at once. */
  of(name: string): number | undefined {
    return this.#rates.get(name);
  }
}
