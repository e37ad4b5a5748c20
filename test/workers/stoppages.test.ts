import { describe, expect, it } from "vitest";
import { Stoppages } from "../../src/workers/stoppages.js";

const fault = (code: string): { readonly code: string } => ({ code });

describe("what stops a journal", () => {
  const stoppages = new Stoppages(() => ({ bavail: 0, files: 100, ffree: 100 }));

  it.each([
    ["ENOSPC", "DISK_FULL", "the disk is full: free some space, or acknowledge messages, and publish again"],
    ["EDQUOT", "DISK_FULL", "quota"],
    ["EMFILE", "OUT_OF_DESCRIPTORS", "ulimit -n"],
    ["ENFILE", "OUT_OF_DESCRIPTORS", "ulimit -n"],
    ["EROFS", "DISK_FAULT", "read-only"],
    ["EACCES", "DISK_FAULT", "may not write to its data directory"],
    ["EPERM", "DISK_FAULT", "may not write to its data directory"],
    ["EFBIG", "DISK_FAULT", "ulimit -f"],
    ["ENOENT", "DISK_FAULT", "is not there"],
    ["EIO", "DISK_FAULT", "(EIO)"],
  ])("%s is refused as %s, with what to do", (code, kind, words) => {
    const { kind: found, text } = stoppages.of(fault(code));
    expect(found).toBe(kind);
    expect(text).toContain(words);
  });

  it("is taken for want of space when nobody knows", () => {
    expect(stoppages.of(undefined)).toMatchObject({ kind: "DISK_FULL", cause: "the disk is full" });
    expect(stoppages.of({})).toMatchObject({ kind: "DISK_FULL", cause: "the disk is full" });
  });
});

describe("no space left", () => {
  const causeOf = (bavail: number, files: number, ffree: number): string =>
    new Stoppages(() => ({ bavail, files, ffree })).of(fault("ENOSPC")).cause;

  it("is want of inodes where there is space and no inode", () => {
    expect(causeOf(10, 100, 0)).toContain("inodes");
    expect(causeOf(0, 100, 0)).toBe("the disk is full");
    expect(causeOf(10, 100, 1)).toBe("the disk is full");
    // A file system that makes inodes as it needs them.
    expect(causeOf(10, 0, 0)).toBe("the disk is full");
  });

  it("is want of space where the file system cannot be asked, which it is once for each fault", () => {
    let asked = 0;
    const stoppages = new Stoppages(() => {
      asked++;
      throw new Error("it is gone");
    });
    const first = fault("ENOSPC");
    for (let i = 0; i < 3; i++) expect(stoppages.of(first).cause).toBe("the disk is full");
    stoppages.of(fault("ENOSPC"));
    expect(asked).toBe(2);
  });
});
