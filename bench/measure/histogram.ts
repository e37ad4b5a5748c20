/**
 * A log-linear histogram of fixed size. It has 128 buckets for each power of two, so that a percentile is accurate to 1 %
 * over the whole range. Recording allocates nothing.
 */
const SUB_BITS = 7;
const SUB_BUCKETS = 1 << SUB_BITS;
/** Values are stored in tenths of a microsecond; 31 bits reach 214 seconds. */
const UNITS_PER_MICROSECOND = 10;
const MAX_UNITS = 0x7fff_ffff;
const BUCKETS = (31 - SUB_BITS) * SUB_BUCKETS + SUB_BUCKETS;

/** In microseconds. */
export interface Percentiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const bucketOf = (units: number): number => {
  if (units < 2 * SUB_BUCKETS) return units;
  const shift = 31 - Math.clz32(units) - SUB_BITS;
  return (shift << SUB_BITS) + (units >>> shift);
};

/** The highest value of a bucket, so that a percentile is never too low. */
const upperEdge = (bucket: number): number => {
  if (bucket < 2 * SUB_BUCKETS) return bucket;
  const shift = (bucket >>> SUB_BITS) - 1;
  return (bucket - (shift << SUB_BITS) + 1) * 2 ** shift - 1;
};

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** A value below 0 counts as 0, one above 214 seconds as 214 seconds. */
  record(micros: number): void {
    const positive = micros > 0 ? micros : 0;
    const units = Math.min(Math.round(positive * UNITS_PER_MICROSECOND), MAX_UNITS);
    const bucket = bucketOf(units);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += positive;
    if (positive > this.#max) this.#max = positive;
  }

  /** The value that the share `quantile` (0 to 1) of the records does not exceed, in microseconds; 0 when empty. */
  quantile(quantile: number): number {
    const rank = Math.max(1, Math.ceil(quantile * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return Math.min(upperEdge(bucket) / UNITS_PER_MICROSECOND, this.#max);
    }
    return 0;
  }

  percentiles(): Percentiles {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
      max: this.#max,
    };
  }
}
