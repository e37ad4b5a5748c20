/**
 * What must always be true of a shard's messages. Looks at every extent: for tests and simulations.
 */
import { skipEntries } from "../../protocol/entry.js";
import * as ext from "./extent.js";
import type { ExtentList } from "./extent-list.js";
import type { FailureHistories } from "./failure-histories.js";
import type { Queue } from "./queue.js";
import type { Store } from "./store.js";

const { State } = ext;

const check = (condition: boolean, message: string): void => {
  if (!condition) throw new Error(`shard: ${message}`);
};

/** Throws when lists, counters, timers, index and log contradict one another. */
export const checkMessages = (store: Store, queues: Iterable<Queue | undefined>): void => {
  store.wheel.invariants();
  const live = new Map<number, number>();
  const seen = new Set<number>();
  const histories = new Map<FailureHistories, Map<number, number>>();
  let fragments = 0;
  let scheduled = 0;

  /** Walks a list; the messages and their bytes in it. */
  const walk = (queue: Queue, list: ExtentList, state: number): { count: number; bytes: number } => {
    let count = 0;
    let bytes = 0;
    let previous: number = ext.NONE;
    list.invariants(store.extents);
    for (let extent = list.head; extent !== ext.NONE; extent = store.extents.get(extent, ext.NEXT)) {
      check(!seen.has(extent), `extent ${extent} is in two lists`);
      seen.add(extent);
      check(store.extents.state(extent) === state, `extent ${extent} is in state ${store.extents.state(extent)}`);
      check(store.extents.get(extent, ext.QUEUE) === queue.number, `extent ${extent} is of another queue`);
      checkExtent(store, extent);
      const isKept = store.log.pages.isKept(store.extents.get(extent, ext.PAGE));
      check(queue.isRecorded || !isKept, `extent ${extent} is kept and its queue is not recorded`);
      check(previous === ext.NONE || isInLine(store, previous, extent), `extent ${extent} is out of line`);
      const messages = store.extents.count(extent);
      const page = store.extents.get(extent, ext.PAGE);
      live.set(page, (live.get(page) ?? 0) + messages);
      count += messages;
      bytes += store.extents.isFragment(extent)
        ? store.bytesOf(extent, store.extents.get(extent, ext.MASK))
        : store.extents.get(extent, ext.BYTES);
      if (store.extents.isFragment(extent)) fragments++;
      if (store.wheel.isScheduled(extent)) scheduled++;
      const history = store.extents.historyOf(extent);
      const { failures } = queue.topic;
      if (history !== 0 && failures !== undefined) {
        const references = histories.get(failures) ?? new Map<number, number>();
        references.set(history, (references.get(history) ?? 0) + 1);
        histories.set(failures, references);
      }
      previous = extent;
    }
    return { count, bytes };
  };

  for (const queue of queues) {
    if (queue === undefined) continue;
    const ready = walk(queue, queue.ready, State.READY);
    const delayed = walk(queue, queue.delayed, State.DELAYED);
    const dead = walk(queue, queue.dead, State.DEAD);
    let inFlight = walk(queue, queue.popped, State.IN_FLIGHT).count;
    check(store.queues[queue.number] === queue, `queue ${queue.number} is not in the table`);
    for (const holder of queue.holders) {
      const held = walk(queue, holder.held, State.IN_FLIGHT).count;
      check(held === holder.heldCount, `a consumer holds ${held} messages and counts ${holder.heldCount}`);
      check(store.holders[holder.number] === holder, `consumer ${holder.number} is not in the table`);
      inFlight += held;
    }
    const name = `${queue.topic.name}/${queue.bindKey}`;
    check(ready.count === queue.readyCount, `${name} has ${ready.count} ready, counts ${queue.readyCount}`);
    check(ready.bytes === queue.readyBytes, `${name} has ${ready.bytes} ready bytes, counts ${queue.readyBytes}`);
    check(delayed.count === queue.delayedCount, `${name} has ${delayed.count} delayed, counts ${queue.delayedCount}`);
    check(delayed.bytes === queue.delayedBytes, `${name} has ${delayed.bytes} delayed bytes`);
    check(dead.count === queue.deadCount, `${name} has ${dead.count} dead, counts ${queue.deadCount}`);
    check(inFlight === queue.inFlightCount, `${name} has ${inFlight} in flight, counts ${queue.inFlightCount}`);
  }
  for (const queue of queues) {
    const failures = queue?.topic.failures;
    failures?.invariants(histories.get(failures) ?? new Map());
  }
  check(seen.size === store.extents.live, `${seen.size} extents are listed, ${store.extents.live} are live`);
  check(fragments === store.index.size, `${fragments} fragments are listed, ${store.index.size} are indexed`);
  check(scheduled === store.wheel.size, `${scheduled} timers are listed, ${store.wheel.size} are scheduled`);
  let bytes = 0;
  store.log.pages.list.forEach((page, number) => {
    if (page === undefined) return;
    bytes += page.bytes.length;
    check(page.live === (live.get(number) ?? 0), `page ${number} counts ${page.live} live messages`);
  });
  check(bytes === store.log.pages.bytes, `the log counts ${store.log.pages.bytes} bytes, its pages have ${bytes}`);
};

/** Throws when a list of a queue is not in line, or cannot find its places. Looks at no page. */
export const checkLists = (store: Store, queues: Iterable<Queue | undefined>): void => {
  for (const queue of queues) {
    if (queue === undefined) continue;
    const held = [...queue.holders].map((holder) => holder.held);
    for (const list of [queue.ready, queue.delayed, queue.dead, queue.popped, ...held]) {
      list.invariants(store.extents);
      let previous: number = ext.NONE;
      for (let extent = list.head; extent !== ext.NONE; extent = store.extents.get(extent, ext.NEXT)) {
        check(previous === ext.NONE || isInLine(store, previous, extent), `extent ${extent} is out of line`);
        previous = extent;
      }
    }
  }
};

/**
 * Whether an extent stands rightly behind another one: at its place, by which it is found again; in flight by their deliveries, then
 * by their places and their blocks. FIND goes by it.
 */
const isInLine = ({ extents, delivery }: Store, before: number, extent: number): boolean => {
  if (extents.state(extent) !== State.IN_FLIGHT) {
    return extents.isBefore(before, extent) && !doInterleave(extents, before, extent);
  }
  const age = (of: number): number => (delivery - extents.get(of, ext.DELIVERY)) >>> 0;
  if (age(before) !== age(extent)) return age(before) > age(extent);
  const place = extents.places[extent] as number;
  const placeBefore = extents.places[before] as number;
  return place === placeBefore ? extents.block(before) <= extents.block(extent) : placeBefore < place;
};

/** Whether the first of two extents has messages of the same place and block behind the first message of the other one. */
const doInterleave = (extents: ext.ExtentTable, before: number, extent: number): boolean =>
  extents.places[before] === extents.places[extent] &&
  extents.block(before) === extents.block(extent) &&
  extents.behind(before, extent) !== 0;

/** A fragment lies in one block, is found by its id, and its entries have the size it says. */
const checkExtent = (store: Store, extent: number): void => {
  const { extents } = store;
  const span = extents.get(extent, ext.SPAN);
  const { view } = store.pageOf(extent);
  const start = extents.get(extent, ext.OFFSET);
  check(skipEntries(view, start, span) - start === extents.get(extent, ext.BYTES), `extent ${extent} has a wrong size`);
  if (!extents.isFragment(extent)) {
    check(extents.state(extent) === State.READY && extents.retry(extent) === 0, `extent ${extent} is not fresh`);
    return;
  }
  const from = extents.idLow(extent) & 31;
  check(from + span <= ext.BLOCK, `fragment ${extent} leaves its block`);
  check(
    (extents.get(extent, ext.MASK) & ~ext.bits(from, span)) === 0,
    `fragment ${extent} has messages it cannot have`,
  );
  const state = extents.state(extent);
  const timed = state === State.IN_FLIGHT || state === State.DELAYED;
  check(!timed || store.wheel.isScheduled(extent), `fragment ${extent} in state ${state} has no timer`);
  let found = store.index.first(extents.get(extent, ext.QUEUE), extents.idHigh(extent), extents.idLow(extent));
  while (found !== extent && found !== ext.NONE) found = store.index.next(found);
  check(found === extent, `fragment ${extent} is not found by its id`);
};
