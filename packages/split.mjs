/**
 * Takes the client out of a built package `ringmq`: its modules import `@ringmq/client`, so that a program that uses both has one copy.
 *
 * `node packages/split.mjs [folder]` changes `dist` of the folder; by default, it is the project's.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { commonTypes, modulesIn, withSpecifiers } from "./modules.mjs";

const PACKAGE = "@ringmq/client";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const folder = process.argv[2] ?? ROOT;
const dist = join(folder, "dist");

for (const entry of ["index", "memmq-client/index", "testing/index"]) {
  // Of the project's: what it imports is not installed elsewhere.
  writeFileSync(join(dist, `${entry}.d.cts`), await commonTypes(join(ROOT, "dist", `${entry}.js`)));
}
rmSync(join(dist, "client"), { recursive: true });
for (const path of modulesIn(dist)) {
  const text = readFileSync(join(dist, path), "utf8");
  const split = withSpecifiers(text, (specifier) => {
    const target = specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : "";
    if (target === "client/index.js") return PACKAGE;
    return target.startsWith("client/") ? target.replace("client", `${PACKAGE}/internal`) : specifier;
  });
  if (split !== text) writeFileSync(join(dist, path), split);
}
mkdirSync(join(dist, "client"));
for (const extension of ["js", "d.ts", "d.cts"]) {
  const whole =
    extension === "d.cts"
      ? `import client = require("${PACKAGE}");\nexport = client;\n`
      : `export * from "${PACKAGE}";\n`;
  writeFileSync(join(dist, "client", `index.${extension}`), whole);
}
