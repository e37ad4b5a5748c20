/**
 * The files of the page: those that the build has put into a directory. All are read at once and stay in memory, so that a
 * program goes on to serve the page that it was started with when its package is replaced: an open page asks for parts by names
 * that the next build does not have.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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
  readonly #bytes: Buffer;
  #content: Promise<Content> | undefined;

  /** `name`: as in `assets/index-Bd3f.js`. */
  constructor(
    readonly name: string,
    bytes: Buffer,
  ) {
    this.type = TYPES[extname(name)] ?? "application/octet-stream";
    this.#bytes = bytes;
  }

  /** Its name changes with what is in it. */
  get isImmutable(): boolean {
    return this.name.startsWith("assets/");
  }

  /** Compresses it, the first time. */
  content(): Promise<Content> {
    this.#content ??= this.#represent();
    return this.#content;
  }

  async #represent(): Promise<Content> {
    const bytes = this.#bytes;
    const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 16);
    const compressed = await compress(bytes, { level: LEVEL });
    const isShorter = compressed.length < bytes.length;
    return {
      plain: { bytes, tag: `"${hash}"` },
      gzip: isShorter ? { bytes: compressed, tag: `"${hash}-gzip"` } : undefined,
    };
  }
}

/** The files of a page, as they are now; none where the page is not built. */
export const pageFiles = (directory: URL = PAGE): readonly PageFile[] => {
  const path = fileURLToPath(directory);
  if (!existsSync(path)) return [];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => fileIn(path, `${entry.parentPath}/${entry.name}`));
};

const fileIn = (directory: string, path: string): PageFile =>
  new PageFile(path.slice(directory.length).replaceAll("\\", "/").replace(/^\//, ""), readFileSync(path));
