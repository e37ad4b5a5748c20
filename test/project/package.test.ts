import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { VERSION } from "../../src/main/version.js";
import { ROOT, readDocument } from "./document.js";

const run = promisify(execFile);

const IN_TESTS = `
import { type Client, createTestBroker, type RefusalCode, type TestBroker } from "ringmq/testing";

const broker: TestBroker = createTestBroker({ now: 0, ttr: 5_000, durability: "write" });
const client: Client = await broker.connect({ name: "a test" });
await broker.clock.advance("3 days");
const code: RefusalCode = "DISK_FULL";
broker.refuse(code);
await client.close();
await broker.close();
`;

it("the client and the test broker have types for a browser's program, which knows nothing of Node.js", async () => {
  const project = await mkdtemp(join(tmpdir(), "ringmq-types-"));
  try {
    await mkdir(join(project, "node_modules"));
    await symlink(ROOT, join(project, "node_modules", "ringmq"));
    const samples = [...readDocument("README.md").matchAll(/^```js\n(.*?)^```/gms)].map(([, sample = ""]) => sample);
    const sample = samples.find((text) => text.includes('connect("ws://')) ?? expect.unreachable("no such sample");
    await writeFile(join(project, "program.ts"), sample);
    await writeFile(join(project, "in-tests.ts"), IN_TESTS);
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      target: "es2022",
      lib: ["es2022", "dom"],
      types: [],
      module: "esnext",
      moduleResolution: "bundler",
      noEmit: true,
    };
    await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    const compiled = await run("npx", ["tsc", "-p", project], { cwd: ROOT }).catch((error) => error);
    expect(compiled.stdout).toBe("");
  } finally {
    await rm(project, { recursive: true });
  }
}, 180_000);

it("the broker says the version of the package, which is that of the client's as well", () => {
  const { version, dependencies } = JSON.parse(readDocument("package.json"));
  expect(VERSION).toBe(version);
  expect(JSON.parse(readDocument("packages/client/package.json")).version).toBe(version);
  expect(dependencies["@ringmq/client"]).toBe(version);
});

it("the programs can be run by their names", () => {
  const bin: Record<string, string> = JSON.parse(readDocument("package.json")).bin;
  for (const path of Object.values(bin)) expect(readDocument(path).split("\n")[0]).toBe("#!/usr/bin/env node");
});
