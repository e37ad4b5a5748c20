import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { IniFile } from "../../../src/cli/gmq/ini-file.js";
import { LOG_KEYS, logSettings } from "../../../src/cli/gmq/log-settings.js";
import { openLog } from "../../../src/cli/gmq/log-target.js";
import { Settings } from "../../../src/cli/gmq/settings.js";
import { makeDirectory, removeDirectory } from "../../directories.js";

const testDirectory = (): string => {
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  return directory;
};

/** The log that a file describes, in a directory that is made for it. */
const open = async (directory: string, lines: readonly string[], flags: Record<string, unknown> = {}) => {
  const path = join(directory, "conf.ini");
  writeFileSync(path, ["[log]", ...lines].join("\n"));
  const settings = new Settings(
    flags,
    IniFile.read(path, { log: LOG_KEYS }, () => {}),
  );
  return openLog(logSettings(settings, { file: "gnode.log", directory: join(directory, "data") }));
};

const MEGABYTE = "x".repeat(1_000_000);

it("a log file is rotated at its size, as gmq's is: the youngest before it ends in .1", async () => {
  const directory = testDirectory();
  const { log, flush, isOnConsole } = await open(directory, [
    "target_type = file",
    "max_size = 6000000 # bytes",
    "rotate = true",
  ]);
  expect(isOnConsole).toBe(false);
  for (let i = 0; i < 40; i++) log.info({}, `${i} ${MEGABYTE}`);
  await flush();
  const files = readdirSync(join(directory, "data")).sort();
  expect(files).toEqual(["gnode.log", ...[1, 2, 3, 4, 5].map((i) => `gnode.log.${i}`)]);
  for (const file of files) expect(statSync(join(directory, "data", file)).size).toBeLessThan(8_000_000);
  expect(readFileSync(join(directory, "data", "gnode.log"), "utf8")).toContain(" 39 x");
});

it("a log file that is not rotated grows, and goes on where it was", async () => {
  const directory = testDirectory();
  for (const text of ["first", "second"]) {
    const { log, flush } = await open(directory, ["target_type = file", "filename = n.log", "rotate = false"]);
    log.info({}, text);
    await flush();
  }
  expect(readFileSync(join(directory, "data", "n.log"), "utf8")).toMatch(/INFO {2}first\n.*INFO {2}second\n$/);
});

it("levels are gmq's numbers: 0 errors alone, 2 by default, 4 and the 5 of its examples everything; a flag beats them", async () => {
  const logged = async (lines: readonly string[], flags = {}): Promise<string[]> => {
    const directory = testDirectory();
    const { log, flush } = await open(directory, ["target_type = file", ...lines], flags);
    for (const level of ["error", "warn", "info", "debug"] as const) log[level]({}, "-");
    await flush();
    return readFileSync(join(directory, "data", "gnode.log"), "utf8").match(/[A-Z]{4,5}(?= +-)/g) ?? [];
  };
  expect(await logged(["level = 0"])).toEqual(["ERROR"]);
  expect(await logged(["level = 1"])).toEqual(["ERROR", "WARN"]);
  expect(await logged([])).toEqual(["ERROR", "WARN", "INFO"]);
  expect(await logged(["level = 5"])).toEqual(["ERROR", "WARN", "INFO", "DEBUG"]);
  expect(await logged(["level = 4"], { log_level: 0 })).toEqual(["ERROR"]);
});

it("a file may be anywhere, if its whole path is given", async () => {
  const directory = testDirectory();
  const { log, flush } = await open(directory, ["target_type = file", `filename = ${directory}/elsewhere/n.log`]);
  log.info({}, "here");
  await flush();
  expect(readFileSync(join(directory, "elsewhere", "n.log"), "utf8")).toContain("here");
});

it("a target or a file that cannot be had is an error", async () => {
  const directory = testDirectory();
  await expect(open(directory, ["target_type = syslog"])).rejects.toThrow(
    /target_type = syslog: It must be console, file/,
  );
  // Also where there is no file yet.
  await expect(open(directory, ["max_size = 50MB"])).rejects.toThrow(/max_size = 50MB: It must be a number of bytes/);
  writeFileSync(join(directory, "data"), "");
  await expect(open(directory, ["target_type = console,file"])).rejects.toThrow(/the log file .* cannot be written/);
  expect(existsSync(join(directory, "data", "gnode.log"))).toBe(false);
});
