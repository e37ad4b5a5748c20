import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { ROOT } from "./document.js";

const FOLDERS = ["src", "packages", "test", "bench", "deploy", "docs", "proto", ".ci"];

/** The project's own text files, as paths from its root. */
const files = async (): Promise<string[]> => {
  const top = await readdir(ROOT, { withFileTypes: true });
  // `.git` is a file in a second working tree.
  const isOwn = (name: string): boolean => name !== ".git" && !name.endsWith(".cpuprofile");
  const own = top.filter((entry) => entry.isFile() && isOwn(entry.name)).map((entry) => entry.name);
  for (const folder of FOLDERS) {
    const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
    own.push(
      ...entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
        .filter((path) => !/\/(node_modules|build|dist)\//.test(path)),
    );
  }
  return own;
};

it("nothing that is installed or built is in the repository", async () => {
  // A link to node_modules that is checked out takes the place of the folder and all that is in it.
  const folders = ["node_modules", "dist", "build", "packages/client/dist"];
  const listed = await promisify(execFile)("git", ["ls-files", "--", ...folders], { cwd: ROOT }).catch(() => undefined);
  // An archive of the project is no repository.
  expect(listed?.stdout ?? "").toBe("");
});

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
      // A folder of what is built.
      if (path?.endsWith("/")) continue;
      const target = join(file, "..", path ?? "").replace(/(?:\.bundle)?\.(c?)js$/, ".$1ts");
      if (!own.includes(target)) missing.push(`${file}: ${path}`);
    }
  }
  expect(missing).toEqual([]);
});

it("a document that begins with its contents lists all of its sections, in their order", async () => {
  for (const document of (await files()).filter((name) => name.endsWith(".md"))) {
    const text = (await readFile(join(ROOT, document), "utf8")).replaceAll(/^```.*?^```/gms, "");
    const sections = [...text.matchAll(/^## (.*)$/gm)].map(([, title = ""]) => title);
    const [beginning = ""] = text.split(/^## /m);
    const contents = [...beginning.matchAll(/^- \[(.*)\]\(#.*\)$/gm)].map(([, title]) => title);
    if (contents.length > 0) expect(contents, document).toEqual(sections);
  }
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

/** The most lines of a source file: what is longer is two things. */
const MAX_LINES = 450;

/** The most folders a source file may be in, src among them: `src/main/front-ends/gmq/http`. */
const MAX_DEPTH = 5;

it("each source file begins by saying what it is, is no longer than it may be, and lies no deeper", async () => {
  const wrong: string[] = [];
  for (const file of (await files()).filter((name) => name.startsWith("src/"))) {
    const text = await readFile(join(ROOT, file), "utf8");
    const hasComments = /\.(?:tsx?|css)$/.test(file);
    if (hasComments && !/^(?:#!.*\n)?\/\*\*[\s*]*[\w`]/.test(text)) wrong.push(`${file}: begins with no doc comment`);
    const lines = text.trimEnd().split("\n").length;
    if (lines > MAX_LINES) wrong.push(`${file}: ${lines} lines`);
    if (file.split("/").length - 1 > MAX_DEPTH) wrong.push(`${file}: too deep`);
  }
  expect(wrong).toEqual([]);
});

/** The anchors of a document's headings, as the places that show Markdown make them: equal ones are numbered. */
const headings = async (document: string): Promise<string[]> => {
  const seen = new Map<string, number>();
  return [...(await readFile(join(ROOT, document), "utf8")).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => {
    const anchor = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
      .replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
};
