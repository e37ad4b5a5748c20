/**
 * `npm run bench`: runs scenarios and prints what they measured.
 */
import { hardware, versions } from "./environment.js";
import { medianOfRuns } from "./median.js";
import { parseOptions } from "./options.js";
import { json, type Report, table } from "./report.js";
import { Bench, type Parameters, type Result } from "./scenario.js";

const options = parseOptions(process.argv.slice(2));

/** On standard error: standard output is the report's alone. */
const progress = (text: string): void => {
  if (!options.json) process.stderr.write(`${text}\n`);
};

const parameters: Record<string, Parameters> = {};
const results: Result[] = [];
for (const scenario of options.scenarios) {
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
}

const report: Report = { hardware: hardware(), versions: versions(), parameters, results };
process.stdout.write(`${options.json ? json(report) : table(report)}\n`);
