/**
 * Spare file descriptors. The journal closes them to open a file when the process has no other left, and takes them
 * again when there are free ones.
 */
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";

/**
 * The file of the next segment; the directory whose names are synced while that is open; a file to read pages from, of
 * which one is enough.
 */
export const RESERVED_DESCRIPTORS = 3;

export class DescriptorReserve {
  readonly #held: number[] = [];

  constructor(
    readonly count: number = RESERVED_DESCRIPTORS,
    /** Opens a descriptor. Throws when there is none. A parameter for tests. */
    readonly open: () => number = () => openSync(devNull, "r"),
    readonly close: (descriptor: number) => void = closeSync,
  ) {}

  get isWhole(): boolean {
    return this.#held.length === this.count;
  }

  /** Takes the missing ones, as far as there are any. Never throws: there may be more next time. */
  fill(): void {
    try {
      while (!this.isWhole) this.#held.push(this.open());
    } catch {
      // To be tried again. Whoever needs one meanwhile reports that there is none.
    }
  }

  /** Closes up to `count` of them and returns how many it closed. */
  giveUp(max = this.count): number {
    const given = this.#held.splice(0, max);
    for (const descriptor of given) this.close(descriptor);
    return given.length;
  }
}
