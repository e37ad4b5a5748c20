import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Backups } from "../../../src/main/data/backup.js";
import { SILENT } from "../../../src/main/log.js";
import { resolveOptions } from "../../../src/main/options.js";
import type { JobPool } from "../../../src/main/shards/job-pool.js";
import type { JobOutcome } from "../../../src/workers/jobs/job.js";

describe("a backup under which the broker stops", () => {
  it("has been removed when none is being made any more", async () => {
    const root = mkdtempSync(join(tmpdir(), "ringmq-backup-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const out = join(root, "out");
    let cutOff = (): void => {};
    const pool: Pick<JobPool, "run"> = {
      run: (job) =>
        new Promise((resolve) => {
          expect(job).toEqual({ job: "begin directory", path: out, shards: 1 });
          const outcome: JobOutcome & { readonly ok: false } = {
            ok: false,
            error: { name: "Error", message: "cut off" },
          };
          cutOff = () => resolve(outcome);
          begun();
        }),
    };
    let begun = (): void => {};
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const backups = new Backups(resolveOptions({ shards: 1 }), { life: () => undefined }, pool);
    await backups.settled();
    const backup = backups.run({ isTcp: true }, out);
    await isBegun;
    expect(existsSync(out)).toBe(true);
    let isSettled = false;
    const settled = backups.settled().then(() => {
      isSettled = true;
    });
    await Promise.resolve();
    expect(isSettled).toBe(false);
    cutOff();
    await settled;
    expect(existsSync(out)).toBe(false);
    await expect(backup).rejects.toMatchObject({ kind: "BACKUP_FAILED" });
  });
});

describe("a backup that fails", () => {
  const failingPool: Pick<JobPool, "run"> = {
    run: async () => ({ ok: false, error: { name: "Error", message: "no\nroom" } }),
  };

  it("is a refusal though what it left cannot be removed, and the log says both", async () => {
    const root = mkdtempSync(join(tmpdir(), "ringmq-backup-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const lines: string[] = [];
    const log = {
      ...SILENT,
      error: (fields: object, text: string) => void lines.push("why" in fields ? `${text}: ${fields.why}` : text),
    };
    const remove = (): Promise<void> => Promise.reject(new Error("EBUSY"));
    const backups = new Backups(resolveOptions({ shards: 1, log }), { life: () => undefined }, failingPool, remove);
    await expect(backups.run({ isTcp: true }, join(root, "out"))).rejects.toMatchObject({
      kind: "BACKUP_FAILED",
      message: "there is no backup: no\\nroom",
    });
    expect(lines).toEqual([
      "a backup failed: there is no backup: no\\nroom",
      expect.stringMatching(/cannot be removed/),
    ]);
    await backups.settled();
  });

  it("says what is wrong with a directory that cannot be made", async () => {
    const backups = new Backups(resolveOptions({ shards: 1 }), { life: () => undefined }, failingPool);
    const there = mkdtempSync(join(tmpdir(), "ringmq-backup-"));
    onTestFinished(() => rmSync(there, { recursive: true }));
    writeFileSync(join(there, "file"), "");
    for (const [path, words] of [
      [there, "exists: give the name of a new directory"],
      [join(there, "missing", "new"), "cannot be made: the directory that it is to be in is not there"],
      [join(there, "file", "new"), "cannot be made: what it is to be in is a file"],
    ] as const) {
      await expect(backups.run({ isTcp: true }, path)).rejects.toThrow(`there is no backup: ${path} ${words}`);
    }
  });

  it("shows a path on one line", async () => {
    const backups = new Backups(resolveOptions({ shards: 1 }), { life: () => undefined }, failingPool);
    for (const path of ["rel\native\u001b", "/nosuch-parent/x\ny"]) {
      const outcome = backups.run({ isTcp: true }, path);
      const refused = outcome instanceof Promise ? await outcome.catch((error: Error) => error.message) : outcome.text;
      expect(refused).toMatch(/not an absolute path|cannot be made/);
      expect(refused).not.toMatch(/\p{Cc}/u);
    }
  });
});
