/**
 * Checks that ids of the same length follow each other in ascending order, so that none comes twice. Digits of the same
 * number compare as bytes do.
 */
const MAX_ID_BYTES = 64;

export class AscendingIds {
  readonly #last = new Uint8Array(MAX_ID_BYTES);
  #length = 0;

  /** The id is [start, end). Throws when it is not greater than the one before. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const last = this.#last;
    if (length === 0 || length > MAX_ID_BYTES) throw new Error(`an id of ${length} bytes`);
    if (length < this.#length) this.#fail(bytes, start, end);
    let i = 0;
    if (length === this.#length) {
      while (i < length && last[i] === bytes[start + i]) i++;
      if (i === length || (bytes[start + i] ?? 0) < (last[i] ?? 0)) this.#fail(bytes, start, end);
    }
    this.#length = length;
    for (; i < length; i++) last[i] = bytes[start + i] ?? 0;
  }

  #fail(bytes: Uint8Array, start: number, end: number): never {
    const text = (from: Uint8Array): string => Buffer.from(from).toString("latin1");
    const id = text(bytes.subarray(start, end));
    throw new Error(`the id ${id} came behind ${text(this.#last.subarray(0, this.#length))}`);
  }
}
