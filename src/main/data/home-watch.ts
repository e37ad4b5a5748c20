/**
 * Looks whether the data directory is still where it was, and says so once when it is not: a broker that has nothing to
 * write would not notice. Shards look for themselves before they confirm anything (journal/home.ts).
 *
 * It keeps what it watches open: as long as that is so, no other file can get its number.
 */
import { closeSync, openSync, readlinkSync } from "node:fs";
import { platform } from "node:os";
import { changeOf, type Place, placeAt } from "../../journal/home.js";
import type { Log } from "../log.js";

/** What Linux appends to the path of an open file that has no name any more. */
const DELETED = / \(deleted\)$/;

interface Held extends Place {
  /** Undefined: on this system a directory cannot be opened. */
  readonly descriptor: number | undefined;
}

export class HomeWatch {
  readonly #data: string;
  readonly #log: Log;
  readonly #held: readonly Held[];
  #isAway = false;

  /** `paths`: the data directory and what must stay in it. Throws errors of the system. */
  constructor(data: string, paths: readonly string[], log: Log) {
    this.#data = data;
    this.#log = log;
    const held: Held[] = [];
    this.#held = held;
    try {
      for (const path of [data, ...paths]) held.push(hold(path));
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** As it was when it was opened. */
  placeOf(path: string): Place {
    const found = this.#held.find((each) => each.path === path);
    if (found === undefined) throw new Error(`home watch: ${path} is not watched`);
    return { path, device: found.device, inode: found.inode };
  }

  stop(): void {
    for (const { descriptor } of this.#held) if (descriptor !== undefined) closeSync(descriptor);
  }

  /** Everything is where it was. */
  get isHome(): boolean {
    return !this.#isAway;
  }

  look(): void {
    const found = this.#find();
    const isAway = found !== undefined;
    if (isAway === this.#isAway) return;
    this.#isAway = isAway;
    if (found === undefined) {
      this.#log.warn({ data: this.#data }, "the data directory is where it was again: what waited is confirmed");
      return;
    }
    const { path, what } = found;
    this.#log.error(
      { path, remedy: "put it back, or stop the broker" },
      `the data directory has been moved, removed or replaced: ${path} ${what}. Nothing is confirmed until it is back`,
    );
  }

  #find(): { readonly path: string; readonly what: string } | undefined {
    for (const held of this.#held) {
      let change: string | undefined;
      try {
        change = changeOf(held);
      } catch {
        // It cannot be looked at. Failed writes will show what that means.
        return undefined;
      }
      if (change === undefined) continue;
      return { path: held.path, what: `${change}${whereabouts(held)}` };
    }
    return undefined;
  }
}

const hold = (path: string): Held => ({
  ...placeAt(path),
  descriptor: platform() === "win32" ? undefined : openSync(path, "r"),
});

/** Where an open file is now, as far as the system tells. */
const whereabouts = ({ descriptor }: Held): string => {
  try {
    const at = readlinkSync(`/proc/self/fd/${descriptor}`);
    return DELETED.test(at) ? ": it was removed" : `: it is ${at} now`;
  } catch {
    return "";
  }
};
