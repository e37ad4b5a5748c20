/** Bugs of the ledger of segments: see planted-bugs.ts. */
import { LEDGER } from "../../src/journal/layout.js";
import { leaving } from "./directed-histories.js";
import { disk, type PlantedBug } from "./planted-bugs.js";

export const PLANTED_LEDGER_BUGS: readonly PlantedBug[] = [
  {
    name: "the ledger is never synced",
    symptom: /the file is missing|the ledger says/,
    historyOf: leaving,
    plant: (makers) => ({
      ...makers,
      view: (view) => {
        const [whole, careless] = [disk(view, {}), disk(view, {}, () => ({ sync: () => undefined }))];
        return { ...whole, open: (path, mode) => (path.endsWith(LEDGER) ? careless : whole).open(path, mode) };
      },
    }),
  },
];
