/**
 * What a program loads. A package or a room that a command does not need would cost each start of it, and what is loaded by
 * mistake is seen by nobody.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { makeDirectory, removeDirectory } from "../directories.js";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));

const moduleOf = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

/** Told of each module, in each thread, it writes its address into descriptor 3. */
const HOOK = moduleOf(`
  import { writeSync } from "node:fs";
  export const load = (url, context, next) => { writeSync(3, url + "\\n"); return next(url, context); };
`);
const REGISTER = moduleOf(`import { register } from "node:module"; register(${JSON.stringify(HOOK)});`);

interface Loaded {
  readonly packages: readonly string[];
  /** Own files, as below dist. */
  readonly own: readonly string[];
}

const loadedBy = (addresses: string): Loaded => {
  const packages = new Set<string>();
  const own = new Set<string>();
  for (const address of addresses.split("\n").filter((line) => line.startsWith("file:"))) {
    const path = fileURLToPath(address);
    const [, name] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/.exec(path) ?? [];
    if (name !== undefined) packages.add(name);
    else if (path.startsWith(DIST)) own.add(path.slice(DIST.length));
  }
  return { packages: [...packages].sort(), own: [...own] };
};

/** Runs a program that ends by itself. */
const run = (program: string, ...args: readonly string[]): Loaded => {
  const directory = makeDirectory();
  try {
    const { output, status } = spawnSync(
      process.execPath,
      ["--import", REGISTER, `${DIST}cli/${program}.js`, ...args],
      { cwd: directory, encoding: "utf8", stdio: ["ignore", "pipe", "pipe", "pipe"] },
    );
    expect(status, output[2] ?? "").toBe(0);
    return loadedBy(output[3] ?? "");
  } finally {
    removeDirectory(directory);
  }
};

/** The programs' own files are about thirty, with their flags and what these are checked by. */
const FEW = 40;

it.each([
  ["ringmq --version", ["commander"]],
  ["ringmq serve --help", ["commander"]],
  ["ringmq publish --help", ["commander"]],
  ["ringmq journal verify --help", ["commander"]],
  ["gnode --help", ["commander", "ini"]],
  ["gregister --help", ["commander", "ini"]],
  ["gclient --help", ["commander", "ini"]],
  ["memmq --help", ["commander"]],
])("%s loads the flags alone", (line, packages) => {
  const [program = "", ...args] = line.split(" ");
  const loaded = run(program, ...args);
  expect(loaded.packages).toEqual(packages);
  expect(loaded.own).toContain(`cli/${program}.js`);
  expect(loaded.own.length, loaded.own.join("\n")).toBeLessThan(FEW);
});
