/**
 * Programs of Debian for tests: fetched and unpacked into the project's cache. They are not installed, so that no service starts and
 * nothing of the machine changes.
 */
import { execFile } from "node:child_process";
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./project/document.js";

/** For a `beforeAll` that fetches a package: up to a hundred megabytes from a slow mirror. */
export const FETCH_TIMEOUT = 180_000;

const CACHES = join(ROOT, "node_modules", ".cache");

const run = promisify(execFile);

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The package, and those that it needs and this machine lacks. */
const missing = async (name: string): Promise<string[]> => {
  const { stdout } = await run("apt-get", ["install", "--simulate", "--no-install-recommends", name]);
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, each = ""]) => each);
};

/**
 * The folder in which the package is unpacked, with what it needs if that is asked for. Rejects when apt-get is not there, or
 * cannot fetch.
 */
export const debianPackage = async (name: string, withDependencies = false): Promise<string> => {
  const cache = join(CACHES, `ringmq-${name}`);
  if (await exists(cache)) return cache;
  await mkdir(CACHES, { recursive: true });
  const folder = await mkdtemp(`${cache}-`);
  try {
    // apt-get drops to a user of its own while it downloads.
    await chmod(folder, 0o777);
    const download = async (): Promise<void> => {
      const names = withDependencies ? await missing(name) : [name];
      await run("apt-get", ["download", ...names], { cwd: folder });
    };
    await download().catch(async () => {
      // A fresh machine has no lists of packages yet.
      await run("apt-get", ["update"]);
      await download();
    });
    for (const file of await readdir(folder)) {
      if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", join(folder, file), join(folder, "unpacked")]);
    }
    // Another test may have been faster.
    if (!(await exists(cache))) await rename(join(folder, "unpacked"), cache);
  } catch (error) {
    if (!(await exists(cache))) throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return cache;
};
