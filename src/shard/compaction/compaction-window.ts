/** Chooses the segments to compact, so that a journal stays below twice what its live messages need, plus a constant. */
import * as record from "../log/record.js";
import type { Segment } from "../log/segment.js";
import * as ext from "../messages/extent.js";
import type { Store } from "../messages/store.js";

/** The constant: segments of garbage that are always allowed. */
export const SLACK_SEGMENTS = 2;

/**
 * The most that may be live in segments that become one, where less than half of them is garbage: the rest is room for other
 * records that must be kept.
 */
const MAX_LIVE = 3 / 4;

/** The most that is written of failures, in segments: it is in memory until it is. A part of what is live. */
const MAX_FAILURES = 2;

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
  for (const { entries, carried, failures } of live.values()) all += entries + carried + failures;
  if (used <= 2 * all + SLACK_SEGMENTS * segmentBytes) return [];
  return bestWindow(sealed, live, segmentBytes);
};

/** About how many bytes of a segment are live. */
interface Live {
  /** Of messages. */
  entries: number;
  /** Of what is known of their failures; where it was recorded is another matter. */
  failures: number;
  /** About messages of earlier segments. */
  readonly carried: number;
}

/** What is live of each segment. Looks at every extent. */
const liveBytes = (store: Store, segments: readonly Segment[]): ReadonlyMap<Segment, Live> => {
  const { extents, log } = store;
  const first = segments[0]?.sequence;
  const live = new Map<Segment, Live>();
  for (const segment of segments) {
    const carried = segment.carriedFor === first ? segment.carriedBytes : 0;
    live.set(segment, { entries: 0, failures: 0, carried });
  }
  for (let extent = 0; extent < extents.high; extent++) {
    if (extents.state(extent) === ext.State.FREE) continue;
    const segment = log.pages.list[extents.get(extent, ext.PAGE)]?.segment;
    const known = segment === undefined ? undefined : live.get(segment);
    if (known === undefined) continue;
    const share = extents.count(extent) / extents.get(extent, ext.SPAN);
    known.entries += EXTENT_BYTES + extents.get(extent, ext.BYTES) * share;
    known.failures += failureBytes(store, extent);
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

/** Consecutive segments, from one of them on, and what it gains to make them one. */
interface Window {
  readonly segments: readonly Segment[];
  readonly gain: number;
}

const bestWindow = (
  sealed: readonly Segment[],
  live: ReadonlyMap<Segment, Live>,
  segmentBytes: number,
): readonly Segment[] => {
  const first = bestFrom(sealed, 0, live, segmentBytes);
  let best = first;
  for (let from = 1; from < sealed.length; from++) {
    const window = bestFrom(sealed, from, live, segmentBytes);
    if (window.gain > best.gain) best = window;
  }
  if (best.gain <= segmentBytes * MIN_GAIN) return [];
  // The gain of the others may turn out to be about messages of earlier segments, and carried along.
  return first.gain > best.gain / 2 ? first.segments : best.segments;
};

const bestFrom = (
  sealed: readonly Segment[],
  from: number,
  live: ReadonlyMap<Segment, Live>,
  segmentBytes: number,
): Window => {
  let end = from;
  let bestGain = 0;
  let kept = 0;
  let failures = 0;
  let gain = 0;
  for (let to = from; to < Math.min(sealed.length, from + MAX_SEGMENTS); to++) {
    const segment = sealed[to] as Segment;
    const known = live.get(segment) as Live;
    // Nothing is carried along from before the first segment.
    const messages = Math.min(known.entries + (from === 0 ? 0 : known.carried), segment.used);
    failures += known.failures;
    kept += messages + known.failures;
    gain += segment.used - messages - known.failures;
    // A single segment is never too much.
    const isTooMuch = to > from && kept > segmentBytes * MAX_LIVE && kept > gain;
    if (gain <= bestGain || isTooMuch || failures > segmentBytes * MAX_FAILURES) continue;
    bestGain = gain;
    end = to + 1;
  }
  return { segments: sealed.slice(from, end), gain: bestGain };
};
