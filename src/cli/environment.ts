/** Environment variables of a command: unknown ones and empty ones. */
import type { Command } from "commander";

export const ENVIRONMENT = "RINGMQ_";

/** Which broker the commands that are clients of one connect to. A broker has no use for it, and may find it set. */
export const SERVER_VARIABLE = `${ENVIRONMENT}SERVER`;

/** The token that these commands show. */
export const TOKEN_VARIABLE = `${ENVIRONMENT}TOKEN`;

/** The largest edit distance that counts as a typing error. */
const MAX_DISTANCE = 3;

/** The Levenshtein distance. */
const editDistance = (one: string, other: string): number => {
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
  let min = MAX_DISTANCE + 1;
  for (const each of known) {
    // A short name is not close just because it is short: RINGMQ_X is not RINGMQ_TCP.
    if (Math.abs(each.length - name.length) > MAX_DISTANCE) continue;
    const distance = editDistance(name, each);
    if (distance < min && distance * 2 <= each.length - ENVIRONMENT.length) [found, min] = [each, distance];
  }
  return found;
};

export interface UnknownVariable {
  readonly variable: string;
  /** The variable that was probably meant. */
  readonly meant?: string;
}

/** Variables with our prefix that the command does not know, most often misspelt. */
export const unknownVariables = (
  env: Readonly<Record<string, string | undefined>>,
  command: Command,
): UnknownVariable[] => {
  const known = [...command.options.flatMap(({ envVar }) => envVar ?? []), SERVER_VARIABLE, TOKEN_VARIABLE];
  return Object.keys(env)
    .filter((name) => name.toUpperCase().startsWith(ENVIRONMENT) && !known.includes(name))
    .map((variable) => {
      const meant = nearest(variable.toUpperCase(), known);
      return meant === undefined ? { variable } : { variable, meant };
    });
};

/** An empty variable counts as unset: environment files that list all variables leave the unused ones empty. */
export const forgetEmptyVariables = (env: Record<string, string | undefined>): void => {
  for (const [name, value] of Object.entries(env)) {
    if (value === "" && name.toUpperCase().startsWith(ENVIRONMENT)) delete env[name];
  }
};
