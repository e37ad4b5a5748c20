import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { claimDirectory, leaveDirectory, TortureDirectoryError } from "../../src/torture/torture-directory.js";
import { ROOT } from "../project/document.js";

const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "ringmq-torture-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
};

it("a directory with anything in it is refused and left as it is", () => {
  const directory = temporary();
  for (const name of ["ringmq.json", "data", "notes"]) {
    const of = join(directory, name);
    mkdirSync(join(of, name), { recursive: true });
    expect(() => claimDirectory(of, 1)).toThrow(TortureDirectoryError);
    expect(() => claimDirectory(of, 1)).toThrow(`it has "${name}"`);
    expect(readdirSync(of)).toEqual([name]);
  }
});

it("a new directory is made, that of an earlier torture is cleared, and after a good end nothing is left in it", () => {
  const directory = join(temporary(), "a", "b");
  const place = claimDirectory(directory, 1);
  mkdirSync(place.data);
  writeFileSync(join(place.data, "segment"), "x");
  writeFileSync(place.log, "x");
  expect(claimDirectory(directory, 2)).toEqual(place);
  expect(existsSync(place.data)).toBe(false);
  expect(existsSync(place.log)).toBe(false);
  mkdirSync(place.data);
  leaveDirectory(directory, place);
  expect(readdirSync(directory)).toEqual([]);
});

it("a directory that cannot be made is an error and not an endless attempt", () => {
  for (const directory of ["/proc/ringmq", "/proc/ringmq/deeper", "/dev/null/ringmq"]) {
    // In another process, since an endless loop would block this one.
    const child = spawnSync(process.execPath, ["dist/cli/ringmq.js", "torture", "--data", directory], {
      cwd: ROOT,
      encoding: "utf8",
      timeout: 10_000,
    });
    expect([child.status, child.stderr]).toEqual([2, expect.stringMatching(/^error: E[A-Z]+: .*\n$/)]);
  }
});
