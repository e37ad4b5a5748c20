/** The reference of the client says what its doc comments say now. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ROOT, readDocument } from "../project/document.js";

const run = promisify(execFile);

it("docs/client-api.md is what `npm run reference` makes", async () => {
  const out = makeDirectory();
  onTestFinished(() => removeDirectory(out));
  const folder = join(ROOT, "packages/reference");
  const typedoc = join(folder, "node_modules/typedoc/bin/typedoc");
  await run(process.execPath, [typedoc, "--out", out], { cwd: folder });
  const made = await readFile(join(out, "client-api.md"), "utf8");
  expect(readDocument("docs/client-api.md") === made, "run `npm run reference`").toBe(true);
}, 60_000);

it("has everything that the client exports", async () => {
  const reference = readDocument("docs/client-api.md");
  const index = await readFile(join(ROOT, "src/client/index.ts"), "utf8");
  const lists = [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, names = ""]) => names.split(","));
  const names = lists.map((name) => name.replace(/\btype\b/, "").trim()).filter((name) => name !== "");
  expect(names.length).toBeGreaterThan(80);
  expect(names.filter((name) => !new RegExp(`^### ${name}(?:\\(\\))?$`, "m").test(reference))).toEqual([]);
});
