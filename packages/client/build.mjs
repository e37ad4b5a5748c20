/**
 * Makes the package `@ringmq/client` of what the project has built: the modules of `dist/client` and those that they need.
 *
 * `node packages/client/build.mjs [folder]` writes `dist` into the folder; by default, it is this one.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { closure, commonTypes, modulesIn } from "../modules.mjs";
import { writePage } from "./page.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILT = join(ROOT, "dist");

const folder = process.argv[2] ?? HERE;
const dist = join(folder, "dist");

/** What cannot `require` an ES module, as Node.js can, has this file: Jest, old bundlers. */
const writeCommonJs = async (file) => {
  // A module that finds a file beside itself finds it there too when it is in the bundle.
  const places = {
    name: "places",
    transform: (code, id) =>
      code.replaceAll("import.meta.url", `new URL("${relative(dirname(file), id)}", import.meta.url).href`),
  };
  const input = join(dist, "client/index.js");
  const build = await rolldown({ input, platform: "node", external: ["ws", /^node:/], plugins: [places] });
  const whole = { format: "cjs", codeSplitting: false, dynamicImportInCjs: false };
  await build.write({ ...whole, file, minify: { compress: false, mangle: false } });
  await build.close();
};

if (folder !== HERE) {
  for (const file of ["package.json", "README.md"]) copyFileSync(join(HERE, file), join(folder, file));
}
copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
rmSync(dist, { recursive: true, force: true });
const entries = modulesIn(join(BUILT, "client")).map((path) => `client/${path}`);
for (const path of closure(BUILT, entries)) {
  const target = join(dist, path);
  mkdirSync(dirname(target), { recursive: true });
  // Without source maps: what is built reads as the source does, and they are twice as large.
  writeFileSync(target, readFileSync(join(BUILT, path), "utf8").replace(/^\/\/# sourceMappingURL=.*\n?/m, ""));
}
writeFileSync(join(dist, "client/index.d.cts"), await commonTypes(join(dist, "client/index.js")));
await writeCommonJs(join(dist, "client/index.cjs"));
await writePage(join(dist, "client"), join(dist, "page"));
