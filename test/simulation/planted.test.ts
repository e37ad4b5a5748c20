/** A simulation that never fails says nothing. Each bug here must be found, and for what it does. */
import { expect, it } from "vitest";
import { loadChecksum } from "../../src/journal/checksum.js";
import { historyOf } from "./histories.js";
import { realMakers } from "./life.js";
import { PLANTED_BACKUP_BUGS } from "./planted-backup-bugs.js";
import { PLANTED_BUGS } from "./planted-bugs.js";
import { PLANTED_CHANNEL_BUGS } from "./planted-channel-bugs.js";
import { PLANTED_LEDGER_BUGS } from "./planted-ledger-bugs.js";
import { PLANTED_MOVE_BUGS } from "./planted-move-bugs.js";
import { isFailure, simulate } from "./simulate.js";
import type { History } from "./steps.js";

/** Histories in which a bug must show. */
const SEEDS = 400;
const STEPS = 200;

const randomHistory = (seed: number): History => historyOf(seed, STEPS);

const makers = realMakers(await loadChecksum());

const ALL = [
  ...PLANTED_BUGS,
  ...PLANTED_CHANNEL_BUGS,
  ...PLANTED_MOVE_BUGS,
  ...PLANTED_BACKUP_BUGS,
  ...PLANTED_LEDGER_BUGS,
];

it.each(ALL)("finds that $name", ({ plant, symptom, historyOf: towards = randomHistory }) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const history = towards(seed);
    const outcome = simulate(history, plant(makers));
    if (!isFailure(outcome)) continue;
    expect(String(outcome.error)).toMatch(symptom);
    // It is the bug, and not the history.
    expect(simulate(history, makers)).not.toHaveProperty("error");
    return;
  }
  expect.fail(`${SEEDS} histories have not shown it`);
});
