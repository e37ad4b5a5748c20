/**
 * Descriptors that stand for nothing, so that the journal has some when the process has no other left: they are given up
 * when it has to open a file, and taken again when there are free ones.
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
    /** A seam for tests. Throws when there is none. */
    readonly open: () => number = () => openSync(devNull, "r"),
    readonly close: (descriptor: number) => void = closeSync,
  ) {}

  get isWhole(): boolean {
    return this.#held.length === this.count;
  }

  /** Takes what is missing, as far as there is some. Never throws: next time there may be more. */
  fill(): void {
    try {
      while (!this.isWhole) this.#held.push(this.open());
    } catch {
      // It is tried again; who needs one meanwhile says that there is none.
    }
  }

  /** Gives up so many of them, or all; answers how many there were. */
  giveUp(most = this.count): number {
    const given = this.#held.splice(0, most);
    for (const descriptor of given) this.close(descriptor);
    return given.length;
  }
}
