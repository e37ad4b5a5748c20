/**
 * `npm run bench`: runs scenarios and prints what they measured.
 */
import { hardware, versions } from "./environment.js";
import { medianOfRuns } from "./median.js";
import { parseOptions } from "./options.js";
import { json, type Report, table } from "./report.js";
import { Bench, type Parameters, type Result, type Scenario } from "./scenario.js";

const options = parseOptions(process.argv.slice(2));

/** On standard error: standard output is the report's alone. */
const progress = (text: string): void => {
  if (!options.json) process.stderr.write(`${text}\n`);
};

const parameters: Record<string, Parameters> = {};
const results: Result[] = [];

const measure = async (scenario: Scenario): Promise<void> => {
  const of = options.parametersOf(scenario);
  parameters[scenario.name] = of;
  for (const variant of scenario.variants) {
    if (options.variant !== undefined && variant.name !== options.variant) continue;
    const runs: (readonly Result[])[] = [];
    for (let run = 1; run <= of.runs; run++) {
      progress(`${scenario.name} ${variant.name}: run ${run} of ${of.runs}`);
      runs.push(await variant.run(new Bench(of)));
    }
    results.push(...medianOfRuns(runs));
  }
};

try {
  for (const scenario of options.scenarios) await measure(scenario);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

const report: Report = { hardware: hardware(), versions: versions(), parameters, results };
process.stdout.write(`${options.json ? json(report) : table(report)}\n`);
