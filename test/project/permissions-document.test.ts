/** The table of permissions in docs/operations.md is that of the code. */
import { expect, it } from "vitest";
import { NEEDS, Permission } from "../../src/main/access/permissions.js";
import { cell, readDocument, section, tableRows } from "./document.js";

const wordsOf = (bits: number): string => {
  const words = Object.entries(Permission).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]));
  const last = words.pop();
  return words.length === 0 ? (last ?? "nothing") : `${words.join(", ")} or ${last}`;
};

it("docs/operations.md says what each request needs", () => {
  const rows = tableRows(section(readDocument("docs/operations.md"), "Permissions")).filter((row) => row.has("needs"));
  const documented = rows.flatMap((row) =>
    cell(row, "requests of the native protocol")
      .split(", ")
      .map((name) => [name, cell(row, "needs")]),
  );
  expect(Object.fromEntries(documented)).toEqual(
    Object.fromEntries(Object.entries(NEEDS).map(([name, bits]) => [name, wordsOf(bits)])),
  );
});
