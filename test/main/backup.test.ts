import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Backups } from "../../src/main/backup.js";
import { resolveOptions } from "../../src/main/options.js";
import type { JobPool } from "../../src/main/pool.js";
import type { JobOutcome } from "../../src/workers/jobs/job.js";

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
