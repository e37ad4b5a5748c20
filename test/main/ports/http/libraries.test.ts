/** The main thread names its HTTP libraries in the files of their engines alone. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ROOT } from "../../../project/document.js";

const MAIN = `${ROOT}src/main/`;
const ENGINES = /^ports\/http\/(?:uws|node)[^/]*\.ts$/;

it.each([
  ["uWebSockets.js", /^ports\/http\/uws\.ts$/],
  ["ws", ENGINES],
  ["node:http", ENGINES],
  ["node:https", ENGINES],
])("%s", (library, where) => {
  const naming = readdirSync(MAIN, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && readFileSync(MAIN + file, "utf8").includes(`"${library}"`))
    .map((file) => file.replaceAll("\\", "/"));
  expect(naming.length).toBeGreaterThan(0);
  expect(naming.filter((file) => !where.test(file))).toEqual([]);
});
