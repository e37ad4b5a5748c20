import { readdir, readFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "./document.js";

/** Folders whose files and rooms must not import one another in a circle. */
const ROOTS = ["src/client", "src/journal", "src/main", "src/shard", "src/workers"] as const;

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** `import … from`, `export … from`, `import "…"`, `import("…")`: of types as well. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g;

/** The files that a source imports by a relative path; `path` is its own. */
const importsOf = (path: string, source: string): string[] =>
  [...source.matchAll(IMPORT)]
    .map(([, module = ""]) => module)
    .filter((module) => module.startsWith("."))
    .map((module) => posix.join(dirname(path), module).replace(/\.js$/, ".ts"));

/** All files of src with what they import. */
const readGraph = async (): Promise<Graph> => {
  const graph = new Map<string, Set<string>>();
  for (const name of await readdir(join(ROOT, "src"), { recursive: true })) {
    if (!name.endsWith(".ts")) continue;
    const path = posix.join("src", name);
    graph.set(path, new Set(importsOf(path, await readFile(join(ROOT, path), "utf8"))));
  }
  return graph;
};

/** The room that a file is in: the folder right below the root; a file of the root itself is a room of its own. */
const roomOf = (root: string, path: string): string => {
  const [room = "", ...rest] = path.slice(root.length + 1).split("/");
  return rest.length === 0 ? path : `${root}/${room}`;
};

/** The same with rooms in place of the files below `root`. */
const roomsOf = (graph: Graph, root: string): Graph => {
  const rooms = new Map<string, Set<string>>();
  const nameOf = (path: string): string => (path.startsWith(`${root}/`) ? roomOf(root, path) : path);
  for (const [from, to] of graph) {
    const room = nameOf(from);
    const imports = rooms.get(room) ?? new Set();
    rooms.set(room, imports);
    for (const path of to) if (nameOf(path) !== room) imports.add(nameOf(path));
  }
  return rooms;
};

/** The shortest circle through `start`, as a way that ends where it began; undefined: there is none. */
const circleThrough = (graph: Graph, start: string): string | undefined => {
  const before = new Map<string, string>();
  const line = [start];
  for (let from = line.shift(); from !== undefined; from = line.shift()) {
    for (const to of graph.get(from) ?? []) {
      if (to === start) {
        const way = [start];
        for (let at: string | undefined = from; at !== undefined; at = before.get(at)) way.unshift(at);
        return way.join(" -> ");
      }
      if (before.has(to)) continue;
      before.set(to, from);
      line.push(to);
    }
  }
  return undefined;
};

/** The shortest circle through each file or room below `root`, each circle once. */
const circlesBelow = (graph: Graph, root: string): string[] => {
  const circles: string[] = [];
  const seen = new Set<string>();
  for (const start of [...graph.keys()].filter((path) => path.startsWith(`${root}/`)).sort()) {
    const circle = circleThrough(graph, start);
    if (circle === undefined) continue;
    const members = [...new Set(circle.split(" -> "))].sort().join();
    if (!seen.has(members)) circles.push(circle);
    seen.add(members);
  }
  return circles;
};

describe("imports run one way", () => {
  for (const root of ROOTS) {
    it(`between the files of ${root}`, async () => {
      const graph = await readGraph();
      expect([...graph.keys()].some((path) => path.startsWith(`${root}/`))).toBe(true);
      expect(circlesBelow(graph, root)).toEqual([]);
    });

    it(`between the rooms of ${root}`, async () => {
      expect(circlesBelow(roomsOf(await readGraph(), root), root)).toEqual([]);
    });
  }
});

describe("the search for circles", () => {
  const graphOf = (sources: Readonly<Record<string, string>>): Graph =>
    new Map(Object.entries(sources).map(([path, source]) => [path, new Set(importsOf(path, source))]));

  it("sees each form of an import", () => {
    const source = `import { a } from "./a.js";
      import type { B } from "../b.js";
      import {
        c,
      } from "./c/c.js";
      export * from "./d.js";
      export type { E } from "./e.js";
      import "./f.js";
      await import("./g.js");
      import { h } from "node:fs";`;
    const seen = ["src/x/a.ts", "src/b.ts", "src/x/c/c.ts", "src/x/d.ts", "src/x/e.ts", "src/x/f.ts", "src/x/g.ts"];
    expect(importsOf("src/x/y.ts", source)).toEqual(seen);
  });

  it("names a circle of files, once", () => {
    const graph = graphOf({
      "src/x/a.ts": `import "./b.js";`,
      "src/x/b.ts": `import type { C } from "./c.js";`,
      "src/x/c.ts": `export * from "./a.js";`,
      "src/x/d.ts": `import "./a.js";`,
    });
    expect(circlesBelow(graph, "src/x")).toEqual(["src/x/a.ts -> src/x/b.ts -> src/x/c.ts -> src/x/a.ts"]);
  });

  it("names a circle of rooms of which no file is in one", () => {
    const graph = graphOf({
      "src/x/x.ts": `import "./one/a.js";`,
      "src/x/one/a.ts": `import "../two/b.js";`,
      "src/x/two/b.ts": "",
      "src/x/two/c.ts": `import "../one/d.js";`,
      "src/x/one/d.ts": "",
    });
    expect(circlesBelow(graph, "src/x")).toEqual([]);
    expect(circlesBelow(roomsOf(graph, "src/x"), "src/x")).toEqual(["src/x/one -> src/x/two -> src/x/one"]);
  });
});
