import { expect, it } from "vitest";
import { VERSION } from "../../src/protocol/version.js";
import { readDocument } from "./document.js";

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

it("the lock has every package that it says another needs, without which npm ci refuses to install", () => {
  // npm install passes over an optional one that the registry does not have, and says nothing.
  type Locked = { readonly [list in "dependencies" | "optionalDependencies"]?: Readonly<Record<string, string>> };
  const locked: Readonly<Record<string, Locked>> = JSON.parse(readDocument("package-lock.json")).packages;
  const missing: string[] = [];
  for (const [path, { dependencies, optionalDependencies }] of Object.entries(locked)) {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      // As Node.js looks for it: in the folder itself, then in each of those around it.
      const parts = path === "" ? [] : path.split("/");
      const folders = parts.map((_, i) => `${parts.slice(0, i + 1).join("/")}/`);
      if (!["", ...folders].some((folder) => `${folder}node_modules/${name}` in locked))
        missing.push(`${path}: ${name}`);
    }
  }
  expect(missing).toEqual([]);
});
