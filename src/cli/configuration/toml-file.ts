/** The configuration file of `ringmq serve`, in TOML: a section for each group of settings, and users. */
import { InvalidArgumentError } from "commander";
import { parse, TomlError } from "smol-toml";
import type { UserOptions } from "../../main/user-options.js";
import { didYouMean } from "../../protocol/spelling.js";
import { ConfigError, readConfigurationText } from "../configuration-text.js";
import { LIST } from "./kinds.js";
import { placeOf, SETTINGS, type Setting } from "./settings.js";
import { isTable, readUsers } from "./users.js";

export interface ConfigurationFile {
  readonly path: string;
  /** Values by the names of their settings. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Undefined: it does not speak of users. */
  readonly users: readonly UserOptions[] | undefined;
  /** What is wrong with it, all of it, each with the path. */
  readonly faults: readonly string[];
}

const SECTIONS: readonly string[] = [...new Set(SETTINGS.map(({ section }) => section))];

/** With that of `[[users]]`, which has no settings. */
const SECTION_NAMES: readonly string[] = [...SECTIONS, "users"];

/** A file that cannot be read, or is no TOML, is one fault. */
export const readTomlFile = (path: string): ConfigurationFile => {
  try {
    return fileOf(path, parseToml(path));
  } catch (error) {
    if (error instanceof ConfigError) return { path, values: new Map(), users: undefined, faults: error.faults };
    throw error;
  }
};

const fileOf = (path: string, toml: Readonly<Record<string, unknown>>): ConfigurationFile => {
  const values = new Map<string, unknown>();
  const faults: string[] = [];
  const fault = (text: string): void => void faults.push(`${path}: ${text}`);
  const { users, ...sections } = toml;
  for (const [section, keys] of Object.entries(sections)) {
    if (!SECTIONS.includes(section)) fault(unknownSection(section, keys));
    else if (!isTable(keys)) fault(`${section} must be a section: [${section}], with its keys below`);
    else {
      for (const [key, value] of Object.entries(keys)) {
        const setting = SETTINGS.find((each) => each.section === section && each.key === key);
        if (setting === undefined) fault(unknownKey(section, key));
        else readValue(setting, value, values, fault);
      }
    }
  }
  return { path, values, users: users === undefined ? undefined : readUsers(users, fault), faults };
};

const parseToml = (path: string): Readonly<Record<string, unknown>> => {
  const text = readConfigurationText(path);
  try {
    return parse(text, { maxDepth: 16 });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // What follows is the place in the text, over several lines.
    const [reason = ""] = error.message.split("\n");
    throw new ConfigError(`${path}:${error.line}:${error.column}: it is no TOML: ${reason}`);
  }
};

const readValue = (
  setting: Setting,
  value: unknown,
  values: Map<string, unknown>,
  fault: (text: string) => void,
): void => {
  try {
    values.set(setting.name, parseValue(setting, value));
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    fault(`${placeOf(setting)} = ${shown(value)}: ${error.message}`);
  }
};

/** As the flag has it, or as a number, a boolean or a list. */
const parseValue = ({ kind }: Setting, value: unknown): unknown => {
  if (typeof value === "string") return kind.parse(value);
  if (kind.form === "list") {
    if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) {
      throw new InvalidArgumentError('It must be a list of texts, such as ["a", "b"].');
    }
    // No names is the default; no ports is another thing than all.
    return kind === LIST && value.length === 0 ? value : kind.parse(value.join(","));
  }
  if (kind.form === undefined && (typeof value === "number" || typeof value === "boolean")) {
    return kind.parse(String(value));
  }
  throw new InvalidArgumentError("It must be a text.");
};

/** Characters of a value that an error repeats. */
const MAX_SHOWN = 64;

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
};

const unknownSection = (name: string, value: unknown): string => {
  const home = SETTINGS.find(({ key }) => key === name);
  if (home !== undefined && !isTable(value)) return `${name} belongs below [${home.section}]`;
  return `there is no section ${name}${didYouMean(name, SECTION_NAMES) || `; there are ${SECTION_NAMES.join(", ")}`}`;
};

const unknownKey = (section: string, key: string): string => {
  const keys = SETTINGS.filter((each) => each.section === section).map((each) => each.key);
  const near = didYouMean(key, keys);
  const home = SETTINGS.find((each) => each.key === key || each.name === key);
  const where = home === undefined ? `; there are ${keys.join(", ")}` : `; it is ${placeOf(home)}`;
  return `[${section}] ${key}: there is no such key${near || where}`;
};
