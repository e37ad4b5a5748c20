/** docs/program.md: its examples print what they are said to print, and its tables are those of the code. */
import { expect, it } from "vitest";
import { EXIT_TEXTS } from "../../src/cli/commands/exit-codes.js";
import { cell, readDocument, section, tableRows } from "../project/document.js";
import { sharedBroker } from "./brokers.js";
import { Shell } from "./shell.js";

const document = readDocument("docs/program.md");

const broker = sharedBroker();

/** What differs from run to run: ids, times, ports. */
const constant = (text: string): string =>
  text
    .replaceAll(/\b\d{18}\b/g, "ID")
    .replaceAll(/\b1[67]\d{11}\b|\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/\d+\.\d s\b/g, "T s")
    .replaceAll(/^ *\d+( +tcp .*127\.0\.0\.1:)\d+/gm, "ID$1PORT");

it("has the exit codes of the code", () => {
  const rows = tableRows(section(document, "Exit codes"));
  expect(Object.fromEntries(rows.map((row) => [cell(row, "code"), cell(row, "meaning")]))).toEqual(EXIT_TEXTS);
});

it("is about the commands that the README lists, which are all of them", { timeout: 60_000 }, async () => {
  const rows = tableRows(section(readDocument("README.md"), "The program"));
  const help = await new Shell().output("COLUMNS=300 ringmq --help");
  const real = [...help.matchAll(/^ {2}([a-z-]+) .*? {2,}(\S.*)$/gm)]
    .map(([, name, text]) => [name, text])
    .filter(([name]) => name !== "help");
  expect(rows.map((row) => [cell(row, "command"), cell(row, "what it does")])).toEqual(real);
  const other = ["serve", "check-config", "token", "backup", "restore", "journal", "torture"];
  const described = real.map(([name]) => name).filter((name) => !other.includes(name ?? ""));
  expect(described.filter((name) => !document.includes(`**${name}**`))).toEqual([]);
});

it("has examples that print what they are said to print", { timeout: 120_000 }, async () => {
  const examples = [...document.matchAll(/```sh\n(.*?)```\n+```\n(.*?)```/gs)];
  expect(examples.length).toBeGreaterThan(5);
  const shell = new Shell(undefined, { RINGMQ_SERVER: `127.0.0.1:${broker().tcp}` });
  // One after another: what one leaves, another finds.
  for (const [, code = "", output = ""] of examples) {
    expect(constant(await shell.output(`{ ${code}\n} 2>&1`)), code).toBe(constant(output));
  }
});
