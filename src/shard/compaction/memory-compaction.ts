/**
 * Frees pages of the volatile track that are kept by a few old messages: delayed for days, dead, or never acked. Without
 * it a thousand dead letters, each in a page of its own, would keep four gigabytes.
 *
 * It runs when the track takes more than twice what its live messages need, and copies together what is left in sparse
 * pages. Messages that several queues share stay shared.
 */
import type { Page } from "../log/page.js";
import * as ext from "../messages/extent.js";
import type { Store } from "../messages/store.js";

/** Memory that is never worth the work. */
const SLACK_BYTES = 64 * 1024 * 1024;

/** A page is sparse when at most one message in so many is left: copying frees at least three quarters. */
const SPARSE = 4;

/** Pages emptied in one run, so that a run copies at most 16 MiB. */
const RUN_PAGES = 16;

interface Place {
  readonly page: number;
  readonly record: number;
  readonly offset: number;
}

export class MemoryCompaction {
  /** The log's `pagesBegun` when it was looked at last. */
  #seen = 0;

  constructor(
    readonly store: Store,
    readonly slackBytes = SLACK_BYTES,
  ) {}

  /** Empties sparse pages, if a page has been begun since the last run and it is worth it. */
  run(): void {
    const { log } = this.store;
    if (log.pagesBegun === this.#seen) return;
    this.#seen = log.pagesBegun;
    if (log.pages.bytes <= this.slackBytes) return;
    const sparse = this.#sparse();
    if (sparse.size > 0) this.#empty(sparse);
  }

  /** The pages to empty, by number; none if the track as a whole is dense. */
  #sparse(): ReadonlyMap<number, Page> {
    const { log } = this.store;
    const sparse = new Map<number, Page>();
    let needed = 0;
    let bytes = 0;
    log.pages.list.forEach((page, number) => {
      if (page === undefined || page.segment !== undefined) return;
      bytes += page.bytes.length;
      needed += page.total === 0 ? 0 : (page.live / page.total) * page.bytes.length;
      const isSparse = page.live * SPARSE <= page.total && !page.isOpen;
      if (isSparse && sparse.size < RUN_PAGES) sparse.set(number, page);
    });
    return bytes > 2 * needed + this.slackBytes ? sparse : new Map();
  }

  #empty(sparse: ReadonlyMap<number, Page>): void {
    const { extents, log } = this.store;
    /** Where entries have been copied to, by page and offset, for the other queues that share them. */
    const moved = new Map<string, Place>();
    for (let extent = 0; extent < extents.high; extent++) {
      if (extents.state(extent) === ext.State.FREE) continue;
      const number = extents.get(extent, ext.PAGE);
      const from = sparse.get(number);
      if (from === undefined) continue;
      const offset = extents.get(extent, ext.OFFSET);
      const bytes = extents.get(extent, ext.BYTES);
      const key = `${number}:${offset}:${bytes}`;
      let place = moved.get(key);
      if (place === undefined) {
        log.evacuate(from, extents.get(extent, ext.RECORD), offset, offset + bytes);
        place = { page: log.page, record: log.recordOffset, offset: log.entriesOffset };
        moved.set(key, place);
      }
      const count = extents.count(extent);
      log.pages.claim(place.page, count);
      extents.set(extent, ext.PAGE, place.page);
      extents.set(extent, ext.RECORD, place.record);
      extents.set(extent, ext.OFFSET, place.offset);
      log.pages.release(number, count);
    }
  }
}
