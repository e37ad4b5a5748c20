/**
 * The failures that a compaction keeps, of the messages that it keeps: STATE records, by which messages stay what they are.
 * Messages of a queue that have failed together share one.
 */
import * as record from "../log/record.js";
import * as ext from "../messages/extent.js";
import type { Store } from "../messages/store.js";

/** Ranges of one record: what it takes can be written at once. */
const MAX_RANGES = 1024;

/** What a body of `planFailures` has before those of its record: they begin with the type. */
export const BODY = record.TYPE;

interface Group {
  readonly extent: number;
  /** High word, low word, count. */
  readonly ranges: number[];
}

/** STATE records from their type on, for these extents. They name queues by the numbers of this shard. */
export const planFailures = (store: Store, extents: Iterable<number>): readonly Uint8Array[] => {
  const groups = new Map<number, Group>();
  const bodies: Uint8Array[] = [];
  for (const extent of extents) {
    const history = store.extents.historyOf(extent);
    if (history === 0) continue;
    const key = store.extents.get(extent, ext.QUEUE) * 2 ** 31 + history;
    let group = groups.get(key);
    if (group === undefined || group.ranges.length >= MAX_RANGES * 3) {
      if (group !== undefined) bodies.push(bodyOf(store, group));
      group = { extent, ranges: [] };
      groups.set(key, group);
    }
    addRanges(store, extent, group.ranges);
  }
  for (const group of groups.values()) bodies.push(bodyOf(store, group));
  return bodies;
};

/** The queue that a body is about. */
export const queueOf = (body: Uint8Array): number => viewOf(body).getUint32(record.QUEUE - BODY);

/** Names it by another number. */
export const setQueue = (body: Uint8Array, queue: number): void => viewOf(body).setUint32(record.QUEUE - BODY, queue);

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

const addRanges = ({ extents }: Store, extent: number, ranges: number[]): void => {
  const high = extents.idHigh(extent);
  const block = (extents.idLow(extent) & ~(ext.BLOCK - 1)) >>> 0;
  for (let left = extents.get(extent, ext.MASK); left !== 0; ) {
    const first = 31 - Math.clz32(left & -left);
    const run = left >>> first;
    const count = run === -1 >>> first ? 32 - first : 31 - Math.clz32(~run & (run + 1));
    left &= ~ext.bits(first, count);
    const low = block + first;
    const last = ranges.length - 3;
    const isNext =
      last >= 0 && ranges[last] === high && (ranges[last + 1] as number) + (ranges[last + 2] as number) === low;
    if (isNext) (ranges[last + 2] as number) += count;
    else ranges.push(high, low, count);
  }
};

const bodyOf = (store: Store, { extent, ranges }: Group): Uint8Array => {
  const failures = store.failuresOf(extent) ?? new Uint8Array(0);
  const begin = record.rangesBehind(failures.length) - BODY;
  const body = new Uint8Array(begin + ranges.length * 4);
  const view = new DataView(body.buffer);
  view.setUint8(0, record.RecordType.STATE);
  view.setUint8(record.STATE - BODY, record.UNCHANGED);
  view.setUint32(record.QUEUE - BODY, store.extents.get(extent, ext.QUEUE));
  view.setUint16(record.FAILURES_LENGTH - BODY, failures.length);
  body.set(failures, record.FAILURES - BODY);
  for (const [i, word] of ranges.entries()) view.setUint32(begin + i * 4, word);
  return body;
};
