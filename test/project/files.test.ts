import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cell, ROOT, readDocument, section, tableRows } from "./document.js";

const FOLDERS = ["src", "test", "bench", "docs", ".ci"];

/** The project's own text files, as paths from its root. */
const files = async (): Promise<string[]> => {
  const top = await readdir(ROOT, { withFileTypes: true });
  const own = top.filter((entry) => entry.isFile() && !entry.name.endsWith(".cpuprofile")).map((entry) => entry.name);
  for (const folder of FOLDERS) {
    const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
    own.push(
      ...entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length)),
    );
  }
  return own;
};

it("no file names a folder of the machine it was written on", async () => {
  const path = /(?<![\w.)\]}/-])\/(?:home|root|work|Users|mnt)\/[\w.-]/;
  const found: string[] = [];
  for (const file of await files()) {
    const lines = (await readFile(join(ROOT, file), "utf8")).split("\n");
    for (const [i, line] of lines.entries()) if (path.test(line)) found.push(`${file}:${i + 1}: ${line.trim()}`);
  }
  expect(found).toEqual([]);
});

it("a program or a thread that is started by its path is there", async () => {
  // A path in a string is not seen by the compiler: a renamed file would be missed at run time only.
  const missing: string[] = [];
  const own = await files();
  for (const file of own.filter((name) => name.startsWith("src/") && name.endsWith(".ts"))) {
    const text = await readFile(join(ROOT, file), "utf8");
    for (const [, path] of text.matchAll(/new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url/g)) {
      const target = join(file, "..", path ?? "").replace(/\.js$/, ".ts");
      if (!own.includes(target)) missing.push(`${file}: ${path}`);
    }
  }
  expect(missing).toEqual([]);
});

it("a link in a document leads to a file or a heading that is there", async () => {
  const own = await files();
  const broken: string[] = [];
  for (const document of own.filter((name) => name.endsWith(".md"))) {
    const text = (await readFile(join(ROOT, document), "utf8")).replaceAll(/^```.*?^```/gms, "");
    for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? document : join(document, "..", path);
      if (!own.some((name) => name === target || name.startsWith(`${target.replace(/\/$/, "")}/`))) broken.push(link);
      else if (anchor !== undefined && !(await headings(target)).includes(anchor)) broken.push(link);
    }
  }
  expect(broken).toEqual([]);
});

it("a document or a test that a comment names is there", async () => {
  const own = await files();
  const missing: string[] = [];
  for (const file of own.filter((name) => /^(src|bench|test)\/.*\.ts$/.test(name))) {
    for (const [path] of (await readFile(join(ROOT, file), "utf8")).matchAll(
      /\b(?:docs|test)\/[\w/.-]+\.(?:md|ts)\b/g,
    )) {
      if (!own.includes(path)) missing.push(`${file}: ${path}`);
    }
  }
  expect(missing).toEqual([]);
});

it("every source file is on the map of docs/architecture.md, and nothing else is", async () => {
  const map = section(readDocument("docs/architecture.md"), "The files");
  const charted = [...map.matchAll(/^### (\S+)$/gm)].flatMap(([, folder = ""]) =>
    tableRows(section(map, folder)).flatMap((row) =>
      cell(row, "file")
        .split(", ")
        .map((name) => `${folder}/${name}`),
    ),
  );
  const sources = (await files()).filter((name) => name.startsWith("src/") && name !== "src/index.ts");
  expect(charted.sort()).toEqual(sources.sort());
});

/** The anchors of a document's headings, as the places that show Markdown make them. */
const headings = async (document: string): Promise<string[]> =>
  [...(await readFile(join(ROOT, document), "utf8")).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
