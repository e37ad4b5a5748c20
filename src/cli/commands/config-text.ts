/** A configuration on the command line: the flags that change it, and what it is, for people. */
export const DURABILITIES = ["fsync", "write", "memory"] as const;

const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const flagText = (name: string, value: unknown, unit: (value: number) => string = String): string => {
  if (typeof value === "boolean") return value ? flagOf(name) : flagOf(name).replace("--", "--no-");
  return `${flagOf(name)} ${typeof value === "number" ? unit(value) : String(value)}`;
};

/** The flags that make it what it is, a line each. `units`: how numbers are written that are no counts. */
export const configText = (config: object, units: Readonly<Record<string, (value: number) => string>>): string =>
  Object.entries(config)
    .map(([name, value]: readonly [string, unknown]) => `${flagText(name, value, units[name])}\n`)
    .join("");

/** Those of the settings that were given; undefined: none. */
export const changesIn = <T extends object>(
  flags: T,
  settings: Readonly<Record<string, unknown>>,
): Partial<T> | undefined => {
  const given = Object.entries(flags).filter(([name, value]) => Object.hasOwn(settings, name) && value !== undefined);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as Partial<T>);
};
