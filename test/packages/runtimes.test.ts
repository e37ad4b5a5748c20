/**
 * The client in Node.js, Bun and Deno. npx installs the latter two, into the cache of npm; where it cannot, they are skipped.
 */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { type Broker, startBroker } from "ringmq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../project/document.js";
import { makeClient, makeFolder, removeFolder, run, writeFiles } from "./packed.js";

const INSTALLED = ["bun@1.4.5", "deno@2.9.6"];

/** For a `beforeAll` that fetches 90 megabytes. */
const FETCH_TIMEOUT = 120_000;

let folder = "";
let broker: Broker;
/** The programs, or why they cannot be installed. */
let programs: { readonly bun: string; readonly deno: string } | { readonly failure: string };

const findPrograms = async (): Promise<typeof programs> => {
  const packages = INSTALLED.map((name) => `--package=${name}`);
  try {
    // Away from the project, the `node_modules` of which npx would look into.
    const { stdout } = await run("npx", ["--yes", "--prefer-offline", ...packages, "--call", "which bun deno"], {
      cwd: folder,
      timeout: FETCH_TIMEOUT / 2,
      env: { ...process.env, npm_config_fetch_retries: "0" },
    });
    const [bun = "", deno = ""] = stdout.trim().split("\n");
    for (const program of [bun, deno]) await run(program, ["--version"]);
    return { bun, deno };
  } catch (error) {
    return { failure: `npx cannot install ${INSTALLED.join(" and ")}: ${error}` };
  }
};

beforeAll(async () => {
  folder = await makeFolder();
  const anyPort = { host: "127.0.0.1", port: 0 };
  broker = await startBroker({ tcp: anyPort, http: anyPort, durability: "memory", shards: 1 });
  const [{ file }, found] = await Promise.all([makeClient(folder), findPrograms()]);
  programs = found;
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--prefix", join(folder, "app"), file]);
  await copyFile(join(ROOT, "test/packages/runtime-program.mjs"), join(folder, "app/program.mjs"));
  await writeFiles(join(folder, "app"), { "deno.json": '{ "nodeModulesDir": "manual" }' });
}, FETCH_TIMEOUT);

afterAll(async () => {
  await broker.close();
  await removeFolder(folder);
});

const RUNTIMES = [
  ["node", []],
  ["bun", ["run"]],
  ["deno", ["run", "--allow-net", "--allow-env", "--allow-read", "--allow-sys"]],
] as const;

describe.each(RUNTIMES)("%s", (name, flags) => {
  it.concurrent.for(["tcp", "ws"] as const)("does the main operations over %s", async (scheme, context) => {
    if (name !== "node" && "failure" in programs) return context.skip(programs.failure);
    const program = name === "node" || "failure" in programs ? process.execPath : programs[name];
    const { tcp, http } = broker.addresses;
    const url = scheme === "tcp" ? `tcp://127.0.0.1:${tcp?.port}` : `ws://127.0.0.1:${http?.port}/mq`;
    const args = [...flags, "program.mjs", url, `${name}-${scheme}`];
    const { stdout } = await run(program, args, { cwd: join(folder, "app"), timeout: 25_000 });
    expect(JSON.parse(stdout)).toEqual({
      consumed: ["one", "two", 7],
      popped: "later",
      headers: { a: 1 },
      heard: "rain",
      reply: "abab",
      worked: "job",
      jobs: 1,
      published: 4,
      codes: ["BAD_ARGUMENT", "CONNECT_FAILED"],
    });
  });
});
