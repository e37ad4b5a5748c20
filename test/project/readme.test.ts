import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Broker, startBroker } from "ringmq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scenarios } from "../../bench/scenarios/index.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { cell, ROOT, readDocument, section, tableRows } from "./document.js";

const run = promisify(execFile);
const readme = readDocument("README.md");

it("the README's benchmark scenarios are those there are", () => {
  const rows = tableRows(section(readme, "How fast it is")).filter((row) => cell(row, "scenario") !== "");
  expect(rows.map((row) => cell(row, "scenario"))).toEqual(scenarios.map(({ name }) => name));
});

describe("the README's quick start", () => {
  /** The message id that the document shows. */
  const SHOWN = "384261148721025024";

  let data = "";
  let broker: Broker;
  let real = SHOWN;

  beforeAll(async () => {
    data = makeDirectory();
    const anyPort = { host: "127.0.0.1", port: 0 };
    broker = await startBroker({ tcp: anyPort, http: anyPort, data, shards: 1 });
  });

  afterAll(async () => {
    await broker.close();
    removeDirectory(data);
  });

  /** The text as it is to be run here: with the ports of this broker and the id it gave. */
  const here = (text: string): string =>
    text
      .replaceAll(":9503", `:${broker.addresses.tcp?.port}`)
      .replaceAll(":9504", `:${broker.addresses.http?.port}`)
      .replaceAll(SHOWN, real);

  /** What the last line for a shell has printed: the next one may use it, as in the shell of whoever tries them. */
  let answer = "";

  const execute = async (language: string, code: string): Promise<string> => {
    const [program, args] = language === "js" ? [process.execPath, ["--input-type=module", "-e"]] : ["bash", ["-c"]];
    // In the project's folder, where `ringmq` is this package.
    const env = { ...process.env, answer };
    const { stdout } = await run(program, [...args, here(code)], { cwd: ROOT, timeout: 20_000, env });
    if (language === "sh") answer = stdout;
    return stdout;
  };

  /** Each example and what it is said to print. */
  const examples = [...section(readme, "Quick start").matchAll(/```(sh|js)\n(.*?)```\n+```\n(.*?)```/gs)].map(
    ([, language = "", code = "", output = ""]) => ({ language, code, output }),
  );

  it("has an example of each way in", () => {
    expect(examples.map(({ language }) => language)).toEqual([
      "sh",
      "sh",
      "sh",
      "js",
      "js",
      "js",
      "js",
      "js",
      "js",
      "js",
      "js",
    ]);
  });

  it.each(examples)("prints what it is said to print: $code", async ({ language, code, output }) => {
    const printed = await execute(language, code);
    real = /"msgId":"(\d+)"/.exec(printed)?.[1] ?? real;
    // curl adds no end of a line.
    expect(printed.trimEnd()).toBe(here(output).trimEnd());
  });
});
