/**
 * Where a torture works: a directory that is its own, with a mark in it, the broker's data and what the broker said.
 * Nothing is deleted that it has not made.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const MARK = "ringmq-torture.json";
const DATA = "data";
const LOG = "broker.log";

/** The directory is somebody else's. */
export class TortureDirectoryError extends Error {}

export interface TortureDirectory {
  /** Where the broker's data goes: not there yet. */
  readonly data: string;
  readonly log: string;
}

/**
 * Not the system's own `recursive`: it goes round for ever where a parent is there and a child of it cannot be, as in
 * /proc.
 */
const makeDirectory = (path: string): void => {
  if (!existsSync(dirname(path))) makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // What it is shows when it is read.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
};

/** Makes the directory, or takes that of an earlier torture, whose data it deletes. Throws TortureDirectoryError, or the system's error. */
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

/** Deletes what the torture has made, the directory itself excepted. */
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
