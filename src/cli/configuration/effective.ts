/** The configuration that a broker would run with, written as a file: each value, and where it comes from. */
import { stringify } from "smol-toml";
import type { UserOptions } from "../../main/user-options.js";
import { type Configuration, effectiveValue } from "./configuration.js";
import type { Written } from "./kinds.js";
import { SETTINGS } from "./settings.js";

/** Where the comments begin, so that they are below one another. */
const COMMENT_AT = 40;

const isWorthALine = (written: Written): boolean => !Array.isArray(written) || written.length > 0;

/** Without the tokens. */
const userLines = ({ name, tokens = [], certificate, permissions, limits }: UserOptions): string[] => [
  `${"[[users]]".padEnd(COMMENT_AT)} # file`,
  ...stringify({ name }).trimEnd().split("\n"),
  ...(tokens.length > 0 ? [`# tokens = ${tokens.length}, which are not shown`] : []),
  ...(certificate === undefined ? [] : [stringify({ certificate }).trimEnd()]),
  `permissions = [${permissions.map(inline).join(", ")}]`,
  ...(limits === undefined ? [] : [`limits = ${inline(limits)}`]),
];

const inline = (table: object): string =>
  `{ ${Object.entries(table)
    .map(([key, value]) => stringify({ [key]: value }).trimEnd())
    .join(", ")} }`;

/** TOML, which is read back as the same configuration but for tokens. */
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
  for (const user of configuration.resolved.users) lines.push("", ...userLines(user));
  return `${lines.join("\n").trimStart()}\n`;
};
