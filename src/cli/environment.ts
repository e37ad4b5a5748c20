/** What the environment says to a command beside its flags: names that are none, and switches. */
import type { Command } from "commander";

/** The exit code: it was called in a wrong way. */
const USAGE = 2;

export const ENVIRONMENT = "RINGMQ_";

/** More than a slip of the fingers: what is this far away is another word. */
const MAX_SLIPS = 3;

/** How many letters must be put in, taken out or changed to make one of the other. */
const slipsBetween = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [k, wanted] of [...other].entries()) {
      const changed = (row[k] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(changed, (row[k + 1] ?? 0) + 1, (next[k] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
};

const nearest = (name: string, known: readonly string[]): string | undefined => {
  let found: string | undefined;
  let least = MAX_SLIPS + 1;
  for (const each of known) {
    // No name is near for being short: RINGMQ_X is not RINGMQ_TCP.
    if (Math.abs(each.length - name.length) > MAX_SLIPS) continue;
    const slips = slipsBetween(name, each);
    if (slips < least && slips * 2 <= each.length - ENVIRONMENT.length) [found, least] = [each, slips];
  }
  return found;
};

export interface UnknownVariable {
  readonly variable: string;
  /** The one that was probably meant. */
  readonly meant?: string;
}

/** Variables that look like flags of the command and are none: most often one is misspelt. */
export const unknownVariables = (
  env: Readonly<Record<string, string | undefined>>,
  command: Command,
): UnknownVariable[] => {
  const known = command.options.flatMap(({ envVar }) => envVar ?? []);
  return Object.keys(env)
    .filter((name) => name.toUpperCase().startsWith(ENVIRONMENT) && !known.includes(name))
    .map((variable) => {
      const meant = nearest(variable.toUpperCase(), known);
      return meant === undefined ? { variable } : { variable, meant };
    });
};

/** A variable that is empty counts as one that is not there: so files write it that list all. */
export const forgetEmptyVariables = (env: Record<string, string | undefined>): void => {
  for (const [name, value] of Object.entries(env)) {
    if (value === "" && name.toUpperCase().startsWith(ENVIRONMENT)) delete env[name];
  }
};

const SWITCH: Readonly<Record<string, boolean>> = { "1": true, true: true, "": false, "0": false, false: false };

/**
 * What the environment says of a switch, by the name of its value; nothing when it was given as a flag or not at all.
 * Commander takes any value for on, `false` too. Ends the program when it is neither on nor off.
 */
export const switchInEnvironment = (command: Command, name: string): Readonly<Record<string, boolean>> => {
  const option = command.options.find((each) => each.attributeName() === name);
  if (option?.envVar === undefined || command.getOptionValueSource(name) !== "env") return {};
  const text = process.env[option.envVar] ?? "";
  const value = SWITCH[text.toLowerCase()];
  if (value !== undefined) return { [name]: value };
  return command.error(
    `error: option '${option.flags}' value '${text}' from env '${option.envVar}' is invalid. It must be 1, true, 0 or false.`,
    { exitCode: USAGE },
  );
};
