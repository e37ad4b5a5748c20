/**
 * Gives messages of segments that have been compacted their new places. Since the plan was made some have been acked,
 * split or moved on, but none has come: what is still there lies within what was kept.
 */
import * as ext from "./extent.js";
import { KEEP_BYTES, KEEP_ENTRIES, KEEP_SEQUENCE, KEEP_WORDS } from "./keep-plan.js";
import type { Log } from "./log.js";
import type { Page } from "./page.js";
import type { Segment } from "./segment.js";
import type { Store } from "./store.js";

/** The file that stands for segments from now on. */
export interface CompactedSegment {
  readonly sequence: number;
  readonly replaces: number;
  /** Where its pages begin and end, in pairs. */
  readonly pages: Uint32Array;
  /** For each KEEP of the plan, in pairs: where its record begins, and where its entries do. */
  readonly places: Uint32Array;
  /** Bytes of its KEEP records. */
  readonly messageBytes: number;
}

/** Moves everything that is in `replaced`. The files of those are gone already, or will be. */
export const relocate = (
  store: Store,
  keeps: Uint32Array,
  replaced: ReadonlySet<Segment>,
  compacted: CompactedSegment,
): void => {
  const { extents, log } = store;
  const segment = log.segments.replace(compacted.sequence, compacted.replaces);
  segment.messageBytes = compacted.messageBytes;
  const pages = addPages(log, segment, compacted.pages);
  for (let extent = 0; extent < extents.high; extent++) {
    if (extents.state(extent) === ext.State.FREE) continue;
    const number = extents.get(extent, ext.PAGE);
    const page = log.pages.list[number];
    if (page?.segment === undefined || !replaced.has(page.segment)) continue;
    const offset = page.offset + extents.get(extent, ext.OFFSET);
    const keep = keepAt(keeps, page.segment.sequence, offset);
    const place = compacted.places[2 * keep] as number;
    const entries = compacted.places[2 * keep + 1] as number;
    const to = pageAt(pages, place);
    const count = extents.count(extent);
    log.pages.claim(to.number, count);
    extents.set(extent, ext.PAGE, to.number);
    extents.set(extent, ext.RECORD, place - to.offset);
    extents.set(extent, ext.OFFSET, entries - to.offset + offset - (keeps[keep * KEEP_WORDS + KEEP_ENTRIES] as number));
    log.pages.release(number, count);
  }
  for (const page of pages) log.pages.adopted(page);
};

const addPages = (log: Log, segment: Segment, bounds: Uint32Array): readonly Page[] => {
  const pages: Page[] = [];
  for (let i = 0; i < bounds.length; i += 2) {
    const start = bounds[i] as number;
    pages.push(log.pages.adopt(segment, start, (bounds[i + 1] as number) - start));
  }
  return pages;
};

/** The KEEP whose entries a place is among. */
const keepAt = (keeps: Uint32Array, sequence: number, offset: number): number => {
  let low = 0;
  let high = keeps.length / KEEP_WORDS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * KEEP_WORDS;
    const other = keeps[at + KEEP_SEQUENCE] as number;
    if (other < sequence || (other === sequence && (keeps[at + KEEP_ENTRIES] as number) <= offset)) low = middle + 1;
    else high = middle;
  }
  const at = (low - 1) * KEEP_WORDS;
  const end = (keeps[at + KEEP_ENTRIES] as number) + (keeps[at + KEEP_BYTES] as number);
  if (low === 0 || keeps[at + KEEP_SEQUENCE] !== sequence || offset >= end) {
    throw new Error(`compaction: a message at ${offset} of segment ${sequence} was not kept`);
  }
  return low - 1;
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
