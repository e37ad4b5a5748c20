/** The packages as somebody installs them. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Broker, startBroker } from "ringmq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ROOT, readDocument } from "../project/document.js";
import { makeBroker, makeClient, makeFolder, type Packed, removeFolder, run, writeFiles } from "./packed.js";

/** Nothing of the project is found from here. */
let alone = "";
/** Within the project, where the packages that the broker depends on are found. */
let both = "";
let client: Packed;
let broker: Packed;

beforeAll(async () => {
  alone = await makeFolder();
  both = join(ROOT, "build", `packages-${process.pid}`);
  client = await makeClient(both);
  broker = await makeBroker(both);
  // A program of its own: in the project's, `ringmq` is the project.
  await writeFiles(both, { "package.json": "{}" });
}, 60_000);

afterAll(async () => {
  await removeFolder(alone);
  await removeFolder(both);
});

const evaluate = async (folder: string, type: "module" | "commonjs", program: string, ...flags: string[]) => {
  const args = [...flags, `--input-type=${type}`, "-e", program];
  return (await run(process.execPath, args, { cwd: folder, timeout: 20_000 })).stdout;
};

describe("@ringmq/client", () => {
  let app = "";
  let data = "";
  let running: Broker;

  beforeAll(async () => {
    app = join(alone, "app");
    data = makeDirectory();
    const anyPort = { host: "127.0.0.1", port: 0 };
    running = await startBroker({ tcp: anyPort, http: anyPort, data, shards: 1 });
    await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--prefix", app, client.file]);
  }, 60_000);

  afterAll(async () => {
    await running.close();
    removeDirectory(data);
  });

  it("brings itself and ws alone, is small, and runs no script when it is installed", async () => {
    const folders = [
      join(app, "node_modules", "ws"),
      ...(await readdir(join(app, "node_modules", "@ringmq"))).map((name) =>
        join(app, "node_modules", "@ringmq", name),
      ),
    ];
    const installed = (await readdir(join(app, "node_modules"))).filter((name) => !name.startsWith("."));
    expect(installed.sort()).toEqual(["@ringmq", "ws"]);
    expect(folders.length).toBe(2);
    for (const folder of folders) {
      const { scripts = {} } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
      expect(Object.keys(scripts).filter((name) => /^(?:pre|post)?install$|^prepare$/.test(name))).toEqual([]);
      expect(await readdir(folder)).not.toContain("binding.gyp");
    }
    expect(client.unpackedSize).toBeLessThan(1_500_000);
    const places = ["dist/", "README.md", "LICENSE", "package.json"];
    expect(client.paths.filter((path) => !places.some((place) => path.startsWith(place)))).toEqual([]);
    const rooms = client.paths.filter((path) => path.startsWith("dist/")).map((path) => path.split("/")[1]);
    expect([...new Set(rooms)].sort()).toEqual(["client", "collections", "page", "protocol", "registry", "servers"]);
  });

  /** Each example of its README and what it is said to print. */
  const examples = [...readDocument("packages/client/README.md").matchAll(/```(c?js)\n(.*?)```\n+```\n(.*?)```/gs)].map(
    ([, language = "", code = "", output = ""]) => ({ language, code, output }),
  );

  const here = (code: string): string =>
    code.replaceAll(":9503", `:${running.addresses.tcp?.port}`).replaceAll(":9504", `:${running.addresses.http?.port}`);

  it("has an example of either kind of module", () => {
    expect(examples.map(({ language }) => language)).toEqual(["js", "cjs"]);
  });

  it.each(["module", "commonjs"] as const)("has a worker with its thread, in a %s", async (type) => {
    const load = type === "module" ? 'await import("@ringmq/client")' : 'require("@ringmq/client")';
    const program = `void (async () => {
      process.on("warning", (warning) => console.log(warning.code));
      const { connect } = ${load};
      const client = await connect("${`tcp://127.0.0.1:${running.addresses.tcp?.port}`}");
      const worker = await client.work("jobs-${type}", (message) => console.log(message.text()));
      await client.publish("jobs-${type}", "done");
      while (worker.processed === 0) await new Promise(setImmediate);
      await client.drain();
    })()`;
    expect(await evaluate(app, type, program)).toBe("done\n");
  });

  it.each(examples)("prints what its README says: $code", async ({ language, code, output }) => {
    expect(await evaluate(app, language === "cjs" ? "commonjs" : "module", here(code))).toBe(output);
  });

  it("is the same to a program in TypeScript, compiled to either kind of module", async () => {
    const [example] = examples;
    const code = example?.code ?? expect.unreachable("no example");
    // A program of CommonJS has no await outside of a function.
    const [heading = "", ...rest] = code.split(/(?<=^import .*\n)/m);
    await writeFiles(app, {
      "esm.mts": here(code),
      "common.cts": `${heading}(async () => {${here(rest.join(""))}})();\n`,
    });
    const flags = ["--strict", "--module", "nodenext", "--target", "es2023", "--types", "", "--lib", "es2023,dom"];
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    await run(process.execPath, [tsc, ...flags, "esm.mts", "common.cts"], { cwd: app });
    for (const file of ["esm.mjs", "common.cjs"]) {
      expect((await run(process.execPath, [file], { cwd: app, timeout: 20_000 })).stdout).toBe(example?.output);
    }
  });

  it("has a file for what cannot require an ES module", async () => {
    const [, example] = examples;
    const flags = ["--no-experimental-require-module", "-C", "none"];
    const stdout = await evaluate(app, "commonjs", here(example?.code ?? ""), ...flags);
    expect(stdout).toBe(example?.output);
  });
});

describe("ringmq", () => {
  it("has no second copy of the client", () => {
    expect(broker.paths.filter((path) => path.startsWith("dist/client/")).sort()).toEqual([
      "dist/client/index.d.cts",
      "dist/client/index.d.ts",
      "dist/client/index.js",
    ]);
  });

  it("holds what its entries name, the documents, and nothing that is not for users", () => {
    const { exports, bin } = JSON.parse(readDocument("package.json"));
    const filesOf = (entry: unknown): string[] =>
      typeof entry === "string" ? [entry.replace("./", "")] : Object.values(Object(entry)).flatMap(filesOf);
    const documents = ["README.md", "LICENSE", "CHANGELOG.md", "docs/protocol.md", "docs/architecture.md"];
    const expected = [...filesOf(exports), ...filesOf(bin), ...documents, "proto/mq.proto"];
    expect(broker.paths).toEqual(expect.arrayContaining(expected));
    const places = ["deploy/", "dist/", "docs/", "proto/", "README.md", "LICENSE", "CHANGELOG.md", "package.json"];
    expect(broker.paths.filter((path) => !places.some((place) => path.startsWith(place)))).toEqual([]);
  });

  it("hands out the classes of @ringmq/client, whichever way they come", async () => {
    const program = `
      import { createRequire } from "node:module";
      import { startBroker } from "ringmq";
      import { connect, RingmqError } from "@ringmq/client";
      import * as own from "ringmq/client";
      import * as memmq from "ringmq/memmq";
      import { createTestBroker } from "ringmq/testing";
      const require = createRequire(import.meta.url);
      const required = ["@ringmq/client", "ringmq/client", "ringmq/memmq"].map((name) => require(name).RingmqError);
      console.log([own.RingmqError, memmq.RingmqError, ...required].every((each) => each === RingmqError));
      const inTests = createTestBroker();
      const broker = await startBroker({ tcp: { host: "127.0.0.1", port: 0 }, http: "off", durability: "memory" });
      const clients = [await inTests.connect(), await connect("tcp://127.0.0.1:" + broker.addresses.tcp.port)];
      console.log(clients[0].constructor === clients[1].constructor);
      for (const client of clients) {
        await client.publish("t", "x").then(({ durability }) => console.log(durability));
        await client.publish("", "x").catch((error) => console.log(error instanceof RingmqError));
        await client.close();
      }
      await inTests.close();
      await broker.close();`;
    expect(await evaluate(both, "module", program)).toBe("true\ntrue\nfsync\ntrue\nmemory\ntrue\n");
  });

  it("runs its programs, which are clients too", async () => {
    const program = join(both, "node_modules/ringmq/dist/cli/ringmq.js");
    const failed = await run(process.execPath, [program, "topics", "--server", "tcp://127.0.0.1:1"]).catch((e) => e);
    expect(failed.stderr).toMatch(/nothing listens on 127.0.0.1:1/);
  });
});
