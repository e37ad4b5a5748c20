/**
 * Flags in the style of Go's package flag: `-name=value`, `-name value`, one dash or two. What is underneath is
 * commander, which knows two dashes only: arguments are rewritten for it, and what it says is rewritten back.
 */
import { Command, Help, InvalidArgumentError, Option } from "commander";
import { VERSION } from "../protocol/version.js";

/** Exit code: wrong usage. */
export const USAGE = 2;

export interface Flag {
  /** Without a dash: `node_id`. */
  readonly name: string;
  /** What the value is: `address`. Undefined: it is a switch, `-name` or `-name=true`, which never takes the next argument. */
  readonly value?: string;
  readonly description: string;
  /** Checks a value. InvalidArgumentError: it is wrong. Default: any text. */
  readonly parse?: (text: string) => unknown;
}

export interface FlagGroup {
  readonly title: string;
  readonly flags: readonly Flag[];
}

/**
 * `-a=b` and `-a b` as `--a=b`. What follows a flag with a value is never taken for a flag, and what follows a switch never
 * for its value.
 */
export const withTwoDashes = (
  args: readonly string[],
  names: ReadonlySet<string>,
  switches: ReadonlySet<string> = new Set(),
): string[] => {
  const rewritten: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    const [, name, value] = /^--?([^-=][^=]*)(=.*)?$/s.exec(arg) ?? [];
    if (arg === "--") return [...rewritten, ...args.slice(i)];
    if (name === undefined) {
      rewritten.push(arg);
      continue;
    }
    if (switches.has(name)) {
      rewritten.push(`--${name}${value ?? "=true"}`);
      continue;
    }
    if (!names.has(name)) {
      // Without a value, so that the name alone is compared with those that there are.
      rewritten.push(`--${name === "h" ? "help" : name}`);
      continue;
    }
    const next = args[i + 1];
    if (value !== undefined || next === undefined) {
      rewritten.push(`--${name}${value ?? ""}`);
      continue;
    }
    // As one argument, so that a value that begins with a dash stays a value.
    rewritten.push(`--${name}=${next}`);
    i++;
  }
  return rewritten;
};

const oneDash = (text: string): string => text.replaceAll(/(?<![\w-])--(?=\w)/g, "-");

class GoHelp extends Help {
  /** How a text shows flags. */
  show = oneDash;

  override optionTerm(option: Option): string {
    if (!option.optional) return this.show(option.flags);
    return option.name().length === 1 ? `-${option.name()}` : this.show(`--${option.name()}`);
  }
}

export interface GoProgram {
  readonly name: string;
  readonly description: string;
  readonly groups: readonly FlagGroup[];
  /** Below the flags. */
  readonly notes: string;
  /** How it shows its flags, of which it takes both. Default: with one dash. */
  readonly dashes?: 1 | 2;
}

/** Makes a command of a program. Its errors end the process with `USAGE`. */
export const goCommand = ({ name, description, groups, notes, dashes = 1 }: GoProgram): Command => {
  const show = dashes === 1 ? oneDash : (text: string) => text;
  const command = new Command(name)
    .description(description)
    .usage(show("[--flag=value …]"))
    .version(VERSION, "--version", "print the version")
    .helpOption("-h, --help", "print this page")
    .allowExcessArguments(true)
    .configureOutput({ outputError: (text, write) => write(show(text)) })
    .addHelpText("after", `\n${notes.trim()}`)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : Math.max(error.exitCode, exitCodeOf(error.code))));
  command.createHelp = () => Object.assign(new GoHelp(), { show }, command.configureHelp());
  for (const { title, flags } of groups) {
    for (const flag of flags) {
      const isSwitch = flag.value === undefined;
      const value = isSwitch ? "[boolean]" : `<${flag.value}>`;
      const option = new Option(`--${flag.name} ${value}`, flag.description).helpGroup(`${title}:`);
      const parse = flag.parse ?? (isSwitch ? parseSwitch : String);
      // Go takes an empty value for none.
      command.addOption(option.argParser((text: string) => (text === "" ? text : parse(text))));
    }
  }
  return command;
};

/** `commander.error` is what a program itself ends with. */
const exitCodeOf = (code: string): number => (code === "commander.error" ? 1 : USAGE);

/** The flags that were given, by name. Ends the process when they are wrong. */
export const parseFlags = (command: Command, args: readonly string[]): Readonly<Record<string, unknown>> => {
  const named = (is: "required" | "optional"): Set<string> =>
    new Set(command.options.filter((option) => option[is]).map((option) => option.name()));
  command.parse(withTwoDashes(args, named("required"), named("optional")), { from: "user" });
  const [word] = command.args;
  if (word !== undefined) {
    command.error(`error: '${word}' is no flag: there are flags only, as -h shows them. ${adviceOn(word)}`, {
      exitCode: USAGE,
    });
  }
  return command.opts();
};

/** Commands with which gmq's programs make services of themselves. */
const SERVICE_COMMANDS = new Set(["install", "uninstall", "start", "stop", "restart", "status"]);

const adviceOn = (word: string): string =>
  SERVICE_COMMANDS.has(word)
    ? "To run as a service, use a service manager such as systemd; a signal (SIGTERM) stops the program."
    : "A flag and its value are -name=value.";

/** A whole number in a range. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };

/** `true` and `false`, as Go and INI files write them. */
export const parseSwitch = (text: string): boolean => {
  if (/^(?:true|1|t|yes|on)$/i.test(text)) return true;
  if (/^(?:false|0|f|no|off)$/i.test(text)) return false;
  throw new InvalidArgumentError("It must be true or false.");
};

/** `a,b`, blanks around the names not counted. */
export const parseNames = (text: string): readonly string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
