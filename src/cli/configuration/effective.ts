/** The configuration that a broker would run with, written as a file: each value, and where it comes from. */
import { stringify } from "smol-toml";
import { type Configuration, effectiveValue } from "./configuration.js";
import type { Written } from "./kinds.js";
import { SETTINGS } from "./settings.js";

/** Where the comments begin, so that they are below one another. */
const COMMENT_AT = 40;

const isWorthALine = (written: Written): boolean => !Array.isArray(written) || written.length > 0;

/** TOML, which is read back as the same configuration. */
export const effectiveText = (configuration: Configuration): string => {
  const lines: string[] = [];
  let last = "";
  for (const setting of SETTINGS) {
    const { name, section, key, kind } = setting;
    const value = effectiveValue(setting, configuration);
    if (value === undefined) continue;
    const written = kind.write(value);
    if (!isWorthALine(written)) continue;
    if (section !== last) lines.push("", `[${section}]`);
    last = section;
    const source = configuration.given.get(name)?.source ?? "default";
    lines.push(
      `${stringify({ [key]: written })
        .trimEnd()
        .padEnd(COMMENT_AT)} # ${source}`,
    );
  }
  return `${lines.join("\n").trimStart()}\n`;
};
