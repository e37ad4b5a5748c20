import { expect, it } from "vitest";
import { VERSION } from "../../src/main/version.js";
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
