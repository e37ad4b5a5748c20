/**
 * Builds the console's page, `src/console`, into `dist/console`. It comes after the compiler: the client in the page is the built
 * one, with what browsers lack replaced as in its package.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { LATER, LOOKS } from "./packages/client/page.mjs";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const DIST = join(ROOT, "dist");

/** `packages/client/package.json` says which modules of the client are others in browsers. */
const { browser }: { browser: Record<string, string> } = JSON.parse(
  readFileSync(join(ROOT, "packages/client/package.json"), "utf8"),
);
const REPLACED = new Map(Object.entries(browser).map(([from, to]) => [join(ROOT, from), join(ROOT, to)]));

/** Parts of the client that the page has no use for: consumers, workers, calls, several nodes, topics with a schema. */
const UNUSED: Readonly<Record<string, { readonly name: string; readonly before?: string }>> = {
  "calls/calls.js": LATER["calls/calls.js"],
  "consume/consumer.js": { name: "Consumer" },
  "nodes/connect-nodes.js": LATER["nodes/connect-nodes.js"],
  "topics/topic.js": LATER["topics/topic.js"],
  "work/workers.js": LATER["work/workers.js"],
};
const standIns = new Map(
  Object.entries(UNUSED).map(([module, { name, before = "{}" }]) => [
    join(DIST, "client", module),
    // What the client needs of it until it is used.
    `export class ${name} { constructor(...args) { return ${before}; } }`,
  ]),
);

const client: Plugin = {
  name: "client",
  enforce: "pre",
  async resolveId(source, importer) {
    if (source === "ringmq/client") return join(DIST, "client/index.js");
    if (importer?.startsWith(DIST) !== true || !source.startsWith(".")) return null;
    const resolved = await this.resolve(source, importer, { skipSelf: true });
    return resolved === null ? null : (REPLACED.get(resolved.id) ?? resolved);
  },
  load: (id) => standIns.get(id) ?? null,
  transform: (code, id) => (id.startsWith(DIST) ? code.replaceAll(LOOKS, "") : null),
};

export default defineConfig({
  root: join(ROOT, "src/console"),
  // It is served below whatever path a proxy has put it.
  base: "./",
  publicDir: false,
  plugins: [client],
  build: {
    outDir: join(DIST, "console"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { treeshake: { moduleSideEffects: (id) => !id.startsWith(DIST) } },
  },
  logLevel: "warn",
});
