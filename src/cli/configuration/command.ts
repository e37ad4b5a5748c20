/** The commands that take a configuration: their flags, and what flags, variables and the file say. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../configuration-text.js";
import { type Configuration, configure, USAGE } from "./configuration.js";
import type { Given } from "./names.js";
import { CONFIG_FLAG, CONFIG_VARIABLE, SETTINGS, type Setting } from "./settings.js";

/** Gives a command a flag for each setting, and one for the file. */
export const addSettings = (command: Command): void => {
  const config = new Option(`${CONFIG_FLAG} <file>`, "configuration file in TOML, which flags and variables beat");
  command.addOption(config.env(CONFIG_VARIABLE));
  for (const { flag, value, variable, kind, description, fallback } of SETTINGS) {
    const shown = fallback === "" ? description : `${description} (default: ${fallback})`;
    const option = new Option(value === undefined ? flag : `${flag} <${value}>`, shown).env(variable);
    if (kind.choices !== undefined) option.choices(kind.choices);
    else if (value !== undefined) option.argParser(kind.parse);
    command.addOption(option);
  }
};

/** What flags and variables say. Ends the program when a variable of a switch is neither on nor off. */
const lineValues = (command: Command): ReadonlyMap<string, Given> => {
  const values = new Map<string, Given>();
  for (const setting of SETTINGS) {
    const source = command.getOptionValueSource(setting.name);
    const value: unknown = command.getOptionValue(setting.name);
    if (source === "cli") values.set(setting.name, { value, source: "flag" });
    else if (source === "env") {
      // Commander takes any text for on, even `false`.
      const given = setting.value === undefined ? switchValue(command, setting) : value;
      values.set(setting.name, { value: given, source: "environment" });
    }
  }
  return values;
};

const switchValue = (command: Command, { flag, variable, kind }: Setting): unknown => {
  const text = process.env[variable] ?? "";
  try {
    return kind.parse(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    return command.error(
      `error: option '${flag}' value '${text}' from env '${variable}' is invalid. ${error.message}`,
      { exitCode: USAGE },
    );
  }
};

/** Reads the configuration, as often as it is called: flags and variables stay. It throws a ConfigError. */
export const configurationSource = async (command: Command, path: string | undefined): Promise<() => Configuration> => {
  const line = lineValues(command);
  if (path === undefined) return () => configure(line, undefined);
  const { readTomlFile } = await import("./toml-file.js");
  return () => configure(line, readTomlFile(path));
};

/** What `read` gives. Ends the program when there are faults, which are all told. */
export const refuseFaults = <T>(command: Command, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.faults.map((fault) => `error: ${fault}`);
    return command.error(lines.join("\n"), { exitCode: USAGE });
  }
};
