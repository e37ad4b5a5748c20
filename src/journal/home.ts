/**
 * The home of a journal: its directory and the files in it, known by what they are (device and inode) and not by their
 * names. A directory that is moved away, removed or replaced while a broker runs leaves the open files usable, but nobody
 * will find there what is written to them. So nothing is written and confirmed before the names have been seen to lead
 * home, before and after, and nothing is made, renamed or removed under names that lead elsewhere: the files there are
 * somebody else's.
 */
import { type Stats, statSync } from "node:fs";
import type { Disk } from "./disk.js";
import { AWAY } from "./disk-fault.js";

/** A file or directory. Its number is nobody else's while somebody has it open. */
export interface Place {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** Milliseconds for which a look at all of them is good, before a commit: three calls of the system, some 15 µs. */
const LOOK_EVERY = 10;

/** A name leads nowhere, or to something else than it did. An error of the disk like others: the name may lead home again. */
export class HomeError extends Error {
  override readonly name = "HomeError";
  readonly code = AWAY;
  readonly syscall = "stat";

  constructor(
    /** The name. */
    readonly path: string,
    what: string,
    /** It is that of the open segment. */
    readonly isSegment = false,
  ) {
    super(`${path} ${what}`);
  }
}

export const placeAt = (path: string): Place => {
  const { dev: device, ino: inode } = statSync(path);
  return { path, device, inode };
};

/** What has become of a place; undefined: it is as it was. Other errors of the system are thrown. */
export const changeOf = ({ path, device, inode }: Place): string | undefined => {
  const found = look(path);
  if (found === undefined) return "is gone";
  return found.dev === device && found.ino === inode ? undefined : "is not the one that was opened";
};

const look = (path: string): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  }
};

export class Home {
  readonly #places: readonly Place[];
  #segment: Place | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** Places that the caller keeps open. */
  constructor(places: readonly Place[]) {
    this.#places = places;
  }

  /** The segment that is open from now on. */
  follow(path: string): void {
    this.#segment = placeAt(path);
  }

  /** Before something is written that is to be confirmed. `now`: milliseconds. Throws a `HomeError` and disk faults. */
  check(now: number): void {
    if (now < this.#lookedAt + LOOK_EVERY) return;
    this.expect();
    if (this.#segment !== undefined) expectPlace(this.#segment, true);
    this.#lookedAt = now;
  }

  /**
   * When it is written, each time right before it is confirmed: the name of the open segment leads through all directories,
   * so one call, some 4 µs, says whether they are where they were. Throws as `check` does.
   */
  confirm(): void {
    if (this.#segment === undefined) return;
    try {
      expectPlace(this.#segment, true);
    } catch (error) {
      // Nothing is written before it has been seen to be home again.
      this.#lookedAt = Number.NEGATIVE_INFINITY;
      // If it is a directory that is not there, that is what is said.
      this.expect();
      throw error;
    }
  }

  /** Both, when nothing is to be written. */
  look(now: number): void {
    this.check(now);
    this.confirm();
  }

  /** Before something is done under a name. Throws as `check` does. */
  expect(): void {
    for (const place of this.#places) expectPlace(place, false);
  }
}

const expectPlace = (place: Place, isSegment: boolean): void => {
  const change = changeOf(place);
  if (change !== undefined) throw new HomeError(place.path, change, isSegment);
};

/** A disk that does nothing under names that lead elsewhere. Open files stay usable. */
export const homeDisk = (disk: Disk, home: Pick<Home, "expect">): Disk => {
  const atHome = <T>(call: () => T): T => {
    home.expect();
    return call();
  };
  return {
    open: (path, mode) => atHome(() => disk.open(path, mode)),
    rename: (from, to) => atHome(() => disk.rename(from, to)),
    remove: (path) => atHome(() => disk.remove(path)),
    list: (directory) => atHome(() => disk.list(directory)),
    makeDirectory: (path) => atHome(() => disk.makeDirectory(path)),
    removeDirectory: (path) => atHome(() => disk.removeDirectory(path)),
    syncDirectory: (path) => atHome(() => disk.syncDirectory(path)),
  };
};
