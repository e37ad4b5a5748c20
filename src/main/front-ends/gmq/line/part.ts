/** The binary part of a command whose line has been read. */

const LENGTH_BYTES = 4;

export interface Part {
  /** As that of a codec: answers where it has come. */
  take(bytes: Buffer, start: number, end: number): number;
  /** All of it has come. */
  readonly isDone: boolean;
  /** The client has gone. */
  release(): void;
}

/** The body of a line that is wrong: dropped as it comes, so that the next line is found. */
export class SkippedBody implements Part {
  #left: number | undefined;

  /** `length` is undefined where it is still to come. */
  constructor(length?: number) {
    this.#left = length;
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  take(bytes: Buffer, start: number, end: number): number {
    let from = start;
    if (this.#left === undefined) {
      if (end - start < LENGTH_BYTES) return start;
      this.#left = bytes.readUInt32BE(start);
      from += LENGTH_BYTES;
    }
    const next = Math.min(end, from + this.#left);
    this.#left -= next - from;
    return next;
  }

  release(): void {}
}
