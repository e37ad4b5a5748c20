/**
 * The console in Chromium. Every page is watched: what it logs as an error, what its policy refuses, and what it asks of anybody but its
 * own server fails the test, unless that says it may.
 */
import { delimiter } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from "vitest";
import { findChromium } from "../chromium.js";
import { FETCH_TIMEOUT } from "../debian-package.js";

declare global {
  interface Window {
    /** Set by code that came in a name or a body. */
    hacked?: unknown;
    /** Set by a test: the page has not been loaded anew. */
    mark?: unknown;
    /** What a test has put there. */
    axe: typeof import("axe-core");
  }
}

/** What the page does not do within this, it does not do. Milliseconds. */
const TIMEOUT = 10_000;

let browser: Browser | undefined;
afterAll(() => browser?.close());

/** Rejects where there is no Chromium. */
const launch = async (): Promise<Browser> => {
  const { path, libraries } = await findChromium();
  const before = process.env["LD_LIBRARY_PATH"] ?? "";
  return chromium.launch({
    executablePath: path,
    // Its sandbox does not run as root, nor in most containers.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    env: { ...process.env, LD_LIBRARY_PATH: [...libraries, before].join(delimiter) },
  });
};

/** Launches it for the tests of a file, which are skipped where there is none. To be called once, at the top. */
export const useBrowser = (): void => {
  let missing: string | undefined;
  beforeAll(async () => {
    try {
      browser = await launch();
    } catch (error) {
      missing = `there is no Chromium: ${error}`;
    }
  }, FETCH_TIMEOUT);
  beforeEach((context) => {
    if (missing !== undefined) context.skip(missing);
  });
};

export interface OpenOptions extends Pick<BrowserContextOptions, "colorScheme" | "locale" | "viewport"> {
  /** Errors that the browser may log: its own, of a server that is gone or refuses. */
  readonly mayLog?: RegExp;
}

/** Opens the console of a broker, `#/…` of it, until the test ends. */
export const openConsole = async (
  port: number,
  hash = "#/",
  { mayLog, ...options }: OpenOptions = {},
): Promise<Page> => {
  if (browser === undefined) throw new Error("useBrowser comes first");
  const origin = `http://127.0.0.1:${port}`;
  const context = await browser.newContext({ locale: "en-US", ...options });
  context.setDefaultTimeout(TIMEOUT);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error.stack)));
  page.on("console", (message) => {
    const told = message.text();
    if (message.type() === "error" && mayLog?.test(told) !== true) faults.push(told);
  });
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && host !== new URL(origin).host) faults.push(`asked ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error(`policy: ${violatedDirective} ${blockedURI}`),
    );
  });
  onTestFinished(async () => {
    const hacked = await page.evaluate(() => window.hacked).catch(() => undefined);
    await context.close();
    expect(faults).toEqual([]);
    expect(hacked).toBeUndefined();
  });
  await page.goto(`${origin}/console/${hash}`);
  return page;
};
