/** docs/operations.md, "Upgrading", has the formats of the code. */
import { expect, it } from "vitest";
import { DIRECTORY_FORMAT } from "../../src/journal/data-directory.js";
import { MANIFEST } from "../../src/journal/layout.js";
import { FORMAT_VERSION, OLDEST_VERSION } from "../../src/shard/log/record.js";
import { cell, readDocument, section, tableRows } from "./document.js";

const upgrading = section(readDocument("docs/operations.md"), "Upgrading");

it("says which formats are written and read", () => {
  const said = tableRows(upgrading).map((row) =>
    ["file", "written by this version", "read by this version"].map((title) => cell(row, title)),
  );
  expect(said).toEqual([
    [MANIFEST, `format ${DIRECTORY_FORMAT}`, `formats 1 to ${DIRECTORY_FORMAT}`],
    ["*.seg", `format ${FORMAT_VERSION}`, `formats ${OLDEST_VERSION} to ${FORMAT_VERSION}`],
  ]);
});

it("shows how what is newer is refused", () => {
  expect(upgrading).toContain(`has format ${DIRECTORY_FORMAT + 1}; this ringmq reads up to ${DIRECTORY_FORMAT}: use`);
  expect(upgrading).toContain(
    `has format ${FORMAT_VERSION + 1}; this ringmq reads formats ${OLDEST_VERSION} to ${FORMAT_VERSION}: use`,
  );
});
