/** The log of gmq's programs: to the console, to a file that is rotated by size, or to both. */
import { appendFileSync, closeSync, mkdirSync, openSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { createStream, type Options, type RotatingFileStream } from "rotating-file-stream";
import type { Log } from "../../main/log.js";
import { parseNames, parseSwitch, wholeNumber } from "../go-flags.js";
import { createLog } from "../log-lines.js";
import { ConfigError } from "./ini-file.js";
import type { Settings } from "./settings.js";

/** By gmq's numbers: 0 errors, 1 warnings, 2 information, 3 trace, 4 debug. Its example files also have a 5. */
const LEVELS = ["error", "warn", "info", "debug", "debug", "debug"] as const;

const DEFAULT_LEVEL = 2;

export const parseLevel = wholeNumber(0, LEVELS.length - 1);

export const LOG_KEYS = ["target_type", "filename", "level", "max_size", "rotate"] as const;

/** The least size of a file before it is rotated, which is the default: gmq's. */
const MIN_FILE_BYTES = 5_000_000;

const wholeBytes = wholeNumber(0, Number.MAX_SAFE_INTEGER);

const parseFileBytes = (text: string): number => {
  try {
    return wholeBytes(text);
  } catch {
    throw new InvalidArgumentError("It must be a number of bytes, such as 50000000.");
  }
};

/** Files that are kept besides the one that is written: `name.1`, the youngest, to `name.5`. */
const KEPT_FILES = 5;

/** Bytes that wait for a disk that does not take them; lines beyond are dropped. */
const MAX_UNWRITTEN = 64 * 1024 * 1024;

/** How long a process that ends waits for its last lines to be written. */
const FLUSH_TIME = 2_000;

const TARGETS = ["console", "file"] as const;
type Target = (typeof TARGETS)[number];

const parseTargets = (text: string): readonly Target[] =>
  parseNames(text).map((name) => {
    const target = TARGETS.find((each) => each === name);
    if (target === undefined) throw new InvalidArgumentError("It must be console, file, or both with a comma between.");
    return target;
  });

export interface LogDefaults {
  readonly file: string;
  /** The directory that a relative name of a file is below. */
  readonly directory: string;
}

export interface ProgramLog {
  readonly log: Log;
  /** Whether the terminal is free for a progress bar. */
  readonly isOnConsole: boolean;
  /** Until all lines are written, or it takes too long. */
  readonly flush: () => Promise<void>;
  /** Puts into the file, if there is one, why the process ends at once; the console is told by others. */
  readonly noteFailure: (reason: string) => void;
}

/** Opens the log that the settings describe. ConfigError: its file cannot be written. */
export const openLog = (settings: Settings, { file, directory }: LogDefaults): ProgramLog => {
  const level = LEVELS[settings.value("log_level", ["log", "level"], parseLevel) ?? DEFAULT_LEVEL] ?? "info";
  const targets = settings.value(undefined, ["log", "target_type"], parseTargets) ?? ["console"];
  const isOnConsole = targets.includes("console");
  const rotation = rotationOf(settings);
  const path = targets.includes("file")
    ? resolve(directory, settings.value(undefined, ["log", "filename"], String) ?? file)
    : undefined;
  const stream = path === undefined ? undefined : openFile(path, rotation);
  const log = createLog(level, "text", (line) => {
    if (isOnConsole) process.stderr.write(line);
    if (stream !== undefined && stream.writableLength < MAX_UNWRITTEN) stream.write(line);
  });
  const noteFailure = (reason: string): void => {
    if (path === undefined) return;
    createLog("error", "text", (line) => appendFileSync(path, line)).error({}, reason);
  };
  return { log, isOnConsole, flush: () => flushed(stream), noteFailure };
};

/** Undefined: the file grows. Also read where there is no file, so that a wrong value is found at once. */
const rotationOf = (settings: Settings): Options | undefined => {
  const size = settings.value(undefined, ["log", "max_size"], parseFileBytes) ?? 0;
  if (settings.value(undefined, ["log", "rotate"], parseSwitch) !== true) return undefined;
  return { size: `${Math.max(size, MIN_FILE_BYTES)}B`, rotate: KEPT_FILES };
};

const openFile = (path: string, rotation: Options | undefined): RotatingFileStream => {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // The stream opens the file later; who may not write it shall know before anything has begun.
    closeSync(openSync(path, "a"));
  } catch (error) {
    throw new ConfigError(`the log file ${path} cannot be written: ${(error as Error).message}`);
  }
  const stream = createStream(basename(path), { path: dirname(path), ...rotation });
  let isBroken = false;
  stream.on("error", (error) => {
    if (!isBroken) process.stderr.write(`the log file ${path} cannot be written: ${error.message}\n`);
    isBroken = true;
  });
  return stream;
};

const flushed = (stream: RotatingFileStream | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (stream === undefined) return resolve();
    setTimeout(resolve, FLUSH_TIME);
    stream.end(() => resolve());
  });
