/**
 * Gives the messages of segments that have been compacted their new places. Since the plan was made some were acked,
 * split or moved, but none was added: those left lie within what was kept.
 */
import type { Log } from "../log/log.js";
import type { Page } from "../log/page.js";
import type { Segment } from "../log/segment.js";
import * as ext from "../messages/extent.js";
import type { Store } from "../messages/store.js";
import { KEEP_BYTES, KEEP_ENTRIES, KEEP_SEQUENCE, KEEP_WORDS } from "./keep-plan.js";

/** The file that replaces the segments. */
export interface CompactedSegment {
  readonly sequence: number;
  readonly replaces: number;
  /** Begin and end of each of its pages. */
  readonly pages: Uint32Array;
  /** For each KEEP of the plan, `PLACE_WORDS`. */
  readonly places: Uint32Array;
  /** Bytes about messages of earlier segments. */
  readonly carriedBytes: number;
}

/**
 * The place of a KEEP of the plan in the new file: the offsets of its record and of its entries. A fragment with gaps is
 * written without the messages that are gone: for it also how many of its first ids are left out, the span of those that
 * remain, and the bytes of their entries. Otherwise these three are 0.
 */
export const PLACE_RECORD = 0;
export const PLACE_ENTRIES = 1;
export const PLACE_SHIFT = 2;
export const PLACE_SPAN = 3;
export const PLACE_BYTES = 4;
export const PLACE_WORDS = 5;

/** Moves every message of `replaced`, whose files are removed before or after. */
export const relocate = (
  store: Store,
  keeps: Uint32Array,
  replaced: ReadonlySet<Segment>,
  compacted: CompactedSegment,
): void => {
  const { extents, log } = store;
  const segment = log.segments.replace(compacted.sequence, compacted.replaces);
  segment.carriedBytes = compacted.carriedBytes;
  segment.carriedFor = log.segments.all[0]?.sequence ?? 0;
  for (const each of replaced) {
    segment.firstId = Math.min(segment.firstId, each.firstId);
    segment.lastId = Math.max(segment.lastId, each.lastId);
  }
  const pages = addPages(log, segment, compacted.pages);
  for (let extent = 0; extent < extents.high; extent++) {
    if (extents.state(extent) === ext.State.FREE) continue;
    const number = extents.get(extent, ext.PAGE);
    const page = log.pages.list[number];
    if (page?.segment === undefined || !replaced.has(page.segment)) continue;
    const offset = page.offset + extents.get(extent, ext.OFFSET);
    const bytesOf = extents.get(extent, ext.BYTES);
    const keep = keepAt(keeps, compacted.places, page.segment.sequence, offset, bytesOf, extents.isFragment(extent));
    const place = compacted.places.subarray(keep * PLACE_WORDS, (keep + 1) * PLACE_WORDS);
    const at = place[PLACE_RECORD] as number;
    const entries = place[PLACE_ENTRIES] as number;
    const span = place[PLACE_SPAN] as number;
    const to = pageAt(pages, at);
    const count = extents.count(extent);
    log.pages.claim(to.number, count);
    extents.set(extent, ext.PAGE, to.number);
    extents.set(extent, ext.RECORD, at - to.offset);
    if (span === 0) {
      const start = keeps[keep * KEEP_WORDS + KEEP_ENTRIES] as number;
      extents.set(extent, ext.OFFSET, entries - to.offset + offset - start);
    } else {
      // The fragment may have been split since; every part of it has only messages that were kept.
      extents.set(extent, ext.ID_LOW, extents.get(extent, ext.ID_LOW) + (place[PLACE_SHIFT] as number));
      extents.set(extent, ext.SPAN, span);
      extents.set(extent, ext.OFFSET, entries - to.offset);
      extents.set(extent, ext.BYTES, place[PLACE_BYTES] as number);
    }
    log.pages.release(number, count);
  }
  for (const page of pages) log.pages.finishAdopting(page);
};

const addPages = (log: Log, segment: Segment, bounds: Uint32Array): readonly Page[] => {
  const pages: Page[] = [];
  for (let i = 0; i < bounds.length; i += 2) {
    const start = bounds[i] as number;
    pages.push(log.pages.adopt(segment, start, (bounds[i + 1] as number) - start));
  }
  return pages;
};

/** The KEEP with the `bytes` at `offset`: one without gaps, or one of just this fragment. */
const keepAt = (
  keeps: Uint32Array,
  places: Uint32Array,
  sequence: number,
  offset: number,
  bytes: number,
  isFragment: boolean,
): number => {
  let low = 0;
  let high = keeps.length / KEEP_WORDS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * KEEP_WORDS;
    const other = keeps[at + KEEP_SEQUENCE] as number;
    if (other < sequence || (other === sequence && (keeps[at + KEEP_ENTRIES] as number) <= offset)) low = middle + 1;
    else high = middle;
  }
  // Nearly always the last one that begins at or before it; a batch with very many claims is kept several times.
  for (let keep = low - 1; keep >= 0 && keeps[keep * KEEP_WORDS + KEEP_SEQUENCE] === sequence; keep--) {
    const start = keeps[keep * KEEP_WORDS + KEEP_ENTRIES] as number;
    const length = keeps[keep * KEEP_WORDS + KEEP_BYTES] as number;
    const hasGaps = (places[keep * PLACE_WORDS + PLACE_SPAN] as number) > 0;
    const isItsOwn = isFragment && offset === start && bytes === length;
    if (hasGaps ? isItsOwn : offset + bytes <= start + length) return keep;
  }
  throw new Error(`compaction: messages at ${offset} of segment ${sequence} were not kept`);
};

const pageAt = (pages: readonly Page[], offset: number): Page => {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pages[middle] as Page).offset <= offset) low = middle + 1;
    else high = middle;
  }
  return pages[low - 1] as Page;
};
