/** The page on migrating from memmq: its commands in their order, in both languages, and its table of flags. */
import { expect, it } from "vitest";
import { MEMMQ_FLAGS } from "../../src/cli/memmq/memmq-flags.js";
import { cell, readDocument, section, tableRows } from "../project/document.js";
import { portOf, stop } from "./memmq-servers.js";
import { Shell, withFreePorts } from "./shell.js";

const [ENGLISH, CHINESE] = ["docs/migrating-from-memmq.md", "docs/migrating-from-memmq.zh.md"] as const;

const commandsOf = (page: string): string[] =>
  [...readDocument(page).matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, code = ""]) => code.trim().split("\n"));

it("has the same commands in both languages", () => {
  expect(commandsOf(CHINESE)).toEqual(commandsOf(ENGLISH));
});

it("each command of the page works as written, in its order", async () => {
  const port = await withFreePorts([9091]);
  const [start = "", first = "", second = "", checked = "", replay = "", read = ""] = commandsOf(ENGLISH).map(port);
  const shell = new Shell();
  const server = shell.program(start);
  await portOf(server);
  for (const publish of [first, second, checked]) {
    expect(JSON.parse(await shell.output(`${publish} 2>/dev/null`))).toMatchObject({ code: 200 });
  }
  const payload = (line: string): string => Buffer.from(JSON.parse(line).payload, "base64").toString();
  const bodies = ["first", "second", "third"];
  const [subscribed = "", ...messages] = (await shell.output(replay)).trimEnd().split("\n");
  expect(JSON.parse(subscribed)).toMatchObject({ subscribed: { kept: true, position: 0 } });
  expect(messages.map(payload)).toEqual(bodies);
  // The replay has taken longer than a file is behind.
  expect((await shell.output(read)).trimEnd().split("\n").map(payload)).toEqual(bodies);
  expect(await stop(server)).toBe(0);
});

it("the table of flags has those of the program", () => {
  const rows = tableRows(section(readDocument("docs/compatibility.md"), "memmq: the program"));
  const documented = rows.map((row) => cell(row, "flag").replace(/^--?/, ""));
  expect(documented).toEqual(expect.arrayContaining(["address", "i"]));
  const real = MEMMQ_FLAGS.flatMap(({ flags }) => flags.map(({ name }) => name));
  expect([...documented].sort()).toEqual([...real].sort());
});
