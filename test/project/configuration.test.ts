/** docs/operations.md, "Configuration", is what the program says and does. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { isLive } from "../../src/cli/configuration/reload.js";
import { placeOf, SETTINGS } from "../../src/cli/configuration/settings.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { cell, ROOT, readDocument, section, tableRows } from "./document.js";

const run = promisify(execFile);
const configuration = section(readDocument("docs/operations.md"), "Configuration");

/** Each flag of `--help`, its lines put together. */
const helpEntries = async (): Promise<string[]> => {
  const { stdout } = await run(process.execPath, ["dist/cli/ringmq.js", "serve", "--help"], { cwd: ROOT });
  const options = stdout.slice(stdout.indexOf("Options:"), stdout.indexOf("-h, --help"));
  return options
    .split(/\n {2}(?=--)/)
    .slice(1)
    .map((entry) => entry.replaceAll(/\s+/g, " ").trim());
};

it("has the flags, variables, keys, defaults and descriptions of `ringmq serve --help`", async () => {
  const documented = tableRows(configuration).map((row) => {
    const [flag, environment, place, value] = ["flag", "environment", "file", "default"].map((name) => cell(row, name));
    const description = cell(row, "");
    // A default that depends on the machine is given in words.
    return { flag, environment, place, value: flag?.startsWith("--shards") ? "" : value, description };
  });
  const places = new Map(SETTINGS.map((setting) => [setting.flag, placeOf(setting)]));
  const real = (await helpEntries()).map((entry) => {
    const flag = /^--[\w-]+(?: <\w+>)?/.exec(entry)?.[0] ?? "";
    const value = /default: "?([^),"]+)/.exec(entry)?.[1] ?? "";
    const environment = /env: (\w+)/.exec(entry)?.[1] ?? "";
    const description = /^(.*?) \((?:choices|default|env): /.exec(entry.slice(flag.length + 1))?.[1] ?? "";
    const place = places.get(flag.split(" ")[0] ?? "") ?? "";
    return { flag, environment, place, value: flag.startsWith("--shards") ? "" : value, description };
  });
  expect(real.length).toBe(SETTINGS.length + 1);
  expect(documented).toEqual(real);
});

it("has an example that is good, and what check-config prints of it", async () => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  const [, example = ""] = /```toml\n(.*?)```/s.exec(configuration) ?? [];
  expect(example).toContain("[tls]");
  // The machine has no such certificate.
  writeFileSync(join(directory, "ringmq.toml"), example.replace(/\[tls\].*?\n\n/s, ""));
  const args = [join(ROOT, "dist/cli/ringmq.js"), "check-config", "ringmq.toml", "--retries", "3"];
  const env = { ...process.env, RINGMQ_TTR: "30s" };
  const { stdout } = await run(process.execPath, args, { cwd: directory, env });
  const [, shown = ""] = /```\n\$ RINGMQ_TTR=30s ringmq check-config.*?\n(.*?)```/s.exec(configuration) ?? [];
  const lines = shown.trim().split("\n");
  expect(lines.length).toBeGreaterThan(5);
  expect(stdout.split("\n")).toEqual(expect.arrayContaining(lines.filter((line) => line !== "…")));
});

it("names the settings that SIGHUP changes", () => {
  const [, listed = ""] = /These change at once: (.*?), the users with/s.exec(configuration) ?? [];
  const places = [...listed.matchAll(/`(.*?)`/g)].map(([, place]) => place);
  expect(places).toEqual(SETTINGS.filter(isLive).map(placeOf));
});
