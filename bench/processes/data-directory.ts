/**
 * A new directory for the data of one broker. It is removed after the run, and when the benchmark ends during one.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
// Registered first, so that at exit brokers are killed before their directories are removed.
import "./children.js";

const PREFIX = "ringmq-bench-";
const SEGMENT = ".seg";
const MIB = 1024 ** 2;
/** A broker that was killed may still write for a moment while its directory is removed. */
const RETRIES = 5;

const open = new Set<string>();

const remove = (path: string): void => {
  rmSync(path, { recursive: true, force: true, maxRetries: RETRIES });
  open.delete(path);
};

process.once("exit", () => {
  for (const path of open) remove(path);
});

export class DataDirectory implements Disposable {
  private constructor(readonly path: string) {}

  /** Makes one in `parent`, whose file system must have `bytes` free: no disk should fill up during a run. */
  static make(parent: string, bytes: number): DataDirectory {
    const { bavail, bsize } = statfsSync(parent);
    if (bavail * bsize < bytes) {
      const [need, free] = [bytes, bavail * bsize].map((each) => Math.ceil(each / MIB).toLocaleString("en"));
      throw new Error(`${parent} has ${free} MiB free, and ${need} MiB are needed: --data names another directory`);
    }
    const path = mkdtempSync(join(parent, PREFIX));
    open.add(path);
    return new DataDirectory(path);
  }

  /** Bytes of the journal's segments, including what is preallocated; without spare files. */
  segmentBytes(): number {
    return this.#files()
      .filter((file) => file.endsWith(SEGMENT))
      .reduce((sum, file) => sum + statSync(file).size, 0);
  }

  /**
   * Drops the files from the system's page cache, so that they are read from the disk next. Only GNU dd can do that
   * without root: returns false when it is missing.
   */
  dropFromPageCache(): boolean {
    try {
      for (const file of this.#files()) {
        execFileSync("dd", [`of=${file}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"], {
          stdio: "ignore",
        });
      }
      return true;
    } catch {
      return false;
    }
  }

  [Symbol.dispose](): void {
    remove(this.path);
  }

  #files(): string[] {
    const entries = readdirSync(this.path, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }
}
