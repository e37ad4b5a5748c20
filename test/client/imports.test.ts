/**
 * The client in a browser: until it opens a transport, it loads only its own files.
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ENTRY = fileURLToPath(new URL("../../dist/client/index.js", import.meta.url));

/** The modules that are imported statically: by `import … from`, `export … from` and bare imports. */
const importsOf = (text: string): string[] =>
  [...text.matchAll(/^\s*(?:import|export)\s(?:[^;]*?\sfrom\s*)?["']([^"']+)["']/gm)].map(([, name]) => name ?? "");

/** The files that a file imports, directly or not, and the packages that these import. */
const graph = async (entry: string): Promise<{ readonly files: Set<string>; readonly packages: Set<string> }> => {
  const files = new Set<string>();
  const packages = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const name of importsOf(await readFile(file, "utf8"))) {
      if (name.startsWith(".")) open.push(join(dirname(file), name));
      else packages.add(name);
    }
  }
  return { files, packages };
};

it("needs no package, and neither Node nor native code", async () => {
  const { files, packages } = await graph(ENTRY);
  expect([...packages]).toEqual([]);
  const own = [...files].map((file) => file.slice(dirname(dirname(ENTRY)).length + 1));
  expect(own).toContain("client/publish/publisher.js");
  expect(own.filter((file) => !/^(client|collections|protocol|registry\/discovery|servers)\//.test(file))).toEqual([]);
  expect(own.filter((file) => file.includes("tcp"))).toEqual([]);
});

it("what it loads later is pure JavaScript in a bundle for browsers", async () => {
  const root = dirname(dirname(dirname(ENTRY)));
  const { browser } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const { files } = await graph(ENTRY);
  const later: string[] = [];
  for (const file of files) {
    for (const [, name = ""] of (await readFile(file, "utf8")).matchAll(/\bimport\("([^"]+)"\)/g)) {
      const path = `./${join(dirname(file), name).slice(root.length + 1)}`;
      later.push(join(root, browser[path] ?? path));
    }
  }
  expect(later.map((file) => file.slice(dirname(ENTRY).length + 1))).toEqual([
    "connection/no-tcp-transport.js",
    "connection/websocket-transport.js",
  ]);
  for (const file of later) expect([...(await graph(file)).packages]).toEqual([]);
});

it("sees what it looks for", () => {
  const text = `import a from "x";\nimport "y";\nexport * from 'z';\nimport {\n  b,\n} from "w";\nawait import("later");\n`;
  expect(importsOf(text)).toEqual(["x", "y", "z", "w"]);
});
