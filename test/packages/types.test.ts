/**
 * The declarations of the packages, as programs see them: with each TypeScript since 5.4, each way to resolve modules, with Node.js's
 * types and no others, and with a browser's and no others.
 */
import { access, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT, readDocument } from "../project/document.js";
import { makeBroker, makeClient, makeFolder, removeFolder, run, writeFiles } from "./packed.js";

/** TypeScript before the one that the project uses; the oldest that programs may have, and the last in JavaScript. */
const COMPILERS = { "typescript-5.4": "typescript@5.4.5", "typescript-5.9": "typescript@5.9.3" };

const CACHE = join(ROOT, "node_modules", ".cache", "ringmq-typescript");

const compilerOf = (name: string): string => join(CACHE, "node_modules", name, "lib", "typescript.js");

const fetchCompilers = async (): Promise<void> => {
  try {
    await Promise.all(Object.keys(COMPILERS).map((name) => access(compilerOf(name))));
  } catch {
    const named = Object.entries(COMPILERS).map(([name, version]) => `${name}@npm:${version}`);
    const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", CACHE];
    await mkdir(CACHE, { recursive: true });
    await run("npm", ["install", ...flags, ...named]);
  }
};

/** What of the client a program may write, and what the classes and functions must be. */
const USE = `
const use = async (): Promise<void> => {
  const client: Client = await connect("tcp://127.0.0.1:9503", { name: "a program" });
  const { durability }: Receipt = await client.publish("orders", "hello");
  const consumer: Consumer = await client.consume("orders");
  for await (const message of consumer) {
    const text: string = message.text();
    // @ts-expect-error: it is text
    const number: number = message.text();
    await message.ack();
    console.log(durability, text, number);
  }
  const end: IteratorResult<ChannelMessage> = await (await client.subscribe("news")).next();
  for await (const event of (await connectNodes({ nodes: [{ url: "ws://127.0.0.1/mq" }] })).status()) {
    console.log(event.type, end.done);
  }
  // @ts-expect-error: there is no such option
  await connect("tcp://127.0.0.1", { nome: "a program" });
  try {
    await client.pop("orders", { max: 3 });
  } catch (error) {
    if (!(error instanceof RingmqError)) throw error;
    const code: RingmqErrorCode = error.code;
    // @ts-expect-error: it is no code
    if (code === "NO_CODE") console.log(code);
  }
  await client[Symbol.asyncDispose]();
};
void use();
`;

const NAMES = `
  type ChannelMessage, type Client, type Consumer, connect, connectNodes, type Receipt, RingmqError, type RingmqErrorCode,`;

const ELSEWHERE = `
import { createTestBroker, type Client as TestClient, type RefusalCode, type TestBroker } from "ringmq/testing";
import { createClient, type MemmqClient, RingmqError as MemmqError } from "ringmq/memmq";
import { connect as connectToo } from "ringmq/client";
const inTests = async (): Promise<void> => {
  const broker: TestBroker = createTestBroker({ now: 0, ttr: 5_000, durability: "write" });
  const own: TestClient = await broker.connect({ name: "a test" });
  await broker.clock.advance("3 days");
  const code: RefusalCode = "DISK_FULL";
  broker.refuse(code);
  // They are the same types, not only alike.
  const same: Client[] = [own, await connectToo("tcp://127.0.0.1")];
  const error: typeof RingmqError = MemmqError;
  const memmq: MemmqClient = createClient({ servers: ["127.0.0.1:8081"] });
  console.log(same, error, memmq);
};
void inTests();
`;

const BROKER = `
import { type Broker, startBroker, StartError } from "ringmq";
const inside = async (): Promise<void> => {
  const broker: Broker = await startBroker({ durability: "memory", http: "off" });
  broker.on("shard-back", ({ shard }) => console.log(shard + 1));
  console.log(broker.addresses.tcp?.port, new StartError("") instanceof Error);
  await broker.close();
};
void inside();
`;

const README = `
export {};
${[...readDocument("packages/client/README.md").matchAll(/^```js\n(.*?)^```/gms)].map(([, code = ""]) => code).join("")}
`;

const CLIENT = `import {${NAMES} } from "@ringmq/client";\n${USE}`;
const COMMON = `import {${NAMES} } from "@ringmq/client";\nimport ringmq = require("@ringmq/client");\n
export const same: typeof ringmq.connect = connect;\n${USE}`;

/** Nothing but the packages and what they depend on for their types. */
let folder = "";

beforeAll(async () => {
  folder = await makeFolder();
  await Promise.all([fetchCompilers(), makeClient(folder), makeBroker(folder)]);
  await mkdir(join(folder, "node_modules", "@types"));
  for (const name of ["@types/node", "undici-types"]) {
    await symlink(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  }
  await writeFiles(folder, {
    "readme.mts": README,
    "client.cts": COMMON,
    "client.ts": CLIENT,
    "elsewhere.mts": CLIENT + ELSEWHERE,
    "elsewhere.cts": CLIENT + ELSEWHERE,
    "broker.mts": BROKER,
    "broker.cts": BROKER,
  });
}, 120_000);

afterAll(() => removeFolder(folder));

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  skipLibCheck: false,
  target: "es2022",
  noEmit: true,
};

/** The settings of a program: how its modules are resolved, and where it runs. */
const setting = (module: "nodenext" | "node16" | "bundler", where: "page" | "node") => {
  const inside = where === "node" ? ["broker.mts", "broker.cts"] : [];
  const files = ["readme.mts", "client.cts", "elsewhere.mts", "elsewhere.cts", ...inside];
  return {
    ...STRICT,
    module: module === "bundler" ? "esnext" : module,
    moduleResolution: module,
    lib: where === "page" ? ["es2022", "dom"] : ["es2022"],
    types: where === "page" ? [] : ["node"],
    files: module === "bundler" ? files.filter((file) => file.endsWith(".mts")) : files,
  };
};

/** A program that compiles to CommonJS as it did before there were `exports`. */
const OLD = {
  ...STRICT,
  module: "commonjs",
  moduleResolution: "node10",
  lib: ["es2022"],
  types: ["node"],
  files: ["client.ts"],
};

/** Each way to resolve modules and each place, with the oldest; what differs in a newer one is seen in either place. */
const SETTINGS: Readonly<Record<string, readonly object[]>> = {
  "typescript-5.4": [setting("nodenext", "page"), setting("node16", "node"), setting("bundler", "page"), OLD],
  "typescript-5.9": [setting("nodenext", "node"), setting("bundler", "page")],
};

it.each(Object.keys(COMPILERS))(
  "hold with %s",
  async (name) => {
    const args = [join(ROOT, "test/packages/type-check.mjs"), compilerOf(name), folder, JSON.stringify(SETTINGS[name])];
    expect((await run(process.execPath, args)).stdout).toBe("");
  },
  120_000,
);

it("hold with the TypeScript of the project", async () => {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  for (const { files, ...compilerOptions } of [
    setting("nodenext", "page"),
    setting("node16", "node"),
    setting("bundler", "node"),
  ]) {
    await writeFiles(folder, { "tsconfig.json": JSON.stringify({ compilerOptions, files }) });
    const compiled = await run(process.execPath, [tsc, "-p", folder], { cwd: folder }).catch((error) => error);
    expect(compiled.stdout).toBe("");
  }
}, 120_000);
