/**
 * The working directory of a torture run: a marker file, the broker's data and its log. Only what a run has made is
 * ever deleted.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const MARK = "ringmq-torture.json";
const DATA = "data";
const LOG = "broker.log";

/** The directory was not made by a torture run. */
export class TortureDirectoryError extends Error {}

export interface TortureDirectory {
  /** The broker's data directory, which does not exist yet. */
  readonly data: string;
  readonly log: string;
}

/** Not `mkdir`'s own `recursive`, which loops for ever where a parent exists and a child cannot, as in /proc. */
const makeDirectory = (path: string): void => {
  if (!existsSync(dirname(path))) makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Reading it shows what it is.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
};

/**
 * Makes the directory, or takes that of an earlier run and deletes its data. Throws TortureDirectoryError or the
 * system's error.
 */
export const claimDirectory = (directory: string, seed: number): TortureDirectory => {
  makeDirectory(resolve(directory));
  const names = readdirSync(directory);
  if (names.length > 0 && !isMarked(directory)) {
    throw new TortureDirectoryError(
      `${directory} is not empty and not that of an earlier torture (it has "${names[0]}"): give a new or an empty one`,
    );
  }
  writeFileSync(join(directory, MARK), `${JSON.stringify({ program: "ringmq torture", seed })}\n`);
  const place = { data: join(directory, DATA), log: join(directory, LOG) };
  clear(place);
  return place;
};

/** Deletes everything the run has made except the directory itself. */
export const leaveDirectory = (directory: string, place: TortureDirectory): void => {
  clear(place);
  rmSync(join(directory, MARK));
};

const clear = ({ data, log }: TortureDirectory): void => {
  rmSync(data, { recursive: true, force: true });
  rmSync(log, { force: true });
};

const isMarked = (directory: string): boolean => {
  try {
    return readFileSync(join(directory, MARK), "utf8").includes('"ringmq torture"');
  } catch {
    return false;
  }
};
