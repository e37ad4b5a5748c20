/** From the command line of a program to its settings and its log. */
import type { Command } from "commander";
import { ConfigError } from "../configuration-text.js";
import { parseFlags, USAGE } from "../go-flags.js";
import { IniFile, type KnownKeys } from "./ini-file.js";
import { type LogDefaults, logSettings } from "./log-settings.js";
import type { ProgramLog } from "./log-target.js";
import { Settings } from "./settings.js";

export interface Prepared<T> extends ProgramLog {
  readonly settings: T;
}

/**
 * Reads the flags and the file that they name, then opens the log. Ends the process when any of it is wrong. `known` are
 * the keys of the file.
 */
export const prepare = async <T>(
  command: Command,
  known: KnownKeys,
  read: (settings: Settings) => T,
  logDefaults: (settings: T) => LogDefaults,
): Promise<Prepared<T>> => {
  const flags = parseFlags(command, process.argv.slice(2));
  try {
    const warnings: (readonly [object, string])[] = [];
    const path = flags["config_file"];
    const file =
      typeof path === "string" && path !== "" ? IniFile.read(path, known, (...each) => warnings.push(each)) : undefined;
    const source = new Settings(flags, file);
    const settings = read(source);
    const logged = logSettings(source, logDefaults(settings));
    const { openLog } = await import("./log-target.js");
    const opened = await openLog(logged);
    for (const [fields, text] of warnings) opened.log.warn(fields, text);
    return { ...opened, settings };
  } catch (error) {
    if (error instanceof ConfigError) return command.error(`error: ${error.message}`, { exitCode: USAGE });
    throw error;
  }
};
