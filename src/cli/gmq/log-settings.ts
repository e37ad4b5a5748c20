/** What the log of gmq's programs can be told, and what that makes of it. */
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { parseNames, parseSwitch, wholeNumber } from "../go-flags.js";
import type { LOG_LEVELS } from "../log-levels.js";
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

/** Bytes at which a file is rotated, and how many are kept besides. */
export interface Rotation {
  readonly bytes: number;
  readonly kept: number;
}

export interface LogSettings {
  readonly level: (typeof LOG_LEVELS)[number];
  readonly isOnConsole: boolean;
  /** Undefined: there is no file. */
  readonly path: string | undefined;
  /** Undefined: the file grows. */
  readonly rotation: Rotation | undefined;
}

/** ConfigError: a value of the file is wrong. */
export const logSettings = (settings: Settings, { file, directory }: LogDefaults): LogSettings => {
  const level = LEVELS[settings.value("log_level", ["log", "level"], parseLevel) ?? DEFAULT_LEVEL] ?? "info";
  const targets = settings.value(undefined, ["log", "target_type"], parseTargets) ?? ["console"];
  const rotation = rotationOf(settings);
  const path = targets.includes("file")
    ? resolve(directory, settings.value(undefined, ["log", "filename"], String) ?? file)
    : undefined;
  return { level, isOnConsole: targets.includes("console"), path, rotation };
};

/** Also read where there is no file, so that a wrong value is found at once. */
const rotationOf = (settings: Settings): Rotation | undefined => {
  const size = settings.value(undefined, ["log", "max_size"], parseFileBytes) ?? 0;
  if (settings.value(undefined, ["log", "rotate"], parseSwitch) !== true) return undefined;
  return { bytes: Math.max(size, MIN_FILE_BYTES), kept: KEPT_FILES };
};
