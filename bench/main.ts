/**
 * `npm run bench`: runs scenarios and prints what they measured.
 */

import { parseOptions } from "./options.js";
import type { Level } from "./processes/durability.js";
import { disk, hardware, versions } from "./report/environment.js";
import { json, type Report, table } from "./report/report.js";
import { medianOfRuns } from "./scenarios/median.js";
import { Bench, type LevelResult, type Result, type Scenario, type Variant } from "./scenarios/scenario.js";

const options = parseOptions(process.argv.slice(2));

/** On standard error, because standard output has only the report. */
const progress = (text: string): void => {
  if (!options.json) process.stderr.write(`${text}\n`);
};

const workloads: Record<string, Report["parameters"][string]> = {};
const results: LevelResult[] = [];

/** The levels take turns, so that other work on the machine affects all of them. */
const measureVariant = async (scenario: Scenario, variant: Variant, levels: readonly Level[]): Promise<void> => {
  const all = levels.map((level) => {
    const runs: (readonly Result[])[] = [];
    return { level, of: options.parametersOf(scenario, level), runs };
  });
  const count = all[0]?.of.runs ?? 0;
  for (let run = 1; run <= count; run++) {
    for (const { level, of, runs } of all) {
      progress(`${scenario.name} ${variant.name}, ${level}: run ${run} of ${count}`);
      runs.push(await variant.run(new Bench(of)));
    }
  }
  const medians = all.flatMap(({ level, runs }) =>
    medianOfRuns(runs).map((result): LevelResult => ({ ...result, durability: level })),
  );
  // Grouped by case, with its levels one below the other.
  for (const of of new Set(medians.map((result) => result.case))) {
    results.push(...medians.filter((result) => result.case === of));
  }
};

const measure = async (scenario: Scenario): Promise<void> => {
  const levels = options.levelsOf(scenario);
  const [first] = levels;
  if (first === undefined) return;
  const { durability: _each, ...workload } = options.parametersOf(scenario, first);
  workloads[scenario.name] = { ...workload, durabilities: levels };
  for (const variant of scenario.variants) {
    if (options.variant !== undefined && variant.name !== options.variant) continue;
    await measureVariant(scenario, variant, levels);
  }
};

try {
  for (const scenario of options.scenarios) await measure(scenario);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

const report: Report = {
  hardware: hardware(),
  ...(results.some(({ durability }) => durability !== "memory") ? { disk: disk(options.data) } : {}),
  versions: versions(),
  parameters: workloads,
  results,
};
process.stdout.write(`${options.json ? json(report) : table(report)}\n`);
