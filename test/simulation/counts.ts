/** What the answers to DELAYED and DEAD_GROUPS must be, counted message by message. */
import assert from "node:assert/strict";
import { FAILED_HOW, readFailures } from "../../src/protocol/failure.js";
import { parseId } from "../../src/protocol/id.js";
import { DEFAULT_KEY } from "../../src/protocol/limits.js";
import { DEATHS } from "../../src/protocol/run.js";
import type { DeadGroups, Delayed } from "../../src/shard/command.js";
import * as ext from "../../src/shard/messages/extent.js";
import type { Shard } from "../../src/shard/shard.js";
import { type Held, keyOf } from "./photograph.js";

export interface DelayedTold {
  readonly now: number;
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
  readonly before: number;
  readonly after: number;
  readonly first: number | null;
  readonly last: number | null;
}

interface Group {
  readonly reason: string;
  readonly how: string;
  readonly client: string;
  readonly text: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly example: string;
}

export interface GroupsTold {
  readonly groups: readonly Group[];
  readonly rest: number;
}

/** `staying`: what was delayed all the time; exact: nothing else was. */
export const expectDelayed = (
  { buckets, from, to }: Delayed,
  told: DelayedTold,
  staying: readonly Held[],
  isExact: boolean,
): void => {
  const dues = staying.map(({ time }) => Math.ceil(time));
  assert.equal(told.from, from ?? Math.min(told.now, to ?? told.now), "DELAYED counts from another time");
  const [first, last] = [Math.min(...dues), Math.max(...dues)];
  const counts = new Array<number>(buckets).fill(0);
  let [before, after] = [0, 0];
  const length = told.to - told.from;
  for (const due of dues) {
    if (due < told.from) before++;
    else if (due > told.to) after++;
    else {
      // A time at the boundary of two parts is in the later one; the end is in the last.
      const part = length > 0 ? Math.min(buckets - 1, Math.floor(((due - told.from) * buckets) / length)) : 0;
      counts[part] = (counts[part] ?? 0) + 1;
    }
  }
  if (isExact) {
    const end = to ?? Math.max(told.from, last);
    const times = dues.length > 0 ? [first, last] : [null, null];
    assert.deepEqual(
      [told.to, told.counts, told.before, told.after, told.first, told.last],
      [end, counts, before, after, ...times],
      "DELAYED counts other messages than there are",
    );
    return;
  }
  const isCounted = counts.every((count, i) => (told.counts[i] ?? 0) >= count);
  assert.ok(
    isCounted && told.before >= before && told.after >= after,
    "DELAYED leaves out what was delayed all the time",
  );
};

/** `staying`: what was dead all the time; exact: nothing else was. */
export const expectGroups = (
  { topic, queue, max }: DeadGroups,
  { groups, rest }: GroupsTold,
  staying: readonly Held[],
  isExact: boolean,
  shard: Shard,
): void => {
  const total = groups.reduce((sum, { count }) => sum + count, rest);
  assert.ok(total >= staying.length, "DEAD_GROUPS leaves out what was dead all the time");
  if (!isExact) return;
  const dead = deadIn(shard, topic, queue || DEFAULT_KEY);
  const expected = new Map<string, Dead[]>();
  for (const each of dead) expected.set(each.cause, [...(expected.get(each.cause) ?? []), each]);
  assert.equal(total, dead.length, "DEAD_GROUPS counts other dead letters than there are");
  assert.equal(groups.length, Math.min(max, expected.size), "DEAD_GROUPS tells other groups than there are");
  for (const [i, { reason, how, client, text, count, first, last, example }] of groups.entries()) {
    const alike = expected.get(causeOf(reason, how, client, text)) ?? [];
    const times = alike.map(({ time }) => time);
    const shown = [Math.min(...times), Math.max(...times), alike.length];
    assert.deepEqual([first, last, count], shown, `DEAD_GROUPS of those that were ${reason}, ${how} and said ${text}`);
    const { high, low } = parseId(example) ?? { high: 0, low: 0 };
    const isLast = alike.some(({ key, time }) => key === keyOf(high, low) && time === last);
    assert.ok(isLast, `DEAD_GROUPS shows ${example}, which did not die last`);
    assert.ok((groups[i - 1]?.count ?? count) >= count, "DEAD_GROUPS tells a larger group after a smaller one");
  }
  const smallest = groups.at(-1)?.count ?? 0;
  const told = new Set(groups.map(({ reason, how, client, text }) => causeOf(reason, how, client, text)));
  for (const [cause, { length }] of expected) {
    assert.ok(told.has(cause) || length <= smallest, `DEAD_GROUPS leaves out a large group: ${cause}`);
  }
};

interface Dead {
  readonly key: number;
  readonly time: number;
  readonly cause: string;
}

const causeOf = (reason: string, how: string, client: string, text: string): string =>
  JSON.stringify([reason, how, client, text]);

/** The dead letters of a queue, one by one, with what a client would read in their histories. */
const deadIn = ({ store, directory }: Shard, topic: string, bindKey: string): readonly Dead[] => {
  const { extents } = store;
  const queue = directory.find(topic)?.queues.get(bindKey);
  const dead: Dead[] = [];
  for (let extent = queue?.dead.head ?? ext.NONE; extent !== ext.NONE; extent = extents.get(extent, ext.NEXT)) {
    const cause = lastCause(DEATHS[extents.reason(extent)] ?? "", store.failuresOf(extent));
    const time = Math.floor(extents.times[extent] as number);
    for (let left = extents.get(extent, ext.MASK); left !== 0; left &= left - 1) {
      const low = (extents.idLow(extent) & ~(ext.BLOCK - 1)) | (31 - Math.clz32(left & -left));
      dead.push({ key: keyOf(extents.idHigh(extent), low >>> 0), time, cause });
    }
  }
  return dead;
};

const lastCause = (reason: string, bytes: Uint8Array | undefined): string => {
  if (bytes === undefined) return causeOf(reason, "", "", "");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const failures = readFailures(view, 0, bytes.length).map(({ how, consumerStart, reasonStart, end }) => ({
    how: FAILED_HOW[how] ?? "",
    client: Buffer.from(bytes.subarray(consumerStart, reasonStart)).toString(),
    text: Buffer.from(bytes.subarray(reasonStart, end)).toString(),
  }));
  const { how = "", client = "" } = failures.at(-1) ?? {};
  const said = failures.findLast(({ text }) => text !== "")?.text ?? "";
  return causeOf(reason, how, client, said.split("\n")[0] ?? "");
};
