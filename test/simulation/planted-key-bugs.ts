/** Bugs of what is known of the keys of messages: see planted-bugs.ts. */
import { KeyReplay } from "../../src/shard/recovery/key-replay.js";
import { KeyTable } from "../../src/shard/topics/key-table.js";
import { MessageKeys } from "../../src/shard/topics/message-keys.js";
import { keying, keyingMuch, keyingOn } from "./directed-histories.js";
import type { PlantedBug } from "./planted-bugs.js";
import { answeringDuplicatesAtOnce, withoutParts } from "./planted-duplicate-bugs.js";
import { written } from "./planted-move-bugs.js";
import { applying, recovering } from "./replaced-methods.js";

const TWICE = /is taken twice/;

const nothing = (): void => undefined;

export const PLANTED_KEY_BUGS: readonly PlantedBug[] = [
  {
    name: "a recovery does not read the keys of batches",
    symptom: TWICE,
    historyOf: keying,
    plant: (makers) => recovering(makers, KeyReplay.prototype, { publish: nothing }),
  },
  {
    name: "a recovery does not read the keys of messages that were kept",
    symptom: TWICE,
    historyOf: keyingMuch,
    plant: (makers) => recovering(makers, KeyReplay.prototype, { keep: nothing }),
  },
  {
    name: "a recovery does not read what directories say of keys",
    symptom: TWICE,
    historyOf: keyingMuch,
    plant: (makers) => recovering(makers, KeyReplay.prototype, { part: nothing }),
  },
  {
    name: "directories do not name keys",
    symptom: TWICE,
    historyOf: keyingMuch,
    plant: (makers) => withoutParts(makers, "keys"),
  },
  {
    name: "a move forgets keys that are known for a window",
    symptom: TWICE,
    historyOf: keyingOn,
    plant: (makers) => written(makers, (entry) => (entry[0] === "keys" ? undefined : entry)),
  },
  {
    name: "a key is forgotten with its message, whatever its window",
    symptom: TWICE,
    historyOf: keying,
    plant: (makers) => applying(makers, KeyTable.prototype, { until: () => 0 }),
  },
  {
    name: "a key is known of whatever message was read last",
    symptom: /which never had it|is taken twice/,
    historyOf: keying,
    plant: (makers) => {
      const { idLow } = KeyTable.prototype;
      return applying(makers, KeyTable.prototype, {
        idLow(this: KeyTable, slot: number) {
          return idLow.call(this, slot) ^ 1;
        },
      });
    },
  },
  {
    name: "the hand forgets keys of messages that are there",
    symptom: TWICE,
    historyOf: keying,
    plant: (makers) => applying(makers, MessageKeys.prototype, { isThere: () => false }),
  },
  {
    name: "a duplicate of a key is answered before the first of it is on disk",
    symptom: /was confirmed and is lost|is taken twice/,
    historyOf: keying,
    plant: answeringDuplicatesAtOnce,
  },
];
