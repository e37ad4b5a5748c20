/**
 * The client in a browser: until it opens a transport, it loads only its own files.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { importsOf, moduleGraph } from "../module-graph.js";

const ENTRY = fileURLToPath(new URL("../../dist/client/index.js", import.meta.url));

it("needs no package, and neither Node nor native code", () => {
  const { files, packages } = moduleGraph(ENTRY);
  expect([...packages]).toEqual([]);
  const own = [...files].map((file) => file.slice(dirname(dirname(ENTRY)).length + 1));
  expect(own).toContain("client/publish/publisher.js");
  expect(own.filter((file) => !/^(client|collections|protocol|registry\/discovery|servers)\//.test(file))).toEqual([]);
  expect(own.filter((file) => file.includes("tcp"))).toEqual([]);
});

it("sees what it looks for", () => {
  const text = `import a from "x";\nimport "y";\nexport * from 'z';\nimport {\n  b,\n} from "w";\nawait import("later");\n`;
  expect(importsOf(text)).toEqual(["x", "y", "z", "w"]);
});
