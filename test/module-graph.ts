/** What a built module loads at once, as a browser or a bundler sees it. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The modules that are imported statically: by `import … from`, `export … from` and bare imports. */
export const importsOf = (text: string): string[] =>
  [...text.matchAll(/^\s*(?:import|export)\s(?:[^;]*?\sfrom\s*)?["']([^"']+)["']/gm)].map(([, name]) => name ?? "");

/** The files that a file imports, directly or not, and the packages that these import. */
export const moduleGraph = (entry: string): { readonly files: Set<string>; readonly packages: Set<string> } => {
  const files = new Set<string>();
  const packages = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const name of importsOf(readFileSync(file, "utf8"))) {
      if (name.startsWith(".")) open.push(join(dirname(file), name));
      else packages.add(name);
    }
  }
  return { files, packages };
};
