/**
 * The client in the runtimes that there are on this machine: Node.js, and Bun and Deno where they are on the PATH.
 */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { type Broker, startBroker } from "ringmq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../project/document.js";
import { makeClient, makeFolder, removeFolder, run, writeFiles } from "./packed.js";

let folder = "";
let broker: Broker;

beforeAll(async () => {
  folder = await makeFolder();
  const anyPort = { host: "127.0.0.1", port: 0 };
  broker = await startBroker({ tcp: anyPort, http: anyPort, durability: "memory", shards: 1 });
  const { file } = await makeClient(folder);
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--prefix", join(folder, "app"), file]);
  await copyFile(join(ROOT, "test/packages/runtime-program.mjs"), join(folder, "app/program.mjs"));
  await writeFiles(join(folder, "app"), { "deno.json": '{ "nodeModulesDir": "manual" }' });
}, 60_000);

afterAll(async () => {
  await broker.close();
  await removeFolder(folder);
});

const RUNTIMES = [
  ["node", process.execPath, []],
  ["bun", "bun", ["run"]],
  ["deno", "deno", ["run", "--allow-net", "--allow-env", "--allow-read", "--allow-sys"]],
] as const;

describe.each(RUNTIMES)("%s", (name, program, flags) => {
  it.for(["tcp", "ws"] as const)("does the main operations over %s", async (scheme, context) => {
    const { tcp, http } = broker.addresses;
    const url = scheme === "tcp" ? `tcp://127.0.0.1:${tcp?.port}` : `ws://127.0.0.1:${http?.port}/mq`;
    const args = [...flags, "program.mjs", url, `${name}-${scheme}`];
    const { stdout } = await run(program, args, { cwd: join(folder, "app"), timeout: 25_000 }).catch((error) => {
      if (error.code === "ENOENT") context.skip(`${name} is not on the PATH`);
      throw error;
    });
    expect(JSON.parse(stdout)).toEqual({
      consumed: ["one", "two", 7],
      popped: "later",
      headers: { a: 1 },
      heard: "rain",
      reply: "abab",
      published: 4,
      codes: ["BAD_ARGUMENT", "CONNECT_FAILED"],
    });
  });
});
