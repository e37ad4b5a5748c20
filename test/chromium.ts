/**
 * Chromium for tests: one on the PATH, else Debian's, without a window.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { onTestFinished } from "vitest";
import { debianPackage, exists } from "./debian-package.js";
import { makeDirectory, removeDirectory } from "./directories.js";

const NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];

interface Program {
  readonly path: string;
  /** Where it finds libraries that the machine lacks. */
  readonly libraries: readonly string[];
}

/** Rejects where there is none and none can be fetched. */
export const findChromium = async (): Promise<Program> => {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of NAMES) {
      const path = join(directory, name);
      if (await exists(path)) return { path, libraries: [] };
    }
  }
  const folder = await debianPackage("chromium-headless-shell", true);
  const libraries = join(folder, "usr", "lib", `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`);
  return {
    path: join(folder, "usr/lib/chromium/chromium-headless-shell"),
    libraries: [libraries, join(libraries, "pulseaudio"), join(folder, "usr/lib/chromium")],
  };
};

/** Shows a page until the test ends. */
export const openPage = ({ path, libraries }: Program, url: string): ChildProcess => {
  const profile = makeDirectory();
  // Its sandbox does not run as root, nor in most containers.
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    `--user-data-dir=${profile}`,
  ];
  const env = { ...process.env, LD_LIBRARY_PATH: [...libraries, process.env["LD_LIBRARY_PATH"] ?? ""].join(delimiter) };
  const child = spawn(path, [...flags, "--remote-debugging-port=0", url], { stdio: "ignore", env });
  onTestFinished(async () => {
    const exit = once(child, "exit");
    if (child.exitCode === null && child.signalCode === null && child.kill("SIGTERM")) await exit;
    removeDirectory(profile);
  });
  return child;
};
