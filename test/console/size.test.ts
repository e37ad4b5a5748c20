/** What a browser loads of the console. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { ROOT } from "../project/document.js";

/** Bytes of all of it, each file compressed. */
const MOST = 150 * 1024;

const PAGE = join(ROOT, "dist/console");

const files = readdirSync(PAGE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

it("is small", () => {
  const sizes = files.map((file) => gzipSync(readFileSync(file), { level: 9 }).length);
  const sum = sizes.reduce((all, size) => all + size, 0);
  console.log(`${files.length} files, ${sum} bytes compressed`);
  expect(sum).toBeLessThanOrEqual(MOST);
});

it("loads nothing from elsewhere, and makes no code and no markup out of text", () => {
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    expect(text, file).not.toMatch(/\beval\(|\bnew Function\(|\.insertAdjacentHTML\(|document\.write\(/);
    // Namespaces are names.
    const urls = [...text.matchAll(/https?:\/\/[\w.-]+/g)].map(([url]) => url).filter((url) => !/w3\.org$/.test(url));
    expect(urls, file).toEqual([]);
  }
});
