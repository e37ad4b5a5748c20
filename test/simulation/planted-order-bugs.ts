/** Bugs of the order in which messages wait when they are read back: see planted-bugs.ts. */
import { MASK, NEXT, NONE, State } from "../../src/shard/messages/extent.js";
import { Queue } from "../../src/shard/messages/queue.js";
import type { Shard } from "../../src/shard/shard.js";
import { returning } from "./directed-histories.js";
import { historyOf } from "./histories.js";
import type { Makers } from "./life.js";
import { type PlantedBug, target } from "./planted-bugs.js";
import { recovering } from "./replaced-methods.js";
import type { History } from "./steps.js";

/** Histories of one shard whose segments fill with garbage. */
const compacting = (seed: number): History =>
  historyOf(seed, 250, { churn: 0.3, crash: 0.03 }, { shards: 1, move: 0, backup: 0 });

/** Puts the first of the ready messages of each queue that have been retried, or have not, behind all others. */
const putLast = ({ store, directory }: Shard, isRetried: boolean): void => {
  const { extents } = store;
  for (const topic of directory.topics) {
    for (const { ready } of topic.queues.values()) {
      let extent = ready.head;
      while (extent !== NONE && extents.retry(extent) > 0 !== isRetried) extent = extents.get(extent, NEXT);
      if (extent === NONE) continue;
      ready.remove(extents, extent);
      extents.places[extent] = store.nextPlace();
      ready.push(extents, extent);
    }
  }
};

/** What a shard is read back from. */
interface Origin {
  /** Segments were written anew since it was last read back. */
  readonly isAnew: boolean;
  /** Or before that. */
  readonly isCopy: boolean;
}

const readBack = (makers: Makers, change: (shard: Shard, origin: Origin) => void): Makers => {
  /** How many shards are to be read back from what was written anew. */
  let anew = 0;
  let isCopy = false;
  const rewritten = (shards: number): void => {
    anew = shards;
    isCopy = true;
  };
  return {
    ...makers,
    reshard: (view, checksum, input) => {
      makers.reshard(view, checksum, input);
      rewritten(input.to);
    },
    compact: (view, checksum, input) => {
      rewritten(input.head.shards);
      return makers.compact(view, checksum, input);
    },
    target: (shard) => {
      const real = makers.target(shard);
      const origin = { isAnew: anew > 0, isCopy };
      anew--;
      const finish = (): void => {
        real.finish();
        change(shard, origin);
      };
      return target(real, { finish });
    },
  };
};

export const PLANTED_ORDER_BUGS: readonly PlantedBug[] = [
  {
    name: "a recovery changes the order of what came back",
    symptom: /has the order/,
    historyOf: returning,
    plant: (makers) => readBack(makers, (shard, { isCopy }) => !isCopy && putLast(shard, true)),
  },
  {
    name: "a recovery changes the order of what came back before everything was moved",
    symptom: /has the order/,
    historyOf: returning,
    plant: (makers) => readBack(makers, (shard, { isCopy, isAnew }) => isCopy && !isAnew && putLast(shard, true)),
  },
  {
    name: "a move changes the order of what never came back",
    symptom: /has the order/,
    historyOf: returning,
    plant: (makers) => readBack(makers, (shard, { isAnew }) => isAnew && putLast(shard, false)),
  },
  {
    name: "a compaction changes the order of what never came back",
    symptom: /has the order/,
    historyOf: compacting,
    plant: (makers) => readBack(makers, (shard, { isAnew }) => isAnew && putLast(shard, false)),
  },
  {
    name: "a recovery puts a piece of a fragment behind it, wherever its messages belong",
    symptom: /is out of line/,
    historyOf: compacting,
    plant: (makers) =>
      recovering(makers, Queue.prototype, {
        part(fragment: number, mask: number): number {
          const { extents, wheel } = this.store;
          if (mask === extents.get(fragment, MASK)) return fragment;
          const part = this.store.split(fragment, mask);
          if (wheel.isScheduled(fragment)) wheel.schedule(part, wheel.dueOf(fragment));
          const { READY, DELAYED } = State;
          const state = extents.state(fragment);
          const list = state === READY ? this.ready : state === DELAYED ? this.delayed : this.dead;
          list.insertAfter(extents, part, fragment);
          return part;
        },
      } as ThisType<Queue> & Partial<Queue>),
  },
];
