/**
 * `node build/bench/profile.js <directory>`: which functions the CPU profiles in a directory spent their time in, as
 * `npm run bench -- --profile <directory>` writes them. Time is that of the function itself, without what it called, as a
 * share of the time in which its thread was busy.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "commander";
import { number, pad, widthsOf } from "./report/text-table.js";

/** The format of V8's profiler. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

const SUFFIX = ".cpuprofile";
/** Of `CPU.<date>.<time>.<process>.<thread>.<sequence>.cpuprofile`. The main thread is number 0. */
const THREAD = 4;
const IDLE = new Set(["(idle)", "(root)", "(program)"]);
const HEADINGS = ["ms", "% of busy"];
const DEFAULT_TOP = "15";

const selfTimes = ({ nodes, samples, timeDeltas }: Profile): ReadonlyMap<string, number> => {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const place = url === "" ? "" : ` ${url.replace(/^.*\/(dist|node_modules)\//, "$1/")}:${lineNumber + 1}`;
      return [id, `${functionName || "(anonymous)"}${place}`];
    }),
  );
  const times = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const name = names.get(id) ?? "?";
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0));
  }
  return times;
};

const linesOf = (file: string, top: number): readonly string[] => {
  const thread = basename(file).split(".")[THREAD];
  const times = [...selfTimes(JSON.parse(readFileSync(file, "utf8")))];
  const sum = (of: typeof times): number => of.reduce((total, [, micros]) => total + micros, 0);
  // "(program)" is time in no function of JavaScript: system calls among it.
  const busy = sum(times.filter(([name]) => !IDLE.has(name) || name === "(program)"));
  const rows = times
    .filter(([name]) => name !== "(idle)" && name !== "(root)")
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, top)
    .map(([name, micros]) => [number(Math.round(micros / 1000)), number((micros / busy) * 100), name]);
  const widths = widthsOf([HEADINGS, ...rows]);
  const title = `${thread === "0" ? "main thread" : `thread ${thread}`}, busy ${number(Math.round(busy / 1000))} of ${number(Math.round(sum(times) / 1000))} ms (${basename(file)})`;
  return [
    title,
    ...[HEADINGS, ...rows].map(([ms = "", share = "", name = ""]) => `${pad([ms, share], widths, 0)}  ${name}`),
    "",
  ];
};

const program = new Command("profile")
  .argument("<directory>", "where the profiles are")
  .option("--top <n>", "functions of each thread", DEFAULT_TOP)
  .parse();
const [directory = "."] = program.args;
const { top } = program.opts<{ readonly top: string }>();
for (const file of readdirSync(directory)
  .filter((name) => name.endsWith(SUFFIX))
  .toSorted()) {
  process.stdout.write(`${linesOf(join(directory, file), Number(top)).join("\n")}\n`);
}
