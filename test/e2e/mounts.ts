/** File systems of their own, for tests of what a disk can do: really small, really full. */
import { execFileSync } from "node:child_process";
import { onTestFinished, type TestContext } from "vitest";
import { testDirectory } from "./brokers.js";

/** What only root may do. Skips the test, with the reason, where this user may not do it. */
export const privileged = (context: TestContext, program: string, ...args: readonly string[]): string => {
  try {
    return execFileSync(program, args, { stdio: "pipe" }).toString();
  } catch (error) {
    return context.skip(`${program} is not allowed: ${String(error)}`);
  }
};

/** A file system, mounted as `mount` is told and gone when the test ends; skips the test where none can be mounted. */
export const mounted = (context: TestContext, ...args: readonly string[]): string => {
  const directory = testDirectory();
  privileged(context, "mount", ...args, directory);
  onTestFinished(() => {
    // Files may still be open: it goes when they are closed.
    execFileSync("umount", ["-l", directory]);
  });
  return directory;
};

/** One in memory, such as `size=16m`. */
export const mountedTmpfs = (context: TestContext, options: string): string =>
  mounted(context, "-t", "tmpfs", "-o", options, "tmpfs");
