/**
 * Plans what a compaction keeps of some segments: the messages that queues still need, with their present state. A
 * recovery then applies the records of later segments to them. Some of those are older than that state; they do no harm,
 * because each says what a message became, not what changed.
 */
import { packHead } from "../../protocol/head.js";
import { Reason } from "../../protocol/run.js";
import * as record from "../log/record.js";
import type { Segment } from "../log/segment.js";
import * as ext from "../messages/extent.js";
import type { Store } from "../messages/store.js";
import { planFailures } from "./kept-failures.js";

/**
 * A KEEP to be written, in words: the segment and the offset of the record in which the messages were published, the
 * offset and the bytes of their entries, their first id, their number, and the number of claims to them.
 */
export const KEEP_SEQUENCE = 0;
export const KEEP_RECORD = 1;
export const KEEP_ENTRIES = 2;
export const KEEP_BYTES = 3;
export const KEEP_ID_HIGH = 4;
export const KEEP_ID_LOW = 5;
export const KEEP_COUNT = 6;
export const KEEP_CLAIMS = 7;
export const KEEP_WORDS = 8;

/** Claims of one KEEP, whose field has 16 bits: with more, the messages are kept a second time. */
const MAX_CLAIMS = 4096;

export interface KeepPlan {
  /** In the order of segments and offsets. */
  readonly keeps: Uint32Array;
  /** The claims of all of them, one behind the other, as in the record. */
  readonly claims: Uint8Array;
  /** Bodies of the DIRECTORY records of the queues that have claims. */
  readonly directory: readonly Uint8Array[];
  /** What is known of their failures: see `planFailures`. */
  readonly failures: readonly Uint8Array[];
}

/** An extent and where its entries are. */
interface Found {
  readonly extent: number;
  readonly segment: Segment;
  readonly offset: number;
}

export const planKeeps = (store: Store, segments: ReadonlySet<Segment>): KeepPlan => {
  const found = findExtents(store, segments);
  const keeps: number[] = [];
  const claims = new Uint8Array(found.length * record.CLAIM_BYTES);
  const view = new DataView(claims.buffer);
  const queues = new Set<number>();
  let keep = -1;
  let end = 0;
  /** The claims of the present KEEP, from the one with this number on. */
  let begin = 0;
  for (const [i, { extent, segment, offset }] of found.entries()) {
    const { extents } = store;
    const bytes = extents.get(extent, ext.BYTES);
    const idLow = extents.idLow(extent);
    const span = extents.get(extent, ext.SPAN);
    // Queues that share messages claim them together.
    const isFull = keep >= 0 && (keeps[keep + KEEP_CLAIMS] as number) >= MAX_CLAIMS;
    if (keep < 0 || keeps[keep + KEEP_SEQUENCE] !== segment.sequence || offset >= end || isFull) {
      sortClaims(claims, begin, i, keeps[keep + KEEP_ID_LOW] as number);
      begin = i;
      keep = keeps.length;
      const place = offset - extents.get(extent, ext.OFFSET) + extents.get(extent, ext.RECORD);
      keeps.push(segment.sequence, place, offset, 0, extents.idHigh(extent), idLow, 0, 0);
      end = offset;
    }
    const first = idLow - (keeps[keep + KEEP_ID_LOW] as number);
    end = Math.max(end, offset + bytes);
    keeps[keep + KEEP_BYTES] = end - (keeps[keep + KEEP_ENTRIES] as number);
    keeps[keep + KEEP_COUNT] = Math.max(keeps[keep + KEEP_COUNT] as number, first + span);
    keeps[keep + KEEP_CLAIMS] = (keeps[keep + KEEP_CLAIMS] as number) + 1;
    writeClaim(store, extent, first, view, i * record.CLAIM_BYTES);
    queues.add(extents.get(extent, ext.QUEUE));
  }
  sortClaims(claims, begin, found.length, keeps[keep + KEEP_ID_LOW] as number);
  const failures = planFailures(
    store,
    found.map(({ extent }) => extent),
  );
  return { keeps: Uint32Array.from(keeps), claims, directory: directoryOf(store, queues), failures };
};

/**
 * Sorts the claims [from, to) of a KEEP, whose first id has this low word, by the first message of each: a recovery puts them in
 * their queues in this order, and messages of one batch that were given back one by one keep theirs.
 */
const sortClaims = (claims: Uint8Array, from: number, to: number, idLow: number): void => {
  if (to - from < 2) return;
  const part = claims.subarray(from * record.CLAIM_BYTES, to * record.CLAIM_BYTES);
  const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
  const firsts = Array.from({ length: to - from }, (_, i) => firstClaimed(view, i * record.CLAIM_BYTES, idLow));
  const order = [...firsts.keys()].sort((a, b) => (firsts[a] as number) - (firsts[b] as number) || a - b);
  if (order.every((claim, i) => claim === i)) return;
  const before = part.slice();
  for (const [i, claim] of order.entries()) {
    const at = claim * record.CLAIM_BYTES;
    part.set(before.subarray(at, at + record.CLAIM_BYTES), i * record.CLAIM_BYTES);
  }
};

/** The first message of a claim, counted from that of its KEEP. */
const firstClaimed = (view: DataView, at: number, idLow: number): number => {
  const first = view.getUint16(at + record.CLAIM_FIRST);
  const mask = view.getInt32(at + record.CLAIM_MASK);
  if (mask === 0) return first;
  let i = first;
  while (((mask >>> ((idLow + i) & 31)) & 1) === 0) i++;
  return i;
};

/** The extents with messages in these segments, in the order of segments and offsets. */
const findExtents = (store: Store, segments: ReadonlySet<Segment>): readonly Found[] => {
  const { extents, log } = store;
  const found: Found[] = [];
  for (let extent = 0; extent < extents.high; extent++) {
    if (extents.state(extent) === ext.State.FREE) continue;
    const page = log.pages.list[extents.get(extent, ext.PAGE)];
    if (page?.segment === undefined || !segments.has(page.segment)) continue;
    found.push({ extent, segment: page.segment, offset: page.offset + extents.get(extent, ext.OFFSET) });
  }
  return found.sort((a, b) => a.segment.sequence - b.segment.sequence || a.offset - b.offset);
};

const writeClaim = (store: Store, extent: number, first: number, view: DataView, at: number): void => {
  const { extents, wheel } = store;
  const isDead = extents.reason(extent) !== Reason.ALIVE;
  const isDelayed = extents.state(extent) === ext.State.DELAYED;
  // Leases end with the broker.
  const state = isDead ? ext.State.DEAD : isDelayed ? ext.State.DELAYED : ext.State.READY;
  const expiry = extents.times[extent] as number;
  view.setUint32(at + record.CLAIM_QUEUE, extents.get(extent, ext.QUEUE));
  view.setUint16(at + record.CLAIM_FIRST, first);
  view.setUint16(at + record.CLAIM_SPAN, extents.get(extent, ext.SPAN));
  view.setInt32(at + record.CLAIM_MASK, extents.get(extent, ext.MASK));
  view.setUint8(at + record.CLAIM_STATE, state);
  view.setUint8(at + record.CLAIM_REASON, extents.reason(extent));
  view.setUint16(at + record.CLAIM_RETRY, extents.retry(extent));
  view.setUint32(at + record.CLAIM_FLAGS, extents.get(extent, ext.FLAGS));
  view.setFloat64(at + record.CLAIM_TIME, isDead ? expiry : isDelayed ? wheel.dueOf(extent) : 0);
};

const directoryOf = (store: Store, numbers: ReadonlySet<number>): readonly Uint8Array[] => {
  const entries = new Map<object, Uint8Array>();
  for (const number of numbers) {
    const queue = store.queues[number];
    if (queue === undefined) throw new Error(`compaction: queue ${number} is gone and its messages are not`);
    const { topic } = queue;
    // A channel is recorded with its queue.
    if (topic.isRecorded && !entries.has(topic)) entries.set(topic, packHead(topic.entry));
    entries.set(queue, packHead(queue.movedEntry));
  }
  return [...entries.values()];
};
