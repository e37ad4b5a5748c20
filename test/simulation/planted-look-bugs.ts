/** Bugs of FIND, DELAYED and DEAD_GROUPS: see planted-bugs.ts. */
import { DelayedCursor } from "../../src/shard/messages/delayed-counts.js";
import { ExtentTable, SPAN } from "../../src/shard/messages/extent.js";
import { FailureHistories } from "../../src/shard/messages/failure-histories.js";
import { FindPosition } from "../../src/shard/messages/find-position.js";
import { lookedThrough } from "./directed-histories.js";
import type { Makers } from "./life.js";
import type { PlantedBug } from "./planted-bugs.js";
import { living } from "./replaced-methods.js";

const { pass, enter, format } = FindPosition.prototype;

/** FINDs have other positions. */
const positions = (makers: Makers, own: Partial<FindPosition> & ThisType<FindPosition>): Makers =>
  living(makers, FindPosition.prototype, own);

const bugs: readonly Omit<PlantedBug, "historyOf">[] = [
  {
    name: "FIND forgets what it has passed of a block but for the last message",
    symptom: /FIND tells message \d+ twice/,
    plant: (makers) =>
      positions(makers, {
        pass(...args) {
          this.done = 0;
          pass.apply(this, args);
          this.done = args[4];
        },
      }),
  },
  {
    name: "FIND passes a whole block with one message of it",
    symptom: /FIND leaves out message/,
    plant: (makers) =>
      positions(makers, {
        pass(extent, delivery, place, block) {
          pass.call(this, extent, delivery, place, block, -1);
        },
      }),
  },
  {
    name: "FIND begins with the dead letters anew when it goes on",
    symptom: /FIND tells message \d+ twice|out of order/,
    plant: (makers) =>
      positions(makers, {
        format(life) {
          if (this.state === 3) enter.call(this, 3);
          return format.call(this, life);
        },
      }),
  },
  {
    name: "FIND passes who has a message with a part of what they have",
    symptom: /FIND leaves out message \d+, in-flight/,
    plant: (makers) =>
      positions(makers, {
        format(life) {
          if (this.state === 2 && this.place > 0) enter.call(this, 2, this.holder + 1);
          return format.call(this, life);
        },
      }),
  },
  {
    name: "a cursor of FIND is good for any life of a shard",
    symptom: /a cursor of another life/,
    plant: (makers) => ({ ...makers, shard: (options) => makers.shard({ ...options, life: 1 }) }),
  },
  {
    name: "FIND shows the retries of another delivery",
    symptom: /FIND of message/,
    plant: (makers) => ({
      ...makers,
      shard: (options) => {
        const { effects } = options;
        const { run, openMessages, closeMessages } = effects;
        let isLook = false;
        effects.openMessages = (...args) => {
          isLook = args[2] === true;
          openMessages.apply(effects, args);
        };
        effects.run = (each) => run.call(effects, isLook ? { ...each, retry: each.retry + 1 } : each);
        effects.closeMessages = () => closeMessages.call(effects);
        return makers.shard(options);
      },
    }),
  },
  {
    name: "DELAYED counts what a fragment once had",
    symptom: /DELAYED counts other messages/,
    plant: (makers) => {
      const { advance } = DelayedCursor.prototype;
      const { count, get } = ExtentTable.prototype;
      return living(makers, DelayedCursor.prototype, {
        advance(max) {
          ExtentTable.prototype.count = function (extent) {
            return get.call(this, extent, SPAN);
          };
          try {
            return advance.call(this, max);
          } finally {
            ExtentTable.prototype.count = count;
          }
        },
      } as Partial<DelayedCursor> & ThisType<DelayedCursor>);
    },
  },
  {
    name: "DEAD_GROUPS takes all failures for nacks",
    symptom: /DEAD_GROUPS/,
    plant: (makers) => {
      const { lastCause } = FailureHistories.prototype;
      return living(makers, FailureHistories.prototype, {
        lastCause(history) {
          return { ...lastCause.call(this, history), how: 1 };
        },
      } as Partial<FailureHistories> & ThisType<FailureHistories>);
    },
  },
];

export const PLANTED_LOOK_BUGS: readonly PlantedBug[] = bugs.map((bug) => ({ ...bug, historyOf: lookedThrough }));
