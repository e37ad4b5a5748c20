/** Directories that tests make and remove. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const makeDirectory = (): string => mkdtempSync(join(tmpdir(), "ringmq-test-"));

export const removeDirectory = (path: string): void => rmSync(path, { recursive: true, force: true });
