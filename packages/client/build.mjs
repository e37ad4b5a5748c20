/**
 * Makes the package `@ringmq/client` of what the project has built: the modules of `dist/client` and those that they need.
 *
 * `node packages/client/build.mjs [folder]` writes `dist` into the folder; by default, it is this one.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { closure, commonTypes, modulesIn } from "../modules.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILT = join(ROOT, "dist");

const folder = process.argv[2] ?? HERE;
const dist = join(folder, "dist");

const bundle = async (input, output) => {
  const build = await rolldown({ ...input, external: ["ws", /^node:/], logLevel: "warn" });
  await build.write(output);
  await build.close();
};

rmSync(dist, { recursive: true, force: true });
const entries = modulesIn(join(BUILT, "client")).map((path) => `client/${path}`);
for (const path of closure(BUILT, entries)) {
  const target = join(dist, path);
  mkdirSync(dirname(target), { recursive: true });
  // Without source maps: what is built reads as the source does, and they are twice as large.
  writeFileSync(target, readFileSync(join(BUILT, path), "utf8").replace(/^\/\/# sourceMappingURL=.*\n?/m, ""));
}
writeFileSync(join(dist, "client/index.d.cts"), await commonTypes(join(dist, "client/index.js")));
// For what cannot `require` an ES module, as Node.js can: Jest, old bundlers.
await bundle(
  { input: join(dist, "client/index.js"), platform: "node" },
  {
    file: join(dist, "client/index.cjs"),
    format: "cjs",
    codeSplitting: false,
    comments: false,
    dynamicImportInCjs: false,
  },
);
if (folder !== HERE)
  for (const file of ["package.json", "README.md"]) copyFileSync(join(HERE, file), join(folder, file));
copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
