/**
 * Built modules as text: what they import, and the declarations of an entry for programs that use `require`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { pathToFileURL } from "node:url";

/** What a module of JavaScript or of declarations names: in `from "…"`, `import "…"` and `import("…")`. */
const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)(["'])([^"'\n]+)\2/g;

/** The text with each specifier replaced by what `replace` returns for it. */
export const withSpecifiers = (text, replace) =>
  text.replaceAll(SPECIFIER, (_, before, quote, specifier) => `${before}${quote}${replace(specifier)}${quote}`);

/** The specifiers of a text. */
export const specifiers = (text) => [...text.matchAll(SPECIFIER)].map(([, , , specifier]) => specifier);

/** The modules of a folder, JavaScript and declarations, as paths in it. */
export const modulesIn = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /\.(?:d\.)?c?[jt]s$/.test(path));

/** The modules, as paths in `folder`, that these need, themselves among them. */
export const closure = (folder, entries) => {
  const found = new Set();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    for (const specifier of specifiers(readFileSync(join(folder, path), "utf8"))) {
      if (!specifier.startsWith(".")) continue;
      const target = posix.join(posix.dirname(path), specifier);
      open.push(path.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target);
    }
  }
  return [...found];
};

const isClass = (value) => typeof value === "function" && /^class\b/.test(String(value));

/**
 * The text of `x.d.cts`, which is beside `x.js`: the same declarations for a program that TypeScript compiles to CommonJS. They
 * are the types of the ES module, not others that look alike, because there is one copy of it in a process.
 */
export const commonTypes = async (entry) => {
  const module = `"./${posix.basename(entry)}" with { "resolution-mode": "import" }`;
  const lines = [`import type * as module from ${module};`, `export type * from ${module};`];
  for (const [name, value] of Object.entries(await import(pathToFileURL(entry)))) {
    lines.push(`export declare const ${name}: typeof module.${name};`);
    if (isClass(value)) lines.push(`export type ${name} = module.${name};`);
  }
  return `${lines.join("\n")}\n`;
};
