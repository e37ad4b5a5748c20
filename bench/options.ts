/**
 * The command line.
 */
import { tmpdir } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import type { Pin } from "./processes/command.js";
import { DEFAULT_LEVEL, LEVELS, type Level } from "./processes/durability.js";
import { canonical, scenarios } from "./scenarios/index.js";
import type { Parameters, Scenario } from "./scenarios/scenario.js";

const DEFAULT_BYTES = 128;
const DEFAULT_SECONDS = 30;

interface Flags {
  readonly messages?: number;
  readonly bytes?: number;
  readonly batch?: number;
  readonly runs?: number;
  readonly seconds?: number;
  readonly shards?: number;
  readonly memory?: number;
  readonly durability?: readonly Level[];
  readonly data?: string;
  readonly pin?: Pin;
  readonly profile?: string;
  readonly variant?: string;
  readonly users?: true;
  readonly observed?: true;
  readonly json?: true;
}

export interface Options {
  readonly scenarios: readonly Scenario[];
  /** Only this variant. */
  readonly variant: string | undefined;
  readonly json: boolean;
  /** Where the directories of brokers' data are made. */
  readonly data: string;
  /** The requested levels that the scenario supports, at least one. */
  levelsOf(scenario: Scenario): readonly Level[];
  parametersOf(scenario: Scenario, durability: Level): Parameters;
}

const positive = (text: string): number => {
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a positive integer.");
  return value;
};

/** `512mb`, `2gb`, or bytes: units are powers of 1,024. */
const size = (text: string): number => {
  const [, digits, unit = ""] = /^(\d{1,15})(kb|mb|gb)?$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError("It must be a size, such as 512mb.");
  return Number(digits) * 1024 ** ["", "kb", "mb", "gb"].indexOf(unit);
};

const pin = (text: string): Pin => {
  const match = /^([\d,-]+)(?:\/([\d,-]+))?$/.exec(text);
  const broker = match?.[1];
  if (broker === undefined) throw new InvalidArgumentError("It is a list of CPUs, or two with a slash between them.");
  return { broker, load: match?.[2] ?? broker };
};

const ALL = "all";

const durability = (text: string): readonly Level[] => {
  if (text === ALL) return LEVELS;
  const level = LEVELS.find((each) => each === text);
  if (level === undefined) throw new InvalidArgumentError(`It is one of ${[...LEVELS, ALL].join(", ")}.`);
  return [level];
};

const scenarioNamed = (name: string): Scenario => {
  const scenario = scenarios.find((candidate) => candidate.name === name);
  if (scenario === undefined) {
    throw new InvalidArgumentError(`The scenarios are: ${scenarios.map((each) => each.name).join(", ")}.`);
  }
  return scenario;
};

const command = (): Command =>
  new Command("npm run bench --")
    .description("Measures a broker on this machine: a broker process, load processes, loopback. Linux only.")
    .argument(
      "[scenario...]",
      "what to measure; without one, publish-batched and consume-ack",
      (name: string, before: readonly Scenario[] = []) => [...before, scenarioNamed(name)],
    )
    .option("--messages <n>", "messages of a run (default: by scenario)", positive)
    .option("--bytes <n>", `bytes of a body (default: ${DEFAULT_BYTES})`, positive)
    .option("--batch <n>", "messages in a frame (default: by scenario)", positive)
    .option("--runs <n>", "runs of which the median is told (default: by scenario)", positive)
    .option("--seconds <n>", `end a load after so long (default: ${DEFAULT_SECONDS} or by scenario)`, positive)
    .option(
      "--durability <level>",
      `what the broker promises: fsync, write, memory, or ${ALL} three side by side (default: ${DEFAULT_LEVEL})`,
      durability,
    )
    .option("--data <directory>", "where to make directories for the broker's data (default: the system's temporary)")
    .option("--shards <n>", "shards of the broker (default: the broker's own)", positive)
    .option("--memory <size>", "the broker's budget for messages, such as 512mb (default: the broker's own)", size)
    .option("--pin <cpus>", "run on these CPUs (taskset): all, or broker/load, such as 0/1", pin)
    .option("--variant <name>", "only this variant, such as raw or client")
    .option("--users", "give the broker a user, and have the load show its token")
    .option("--observed", "read /metrics each second meanwhile, and keep a console open")
    .option("--profile <directory>", "write CPU profiles of the broker's threads there; it is slower meanwhile")
    .option("--json", "print one JSON object and nothing else")
    .addHelpText(
      "after",
      () => `
Scenarios:
${scenarios.map((scenario) => `  ${scenario.name.padEnd(16)} ${scenario.summary}`).join("\n")}

Examples:
  npm run bench                                        the workload that matters, in a minute
  npm run --silent bench -- end-to-end --pin 0 --json  latency with all processes on one CPU
  npm run bench -- publish-batched --bytes 16384
  npm run bench -- recovery --memory 512mb --messages 20_000_000
  npm run bench -- publish-single --durability all     what the disk costs
  npm run bench -- --users --observed                  the same in production`,
    );

const has = ({ levels = LEVELS }: Scenario, level: Level): boolean => levels.includes(level);

/** Exits with a message when the arguments are wrong or ask for help. */
export const parseOptions = (args: readonly string[]): Options => {
  const program = command().parse(args, { from: "user" });
  const flags = program.opts<Flags>();
  const data = flags.data ?? tmpdir();
  const named = program.processedArgs[0] as readonly Scenario[] | undefined;
  const chosen = named === undefined || named.length === 0 ? canonical : named;
  const levels = flags.durability ?? [DEFAULT_LEVEL];
  const without = chosen.find((scenario) => !levels.some((level) => has(scenario, level)));
  const foreign = flags.users === true ? chosen.find(({ isForeign }) => isForeign) : undefined;
  if (foreign !== undefined) program.error(`error: the load of ${foreign.name} shows no token: leave out --users`);
  if (without !== undefined) program.error(`error: ${without.name} needs a journal: --durability fsync or write`);
  return {
    scenarios: chosen,
    variant: flags.variant,
    json: flags.json ?? false,
    data,
    levelsOf: (scenario) => levels.filter((level) => has(scenario, level)),
    parametersOf: (scenario, level) => {
      const bytes = flags.bytes ?? DEFAULT_BYTES;
      const defaults = scenario.defaults(bytes);
      return {
        messages: flags.messages ?? defaults.messages ?? 1,
        bytes,
        batch: flags.batch ?? defaults.batch ?? 1,
        runs: flags.runs ?? defaults.runs ?? 1,
        seconds: flags.seconds ?? defaults.seconds ?? DEFAULT_SECONDS,
        durability: level,
        data,
        pin: flags.pin,
        shards: flags.shards,
        memory: flags.memory,
        profile: flags.profile,
        users: flags.users ?? false,
        observed: flags.observed ?? false,
      };
    },
  };
};
