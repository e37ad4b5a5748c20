/**
 * What a program loads. A package or a room that a command does not need would cost each start of it, and what is loaded by
 * mistake is seen by nobody.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
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

/** Runs a program that ends by itself, or is told to stop when it says where it listens. */
const run = async (line: string, exitCode = 0): Promise<Loaded> => {
  const [program = "", ...args] = line.split(" ");
  const directory = makeDirectory();
  onTestFinished(() => removeDirectory(directory));
  const child = spawn(process.execPath, ["--import", REGISTER, `${DIST}cli/${program}.js`, ...args], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let addresses = "";
  child.stdio[3]?.on("data", (bytes: Buffer) => {
    addresses += bytes.toString();
  });
  let words = "";
  let isTold = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => {
      words += bytes.toString();
      if (isTold || !/^ {2}(?:TCP|HTTP) /m.test(words)) return;
      isTold = true;
      child.kill("SIGTERM");
    });
  }
  const [code] = await once(child, "close");
  expect(code, words).toBe(exitCode);
  return loadedBy(addresses);
};

/** The programs' own files are thirty to forty, with their flags and what these are checked by. */
const FEW = 50;

const FLAGS_ALONE: readonly (readonly [string, readonly string[]])[] = [
  ["ringmq --version", ["commander"]],
  ["ringmq serve --help", ["commander"]],
  ["ringmq publish --help", ["commander"]],
  ["ringmq journal verify --help", ["commander"]],
  ["gnode --help", ["commander", "ini"]],
  ["gregister --help", ["commander", "ini"]],
  ["gclient --help", ["commander"]],
  ["memmq --help", ["commander"]],
];

it.each(FLAGS_ALONE)("%s loads the flags alone", async (line, packages) => {
  const loaded = await run(line);
  expect(loaded.packages).toEqual(packages);
  expect(loaded.own).toContain(`cli/${line.split(" ")[0]}.js`);
  expect(loaded.own.length, loaded.own.join("\n")).toBeLessThan(FEW);
});

it("a flag that is wrong is refused before a broker is loaded", async () => {
  const loaded = await run("ringmq serve --shards 0", 2);
  expect(loaded.packages).toEqual(["commander"]);
  expect(loaded.own.length, loaded.own.join("\n")).toBeLessThan(FEW);
});

const BROKER = ["commander", "msgpackr", "pino", "piscina", "re2js", "xxhash-wasm"];

it("a broker and its threads load what they serve with", async () => {
  const served = await run("ringmq serve --shards 1 --tcp 127.0.0.1:0 --http 127.0.0.1:0 --http-engine node");
  expect(served.packages).toEqual([...BROKER, "ws"].sort());
  expect(served.own).toContain("workers/shard-thread.bundle.js");
  expect(
    served.own.filter((file) =>
      /^(?:client|grpc\/(?!thread\/)|inspection|mq-files|proxy|registry)\/|^torture\/torture\.js/.test(file),
    ),
  ).toEqual([]);
  const without = await run("ringmq serve --shards 1 --tcp 127.0.0.1:0 --http off");
  expect(without.packages).toEqual(BROKER);
  expect(without.own).not.toContain("main/ports/http/node-engine.js");
});

it("a registry has no broker in it", async () => {
  const loaded = await run("gregister -http_addr=127.0.0.1:0");
  expect(loaded.packages).toEqual(["commander", "ini", "pino"]);
  expect(
    loaded.own.filter((file) => /^(?:channel|main\/(?:native|front-ends|shards)|shard|workers)\//.test(file)),
  ).toEqual([]);
});

it("a client has no broker in it", async () => {
  const loaded = await run("memmq --client --publish --topic=t --servers=127.0.0.1:9");
  expect(loaded.packages).toEqual(["commander", "pino", "ws"]);
  expect(
    loaded.own.filter((file) => /^(?:channel|grpc|main\/(?:native|front-ends)|shard|workers)\//.test(file)),
  ).toEqual([]);
});
