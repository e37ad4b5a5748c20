/** What a broker is told in all: flags beat variables, variables beat the file, and what nobody gives has a default. */
import { OptionError } from "../../main/option-checks.js";
import { type BrokerOptions, resolveOptions } from "../../main/options.js";
import { readCertificates } from "../../main/ports/certificate.js";
import type { UserOptions } from "../../main/user-options.js";
import { ConfigError } from "../configuration-text.js";
import { type Given, Names } from "./names.js";
import type { Setting } from "./settings.js";
import { type TlsValues, tlsOptions } from "./tls.js";
import type { ConfigurationFile } from "./toml-file.js";

/** Exit code: wrong usage. */
export const USAGE = 2;

export interface LogSettings {
  readonly level: string;
  readonly format: string;
  /** Undefined: standard error. */
  readonly file: string | undefined;
}

export interface Configuration {
  /** The values that somebody has given, by the names of their settings. */
  readonly given: ReadonlyMap<string, Given>;
  readonly names: Names;
  /** What the broker is told. */
  readonly options: Partial<BrokerOptions>;
  /** What comes of it, with defaults. */
  readonly resolved: BrokerOptions;
  readonly log: LogSettings;
}

/** @throws ConfigError for all that is wrong. */
export const configure = (line: ReadonlyMap<string, Given>, file: ConfigurationFile | undefined): Configuration => {
  const given = new Map<string, Given>();
  for (const [name, value] of file?.values ?? []) given.set(name, { value, source: "file" });
  for (const [name, value] of line) given.set(name, value);
  const names = new Names(given, file?.path);
  const faults = [...(file?.faults ?? [])];
  const { options, resolved } = brokerOptions(given, file?.users, names, faults);
  if (resolved === undefined || faults.length > 0) throw new ConfigError(...faults);
  const textOf = (name: string): string | undefined => given.get(name)?.value as string | undefined;
  const log = { level: textOf("logLevel") ?? "info", format: textOf("logFormat") ?? "text", file: textOf("logFile") };
  return { given, names, options, resolved, log };
};

/** What a broker would run with. Undefined: the setting has no value. */
export const effectiveValue = ({ name, section, fallback }: Setting, { given, resolved }: Configuration): unknown => {
  if (Object.hasOwn(resolved, name)) return resolved[name as keyof typeof resolved];
  return given.get(name)?.value ?? (section === "log" && fallback !== "" ? fallback : undefined);
};

/** Reads the files of the certificates. @throws ConfigError when one cannot be used. */
export const checkCertificates = ({ resolved, names }: Configuration): void => {
  try {
    readCertificates(resolved);
  } catch (error) {
    if (error instanceof OptionError) throw new ConfigError(names.explain(error));
    throw error;
  }
};

/** Settings of the program, and those that stand for options of other names. */
const isOption = (name: string): boolean => !/^(?:log|tls)[A-Z]/.test(name);

const brokerOptions = (
  given: ReadonlyMap<string, Given>,
  users: readonly UserOptions[] | undefined,
  names: Names,
  faults: string[],
): { readonly options: Partial<BrokerOptions>; readonly resolved: BrokerOptions | undefined } => {
  const values = Object.fromEntries([...given].map(([name, { value }]) => [name, value]));
  const plain: Partial<BrokerOptions> = Object.fromEntries(Object.entries(values).filter(([name]) => isOption(name)));
  const fault = (text: string): void => void faults.push(names.rephrase(text));
  if (plain.tcp === "off" && plain.http === "off" && (plain.grpc ?? "off") === "off") {
    fault("--tcp off and --http off leave no way in: give one of them an address, or --grpc");
  }
  const options = { ...plain, ...(users !== undefined && { users }), ...tlsOptions(values as TlsValues, plain, fault) };
  return { options, resolved: resolveAll(options, names, faults) };
};

/** The options with defaults. What is wrong with each of them is told at once: the next is looked for without it. */
const resolveAll = (options: Partial<BrokerOptions>, names: Names, faults: string[]): BrokerOptions | undefined => {
  const left: Partial<Record<string, unknown>> = { ...options };
  for (;;) {
    try {
      return resolveOptions(left as Partial<BrokerOptions>);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      faults.push(names.explain(error));
      if (!(error instanceof OptionError)) return undefined;
      // `httpTls` of `httpTls.certFile`.
      const [name = ""] = error.option.split(".");
      // A default that cannot be: nothing is left to leave out.
      if (!(name in left)) return undefined;
      delete left[name];
    }
  }
};
