/** `ringmq torture`: kills brokers on the operator's machine and checks that they kept their promises. */
import { closeSync, openSync, writeSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import type { TortureProgress } from "../torture/torture.js";
import {
  claimDirectory,
  leaveDirectory,
  type TortureDirectory,
  TortureDirectoryError,
} from "../torture/torture-directory.js";
import { isClean, progressLine, verdict } from "../torture/verdict.js";
import { parseCount } from "./units.js";

/** Exit codes: it could not run; faults were found. */
const USAGE = 2;
const FAILURE = 1;

const MINUTE = 60_000;
const DEFAULT_MINUTES = 1;
const DEFAULT_RATE = 5_000;

/** Milliseconds between two lines of progress. */
const LINE_EVERY = 5_000;

/** Bytes kept of the brokers' log: some lines for each of hundreds of starts. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;

interface Flags {
  readonly data: string;
  readonly minutes: number;
  readonly kills?: number;
  readonly seed?: number;
  readonly rate: number;
}

const HELP = `
Starts brokers on free ports of this machine, works with them as producers and consumers do, and kills them with
SIGKILL at random moments. What the clients were promised is compared with what they get. Exits 0 when the broker has
kept its word, 1 when it has not: then the directory is left as it is, to be looked at; or when no message was
confirmed, so that nothing is shown; 2 when a flag is wrong.

SIGKILL ends the process and not the machine: what a power cut does to a disk is not tested.

Examples:
  ringmq torture --data /var/tmp/torture --minutes 10
      for ten minutes, a kill about every 4 seconds, on the disk that is to be used
  ringmq torture --data /var/tmp/torture --minutes 1 --kills 100 --seed 42
      a hundred kills, with the choices that seed 42 makes
  ringmq torture --data /var/tmp/torture -- --shards 4 --segment-bytes 1mb --durability write
      flags behind -- are those of ringmq serve
`;

export const tortureCommand = (): Command =>
  new Command("torture")
    .description("Kills brokers in the middle of work and checks that nothing confirmed is lost.")
    .requiredOption("--data <dir>", "a new or an empty directory, or that of an earlier torture")
    .addOption(new Option("--minutes <n>", "how long").argParser(parseMinutes).default(DEFAULT_MINUTES))
    .addOption(new Option("--kills <n>", "how often, even if it takes longer").argParser(parseCount))
    .addOption(
      new Option("--seed <n>", "decides what happens when; default: another one each time").argParser(parseCount),
    )
    .addOption(new Option("--rate <n>", "messages published, a second").argParser(parseCount).default(DEFAULT_RATE))
    .argument("[serve...]", "behind --: flags of ringmq serve")
    .addHelpText("after", HELP)
    .action((serve: readonly string[], flags: Flags, command: Command) => run(command, serve, flags));

const parseMinutes = (text: string): number => {
  const minutes = Number(text);
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError("It must be a number, such as 10 or 0.5.");
  return minutes;
};

const run = async (command: Command, serve: readonly string[], flags: Flags): Promise<void> => {
  if (flags.minutes === 0 && flags.kills === undefined) {
    command.error("error: --minutes must be more than 0, such as 0.5, unless --kills says how often", {
      exitCode: USAGE,
    });
  }
  if (flags.rate === 0) command.error("error: --rate must be at least 1", { exitCode: USAGE });
  // Any number that differs each time and is short enough to type in again.
  const seed = flags.seed ?? Date.now() % 2 ** 31;
  let place: TortureDirectory;
  try {
    place = claimDirectory(flags.data, seed);
  } catch (error) {
    const isOfDirectory = error instanceof TortureDirectoryError || (error instanceof Error && "syscall" in error);
    if (!isOfDirectory) throw error;
    command.error(`error: ${error.message}`, { exitCode: USAGE });
  }
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const time = flags.minutes * MINUTE;
  const log = openSync(place.log, "w");
  const { FlagsError, torture } = await import("../torture/torture.js");
  const display = process.stdout.isTTY ? await bar(time) : lines();
  process.stdout.write(`torture with seed ${seed} in ${flags.data}\n`);
  let written = 0;
  try {
    const result = await torture({
      data: place.data,
      time,
      kills: flags.kills,
      seed,
      rate: flags.rate,
      serve,
      signal: stop.signal,
      onBrokerOutput: (text) => {
        try {
          if (written < MAX_LOG_BYTES) written += writeSync(log, text);
        } catch (error) {
          // A full disk does not end the brokers, which this is about.
          if (!(error instanceof Error && "syscall" in error)) throw error;
        }
      },
      onProgress: display.show,
    });
    display.end();
    process.stdout.write(`\n${verdict(result, seed, flags.data)}`);
    if (result.found.length === 0) leaveDirectory(flags.data, place);
    if (!isClean(result)) process.exitCode = FAILURE;
  } catch (error) {
    if (!(error instanceof FlagsError)) throw error;
    display.end();
    leaveDirectory(flags.data, place);
    command.error(error.message, { exitCode: USAGE });
  } finally {
    display.end();
    closeSync(log);
  }
};

interface Display {
  show(progress: TortureProgress): void;
  end(): void;
}

const lines = (): Display => {
  let due = 0;
  return {
    show: (progress) => {
      if (progress.elapsed < due) return;
      due = progress.elapsed + LINE_EVERY;
      process.stdout.write(`${progressLine(progress)}\n`);
    },
    end: () => {},
  };
};

const bar = async (time: number): Promise<Display> => {
  const { SingleBar } = await import("cli-progress");
  const shown = new SingleBar({
    format: "{bar} {text}",
    barsize: 20,
    hideCursor: true,
    gracefulExit: false,
    stream: process.stdout,
  });
  shown.start(time, 0, { text: "" });
  return {
    show: (progress) => shown.update(Math.min(time, progress.elapsed), { text: progressLine(progress) }),
    end: () => shown.stop(),
  };
};
