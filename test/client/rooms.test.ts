/**
 * The folders of src/client import one way, type-only imports included, and no files import each other in a circle.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const CLIENT = fileURLToPath(new URL("../../src/client/", import.meta.url));

/** Each room or file at the root, and its level. It imports only lower levels, and files of its own room. */
const LEVELS: Readonly<Record<string, number>> = {
  "index.ts": 6,
  "connect.ts": 5,
  "client.ts": 4,
  admin: 3,
  publish: 3,
  consume: 3,
  channels: 3,
  connection: 2,
  messages: 2,
  arguments: 1,
  base: 0,
};

const roomOf = (file: string): string => file.split("/")[0] ?? "";

/** The files of the client that a file names in imports and exports of any kind. */
const importsOf = (file: string, text: string): string[] =>
  [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)\.js"/g)]
    .map(([, name = ""]) => `${join(dirname(file), name)}.ts`)
    .filter((name) => !name.startsWith(".."));

const files = readdirSync(CLIENT, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const graph = new Map(files.map((file) => [file, importsOf(file, readFileSync(join(CLIENT, file), "utf8"))]));

/** A circle of files that is reached from a file, or undefined. */
const circleFrom = (file: string, path: readonly string[], done: Set<string>): readonly string[] | undefined => {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (done.has(file)) return undefined;
  for (const next of graph.get(file) ?? []) {
    const circle = circleFrom(next, [...path, file], done);
    if (circle !== undefined) return circle;
  }
  done.add(file);
  return undefined;
};

it("every room has a level", () => {
  expect([...new Set(files.map(roomOf))].toSorted()).toEqual(Object.keys(LEVELS).toSorted());
});

it("a room imports only those below it", () => {
  const upward = [...graph].flatMap(([file, names]) =>
    names
      .filter((name) => roomOf(name) !== roomOf(file) && Number(LEVELS[roomOf(name)]) >= Number(LEVELS[roomOf(file)]))
      .map((name) => `${file} imports ${name}`),
  );
  expect(upward).toEqual([]);
});

it("no files import each other in a circle", () => {
  const done = new Set<string>();
  expect(files.map((file) => circleFrom(file, [], done)).filter((circle) => circle !== undefined)).toEqual([]);
});

it("sees every kind of import", () => {
  const text = `import type { A } from "./a.js";\nexport { b } from "../base/b.js";\nawait import("./c.js");\nimport {\n  d,\n} from "./d.js";`;
  expect(importsOf("publish/x.ts", text)).toEqual(["publish/a.ts", "base/b.ts", "publish/c.ts", "publish/d.ts"]);
  expect(graph.get("client.ts")?.length).toBeGreaterThan(10);
});
