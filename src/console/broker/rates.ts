/**
 * What happens a second, from counters that only grow.
 */
interface Timed {
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Samples that are further apart than this have nothing to tell about the time between. Milliseconds. */
const GAP = 5_000;

/**
 * For each sample, how much its counter has grown a second since the one before; null: it is not known. A counter that has become less
 * belongs to another broker.
 */
export const rates = <S extends Timed>(samples: readonly S[], counter: (sample: S) => number): (number | null)[] =>
  samples.map((sample, i) => {
    const before = samples[i - 1];
    if (before === undefined) return null;
    const time = sample.time - before.time;
    const growth = counter(sample) - counter(before);
    return time <= 0 || time > GAP || growth < 0 ? null : (growth / time) * 1_000;
  });

/** The mean of the last few that are known, for a number that can be read; undefined: there are none. */
export const recent = (values: readonly (number | null)[], most = 3): number | undefined => {
  const known = values.slice(-most).filter((value) => value !== null);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
};
