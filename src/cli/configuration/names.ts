/** How errors name settings: by the flag, the variable or the key of the file that the value came from. */
import { OutOfRangeError } from "../../main/option-checks.js";
import { TIME } from "./kinds.js";
import { placeOf, SETTINGS, type Setting } from "./settings.js";

export type Source = "flag" | "environment" | "file";

/** A value that somebody has given. */
export interface Given {
  readonly value: unknown;
  readonly source: Source;
}

const BY_FLAG: ReadonlyMap<string, Setting> = new Map(SETTINGS.map((setting) => [setting.flag, setting]));
const BY_NAME: ReadonlyMap<string, Setting> = new Map(SETTINGS.map((setting) => [setting.name, setting]));

/** The options of a broker that are settings of other names. */
const TLS_FILES: Readonly<Record<string, string>> = {
  certFile: "tlsCert",
  keyFile: "tlsKey",
  clientCaFile: "tlsClientCa",
};

/** Options in a broker's texts: `httpTls.certFile`, and at the beginning `maxTopics`. */
const TLS_OPTION = /\b(?:tcpTls|httpTls|grpcTls)\.(\w+)/g;
const LEADING_NAME = /^[a-zA-Z]+(?= must)/;

export class Names {
  /** `given` are the values by the names of their settings; `path` is that of the file, if there is one. */
  constructor(
    readonly given: ReadonlyMap<string, Given>,
    readonly path: string | undefined,
  ) {}

  /** What is wrong with an option of a broker. */
  explain(error: RangeError): string {
    const text = error instanceof OutOfRangeError ? rangeText(error) : error.message;
    const flagOf = (name: string | undefined, otherwise: string): string => BY_NAME.get(name ?? "")?.flag ?? otherwise;
    return this.rephrase(
      text
        .replaceAll(TLS_OPTION, (option, file: string) => flagOf(TLS_FILES[file], option))
        .replace(LEADING_NAME, (name) => flagOf(name, name)),
    );
  }

  /**
   * A text about flags, with the names by which the settings were given. Those that were not given are named as the first
   * one that was.
   */
  rephrase(text: string): string {
    const settings = [...text.matchAll(/--[a-z][a-z-]*/g)].flatMap(([flag]) => BY_FLAG.get(flag) ?? []);
    const sources = settings.flatMap(({ name }) => this.given.get(name)?.source ?? []);
    const [first = "flag"] = sources;
    const named = text.replaceAll(/--[a-z][a-z-]*/g, (flag) => {
      const setting = BY_FLAG.get(flag);
      return setting === undefined ? flag : nameOf(setting, this.given.get(setting.name)?.source ?? first);
    });
    return first === "file" ? `${this.path}: ${named}` : named;
  }
}

const nameOf = (setting: Setting, source: Source): string => {
  if (source === "file") return placeOf(setting);
  return source === "environment" ? setting.variable : setting.flag;
};

/** The error text in the units that the setting takes. */
const rangeText = ({ option, value, min, max, why }: OutOfRangeError): string => {
  const setting = BY_NAME.get(option);
  const inUnits = setting?.kind.inUnits ?? String;
  const isOpen = max === Number.POSITIVE_INFINITY || (setting?.kind === TIME && value < min);
  const range = isOpen ? `at least ${inUnits(min)}` : `from ${inUnits(min)} to ${inUnits(max)}`;
  return `${option} must be ${range}${why}; it is ${inUnits(value)}`;
};
