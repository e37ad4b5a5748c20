/** Formats rows in columns: right-aligned, the last column left-aligned. */

export const textTable = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const last = head.length - 1;
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === last ? cell : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
};
