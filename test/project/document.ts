/**
 * Reads this project's own documents, so that tests can hold them equal to the code.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The root of the project, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export const readDocument = (path: string): string => readFileSync(ROOT + path, "utf8");

/** The text under a heading of any level, up to the next heading of the same level or above. */
export const section = (document: string, heading: string): string => {
  const lines = document.split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  if (start < 0) throw new Error(`no heading "${heading}"`);
  const level = lines[start]?.indexOf(" ") ?? 0;
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(" ") <= level);
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join("\n");
};

/** The rows of every table in the text, as maps from column title to cell; back-quotes and bold are taken off. */
export const tableRows = (text: string): ReadonlyMap<string, string>[] => {
  const rows: ReadonlyMap<string, string>[] = [];
  let titles: readonly string[] | undefined;
  for (const line of text.split("\n")) {
    if (!line.startsWith("|")) {
      titles = undefined;
      continue;
    }
    const cells = line
      .slice(1, line.lastIndexOf("|"))
      .split(/(?<!\\)\|/)
      .map((cell) =>
        cell
          .replaceAll("\\|", "|")
          .replaceAll(/`|\*\*/g, "")
          .trim(),
      );
    if (titles === undefined) titles = cells;
    else if (!cells.every((cell) => /^:?-+:?$/.test(cell))) {
      rows.push(new Map(titles.map((title, i) => [title, cells[i] ?? ""])));
    }
  }
  return rows;
};

/** One column of a row. A column that is not there is a mistake in the test or in the document. */
export const cell = (row: ReadonlyMap<string, string>, title: string): string => {
  const value = row.get(title);
  if (value === undefined) throw new Error(`no column "${title}" among ${[...row.keys()].join(", ")}`);
  return value;
};

/** The number that a cell begins with: `16,777,216: headers and body`, `0x4a`. */
export const leadingNumber = (text: string): number => {
  const digits = /^(0x[0-9a-f]+|[0-9][0-9,]*)/.exec(text)?.[0];
  if (digits === undefined) throw new Error(`"${text}" does not begin with a number`);
  return Number(digits.replaceAll(",", ""));
};
