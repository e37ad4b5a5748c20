/** A simulation that never fails says nothing. Each bug here must be found by what CI plays, and for what it does. */
import { expect, it } from "vitest";
import { loadChecksum } from "../../src/journal/checksum.js";
import { CI_SEEDS, CI_STEPS, historyOf } from "./histories.js";
import { realMakers } from "./life.js";
import { PLANTED_BACKUP_BUGS } from "./planted-backup-bugs.js";
import { PLANTED_BUGS } from "./planted-bugs.js";
import { PLANTED_CHANNEL_BUGS } from "./planted-channel-bugs.js";
import { PLANTED_ENDS } from "./planted-ends.js";
import { PLANTED_FAILURE_BUGS } from "./planted-failure-bugs.js";
import { PLANTED_KEY_BUGS } from "./planted-key-bugs.js";
import { PLANTED_LEASE_BUGS } from "./planted-lease-bugs.js";
import { PLANTED_LEDGER_BUGS } from "./planted-ledger-bugs.js";
import { PLANTED_LOOK_BUGS } from "./planted-look-bugs.js";
import { PLANTED_MEMORY_BUGS } from "./planted-memory-bugs.js";
import { PLANTED_MOVE_BUGS } from "./planted-move-bugs.js";
import { PLANTED_ORDER_BUGS } from "./planted-order-bugs.js";
import { PLANTED_PRODUCER_BUGS } from "./planted-producer-bugs.js";
import { PLANTED_PROMISES } from "./planted-promises.js";
import { isFailure, simulate } from "./simulate.js";
import type { History } from "./steps.js";

const TIMEOUT = 180_000;

const randomHistory = (seed: number): History => historyOf(seed, CI_STEPS);

const makers = realMakers(await loadChecksum());

/** By what they come from, the seeds whose histories hold without a bug. Many bugs show in the same ones. */
const held = new Map<(seed: number) => History, Set<number>>();

const expectHolds = (towards: (seed: number) => History, seed: number): void => {
  const seeds = held.get(towards) ?? new Set();
  if (seeds.has(seed)) return;
  expect(simulate(towards(seed), makers)).not.toHaveProperty("error");
  held.set(towards, seeds.add(seed));
};

it.each([
  ...PLANTED_BUGS,
  ...PLANTED_CHANNEL_BUGS,
  ...PLANTED_MOVE_BUGS,
  ...PLANTED_BACKUP_BUGS,
  ...PLANTED_LEDGER_BUGS,
  ...PLANTED_MEMORY_BUGS,
  ...PLANTED_ORDER_BUGS,
  ...PLANTED_PROMISES,
  ...PLANTED_ENDS,
  ...PLANTED_LEASE_BUGS,
  ...PLANTED_FAILURE_BUGS,
  ...PLANTED_PRODUCER_BUGS,
  ...PLANTED_KEY_BUGS,
  ...PLANTED_LOOK_BUGS,
])("finds that $name", { timeout: TIMEOUT }, ({ plant, symptom, historyOf: towards = randomHistory }) => {
  for (let seed = 1; seed <= CI_SEEDS; seed++) {
    const outcome = simulate(towards(seed), plant(makers));
    if (!isFailure(outcome)) continue;
    expect(String(outcome.error)).toMatch(symptom);
    // It is the bug, and not the history.
    expectHolds(towards, seed);
    return;
  }
  expect.fail(`${CI_SEEDS} histories have not shown it`);
});
