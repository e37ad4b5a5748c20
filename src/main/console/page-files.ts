/**
 * The files of the page: those that the build has put into a directory. They are read when they are first asked for, and stay
 * in memory, compressed.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** Where the build puts them. */
export const PAGE = new URL("../../../dist/console/", import.meta.url);

const compress = promisify(gzip);

/** The best there is: once for each file. */
const LEVEL = 9;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

/** What a browser gets of a file. */
export interface Representation {
  readonly bytes: Buffer;
  readonly tag: string;
}

export interface Content {
  readonly plain: Representation;
  /** Undefined: it would be no shorter. */
  readonly gzip: Representation | undefined;
}

export class PageFile {
  readonly type: string;
  readonly #path: string;
  #content: Promise<Content> | undefined;

  /** `name`: as in `assets/index-Bd3f.js`. */
  constructor(
    readonly name: string,
    path: string,
  ) {
    this.type = TYPES[extname(name)] ?? "application/octet-stream";
    this.#path = path;
  }

  /** Its name changes with what is in it. */
  get isImmutable(): boolean {
    return this.name.startsWith("assets/");
  }

  /** Reads it, the first time. */
  content(): Promise<Content> {
    this.#content ??= this.#read().catch((error: unknown) => {
      this.#content = undefined;
      throw error;
    });
    return this.#content;
  }

  async #read(): Promise<Content> {
    const bytes = await readFile(this.#path);
    const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 16);
    const compressed = await compress(bytes, { level: LEVEL });
    const isShorter = compressed.length < bytes.length;
    return {
      plain: { bytes, tag: `"${hash}"` },
      gzip: isShorter ? { bytes: compressed, tag: `"${hash}-gzip"` } : undefined,
    };
  }
}

/** The files of a page; none where the page is not built. Only what is there now is served. */
export const pageFiles = (directory: URL = PAGE): readonly PageFile[] => {
  const path = fileURLToPath(directory);
  if (!existsSync(path)) return [];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => fileIn(path, `${entry.parentPath}/${entry.name}`));
};

const fileIn = (directory: string, path: string): PageFile =>
  new PageFile(path.slice(directory.length).replaceAll("\\", "/").replace(/^\//, ""), path);
