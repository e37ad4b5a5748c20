/**
 * The programs in this project's documents, run as their readers run them: in a process of their own, in this project's
 * folder, where `ringmq` is this package.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT, readDocument } from "./project/document.js";

const run = promisify(execFile);

export interface DocumentedProgram {
  /** The heading above it. */
  readonly heading: string;
  readonly code: string;
  /** What it is said to print; undefined: the document does not say. */
  readonly output: string | undefined;
}

const PARTS = /^#+ ([^\n]*)$|^```js\n(.*?)^```\n(?:\n+```\n(.*?)^```\n)?/gms;

/** Those of a document, in their order. */
export const documentedPrograms = (path: string): DocumentedProgram[] => {
  const programs: DocumentedProgram[] = [];
  let heading = "";
  // The headings are those outside of programs: a pattern that begins at a program takes it whole.
  for (const [, title, code, output] of readDocument(path).matchAll(PARTS)) {
    if (title !== undefined) heading = title;
    else if (code !== undefined) programs.push({ heading, code, output });
  }
  return programs;
};

/** Runs it as an ES module and answers what it has printed. Rejects when it fails, or takes more than 20 seconds. */
export const printedBy = async (code: string): Promise<string> => {
  const args = ["--input-type=module", "-e", code];
  const { stdout } = await run(process.execPath, args, { cwd: ROOT, timeout: 20_000 });
  return stdout;
};
