/** A configuration for people: a flag and its value on each line. */
import { textTable } from "../text-table.js";

export const DURABILITIES = ["fsync", "write", "memory"] as const;

const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** `units`: how numbers are written that are no counts. */
export const configText = (config: object, units: Readonly<Record<string, (value: number) => string>>): string =>
  textTable(
    ["flag", "value"],
    Object.entries(config).map(([name, value]: readonly [string, unknown]) => [
      flagOf(name),
      typeof value === "number" ? (units[name] ?? String)(value) : String(value),
    ]),
  );
