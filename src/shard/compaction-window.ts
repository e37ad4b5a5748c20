/**
 * Which segments to compact: so that what is on disk stays below twice what its live messages need, and a constant.
 */
import type { Segment } from "./segment.js";

/** Segments of garbage that are nothing to worry about. */
export const SLACK_SEGMENTS = 2;

/** Of a segment: what may be live in those that are compacted into one, so that it has room for what must be kept besides. */
const MOST_LIVE = 3 / 4;

/** Of a segment: garbage that a compaction must at least take away. */
const LEAST_GAIN = 1 / 4;

/** Segments compacted at once, so that a job ends within seconds. */
const MOST_SEGMENTS = 32;

/** Consecutive sealed segments, the ones that most is gained of; none: the journal is dense enough. */
export const compactionWindow = (segments: readonly Segment[], segmentBytes: number): readonly Segment[] => {
  const sealed = segments.filter(({ isSealed }) => isSealed);
  let used = 0;
  let live = 0;
  for (const segment of sealed) {
    used += segment.used;
    live += segment.liveBytes;
  }
  if (used <= 2 * live + SLACK_SEGMENTS * segmentBytes) return [];
  return bestWindow(sealed, segmentBytes);
};

const bestWindow = (sealed: readonly Segment[], segmentBytes: number): readonly Segment[] => {
  let best: readonly Segment[] = [];
  let most = segmentBytes * LEAST_GAIN;
  let from = 0;
  let live = 0;
  let gain = 0;
  for (let to = 0; to < sealed.length; to++) {
    const segment = sealed[to] as Segment;
    live += segment.liveBytes;
    gain += segment.used - segment.liveBytes;
    while (from <= to && (live > segmentBytes * MOST_LIVE || to - from >= MOST_SEGMENTS)) {
      const first = sealed[from] as Segment;
      live -= first.liveBytes;
      gain -= first.used - first.liveBytes;
      from++;
    }
    if (gain > most) {
      most = gain;
      best = sealed.slice(from, to + 1);
    }
  }
  return best;
};
