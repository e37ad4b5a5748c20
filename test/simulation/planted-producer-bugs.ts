/** Bugs of what is remembered of producers: see planted-bugs.ts. */

import { ProducerReplay } from "../../src/shard/recovery/producer-replay.js";
import { ProducerWindow } from "../../src/shard/topics/producer-window.js";
import { Producers } from "../../src/shard/topics/producers.js";
import { producing, producingMuch, producingOn } from "./directed-histories.js";
import type { PlantedBug } from "./planted-bugs.js";
import { answeringDuplicatesAtOnce, withoutParts } from "./planted-duplicate-bugs.js";
import { written } from "./planted-move-bugs.js";
import { applying, recovering } from "./replaced-methods.js";

const TWICE = /is taken twice/;

const nothing = (): void => undefined;

export const PLANTED_PRODUCER_BUGS: readonly PlantedBug[] = [
  {
    name: "a recovery does not read what producers have numbered",
    symptom: TWICE,
    historyOf: producing,
    plant: (makers) => recovering(makers, ProducerReplay.prototype, { batch: nothing }),
  },
  {
    name: "a recovery does not read what directories say of producers",
    symptom: TWICE,
    historyOf: producingMuch,
    plant: (makers) => recovering(makers, ProducerReplay.prototype, { part: nothing }),
  },
  {
    name: "directories do not name producers",
    symptom: TWICE,
    historyOf: producingMuch,
    plant: (makers) => withoutParts(makers, "producer"),
  },
  {
    name: "a directory that is not complete counts for producers",
    symptom: TWICE,
    historyOf: producingMuch,
    plant: (makers) =>
      recovering(makers, ProducerReplay.prototype, {
        segment(this: ProducerReplay) {
          this.complete();
        },
      }),
  },
  {
    name: "a move forgets producers",
    symptom: TWICE,
    historyOf: producingOn,
    plant: (makers) => written(makers, (entry) => (entry[0] === "producer" ? undefined : entry)),
  },
  {
    name: "a duplicate is answered before the first of it is on disk",
    symptom: /was confirmed and is lost|is taken twice/,
    historyOf: producing,
    plant: answeringDuplicatesAtOnce,
  },
  {
    name: "what was taken is not remembered",
    symptom: TWICE,
    historyOf: producing,
    plant: (makers) => applying(makers, Producers.prototype, { took: nothing }),
  },
  {
    name: "a duplicate has the id of the first message of its run",
    symptom: /has another id/,
    historyOf: producing,
    plant: (makers) => {
      const { known } = ProducerWindow.prototype;
      return applying(makers, ProducerWindow.prototype, {
        known(this: ProducerWindow, sequence: number, max: number) {
          const count = known.call(this, sequence, max);
          known.call(this, this.floor, 1);
          return count;
        },
      });
    },
  },
  {
    name: "no more than the newest message of a producer is remembered",
    symptom: /is said to be forgotten/,
    historyOf: producing,
    plant: (makers) => {
      const { trim } = ProducerWindow.prototype;
      return applying(makers, ProducerWindow.prototype, {
        trim(this: ProducerWindow, _messages: number, oldest: number) {
          trim.call(this, 1, oldest);
        },
      });
    },
  },
];
