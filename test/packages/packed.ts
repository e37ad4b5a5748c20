/**
 * The two packages as npm would publish them, made from what is built. What packing for real changes in the project itself, it
 * changes in a folder of its own here, because other tests run from what is built.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT, readDocument } from "../project/document.js";

export const run = promisify(execFile);

export interface Packed {
  /** The path of the archive. */
  readonly file: string;
  readonly paths: readonly string[];
  /** Bytes of its files. */
  readonly unpackedSize: number;
}

interface Answer {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
  readonly unpackedSize: number;
}

const pack = async (folder: string, ...flags: string[]): Promise<Packed> => {
  // Without scripts: what they would make is there.
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", ...flags], { cwd: folder });
  const [answer]: Answer[] = Object.values(JSON.parse(stdout));
  if (answer === undefined) throw new Error(`npm pack said: ${stdout}`);
  const paths = answer.files.map(({ path }) => path);
  return { file: join(folder, answer.filename), paths, unpackedSize: answer.unpackedSize };
};

/** A folder outside of the project, so that nothing of its `node_modules` is found from there. */
export const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "ringmq-packages-"));

export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** Makes `@ringmq/client` where a program in the folder finds it, and packs it. */
export const makeClient = async (folder: string): Promise<Packed> => {
  const own = join(folder, "node_modules", "@ringmq", "client");
  await mkdir(own, { recursive: true });
  await run(process.execPath, [join(ROOT, "packages/client/build.mjs"), own]);
  return await pack(own);
};

/** Makes `ringmq` where a program in the folder finds it, and tells what would be packed; `file` is not there. */
export const makeBroker = async (folder: string): Promise<Packed> => {
  const own = join(folder, "node_modules", "ringmq");
  const { files } = JSON.parse(readDocument("package.json"));
  for (const name of ["package.json", "README.md", "LICENSE", ...files]) {
    // What is left out of them.
    if (name.startsWith("!")) continue;
    await cp(join(ROOT, name), join(own, name), { recursive: true });
  }
  await run(process.execPath, [join(ROOT, "packages/split.mjs"), own]);
  return await pack(own, "--dry-run");
};

/** Writes files into a folder. */
export const writeFiles = async (folder: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
};
