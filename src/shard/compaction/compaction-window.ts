/** Chooses the segments to compact, so that a journal stays below twice what its live messages need, plus a constant. */
import * as record from "../log/record.js";
import type { Segment } from "../log/segment.js";
import * as ext from "../messages/extent.js";
import type { Store } from "../messages/store.js";

/** The constant: segments of garbage that are always allowed. */
export const SLACK_SEGMENTS = 2;

/** The most that may be live in segments that become one: the rest is room for other records that must be kept. */
const MAX_LIVE = 3 / 4;

/** The least garbage that a compaction must remove, in segments. */
const MIN_GAIN = 1 / 4;

/** Segments compacted at once, so that a job ends within seconds. */
const MAX_SEGMENTS = 32;

/** What an extent takes in a compacted segment beside its entries: a header with names of usual length, and a claim. */
const EXTENT_BYTES = record.NAMES + 24 + record.CLAIM_BYTES;

/** The consecutive sealed segments whose compaction gains most; none: the journal is dense enough. */
export const compactionWindow = (
  store: Store,
  segments: readonly Segment[],
  segmentBytes: number,
): readonly Segment[] => {
  const sealed = segments.filter(({ isSealed }) => isSealed);
  const used = sealed.reduce((sum, segment) => sum + segment.used, 0);
  // A shortcut that looks at no extent.
  if (used <= SLACK_SEGMENTS * segmentBytes) return [];
  const live = liveBytes(store, sealed);
  let all = 0;
  for (const bytes of live.values()) all += bytes;
  if (used <= 2 * all + SLACK_SEGMENTS * segmentBytes) return [];
  return bestWindow(sealed, live, segmentBytes);
};

/** About how many bytes of each segment are live. Looks at every extent. */
const liveBytes = (store: Store, segments: readonly Segment[]): ReadonlyMap<Segment, number> => {
  const { extents, log } = store;
  const live = new Map<Segment, number>();
  const first = segments[0]?.sequence;
  for (const segment of segments) live.set(segment, segment.carriedFor === first ? segment.carriedBytes : 0);
  for (let extent = 0; extent < extents.high; extent++) {
    if (extents.state(extent) === ext.State.FREE) continue;
    const segment = log.pages.list[extents.get(extent, ext.PAGE)]?.segment;
    const known = segment === undefined ? undefined : live.get(segment);
    if (segment === undefined || known === undefined) continue;
    const share = extents.count(extent) / extents.get(extent, ext.SPAN);
    live.set(segment, known + EXTENT_BYTES + extents.get(extent, ext.BYTES) * share + failureBytes(store, extent));
  }
  return live;
};

/** What is known of the failures of an extent's messages is there once for all that share it. */
const failureBytes = ({ extents, queues }: Store, extent: number): number => {
  const history = extents.historyOf(extent);
  if (history === 0) return 0;
  const histories = queues[extents.get(extent, ext.QUEUE)]?.topic.failures;
  return record.RANGE_BYTES + (histories?.bytesFor(history) ?? 0);
};

const bestWindow = (
  sealed: readonly Segment[],
  live: ReadonlyMap<Segment, number>,
  segmentBytes: number,
): readonly Segment[] => {
  let best: readonly Segment[] = [];
  let bestGain = segmentBytes * MIN_GAIN;
  let from = 0;
  let kept = 0;
  let gain = 0;
  const liveOf = (segment: Segment): number => Math.min(live.get(segment) ?? 0, segment.used);
  for (let to = 0; to < sealed.length; to++) {
    const segment = sealed[to] as Segment;
    kept += liveOf(segment);
    gain += segment.used - liveOf(segment);
    // A single segment is never too much: it only becomes shorter.
    while (from < to && (kept > segmentBytes * MAX_LIVE || to - from >= MAX_SEGMENTS)) {
      const first = sealed[from] as Segment;
      kept -= liveOf(first);
      gain -= first.used - liveOf(first);
      from++;
    }
    if (gain > bestGain) {
      bestGain = gain;
      best = sealed.slice(from, to + 1);
    }
  }
  return best;
};
