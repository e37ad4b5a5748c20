/**
 * Makes the thread of a shard one file, `dist/workers/shard-thread.bundle.js`, with all that `shard-thread.js` imports of the project. A
 * thread that has to look for two hundred modules takes twice as long to start, and one starts whenever a broker does or a shard has
 * ended.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const WORKERS = join(DIST, "workers");

/** What the compiler has written, with its map: a trace tells the place in the source. */
const compiled = {
  name: "compiled",
  load: (id) => {
    const code = readFileSync(id, "utf8");
    return { code, map: readFileSync(`${id}.map`, "utf8") };
  },
};

const bundle = await rolldown({
  input: join(WORKERS, "shard-thread.js"),
  platform: "node",
  external: (id) => !/^[./]/.test(id),
  plugins: [compiled],
});
await bundle.write({ file: join(WORKERS, "shard-thread.bundle.js"), format: "esm", sourcemap: true });
await bundle.close();
