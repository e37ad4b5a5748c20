/**
 * A sorted set of names, in short chunks: adding or removing a name costs one chunk, however many names there are.
 */

/** Names at which a chunk is split: moving this many entries costs less than finding the chunk. */
const MAX_CHUNK = 512;

/** Names after which a listing that shows only some stops: a millisecond or two. */
export const LISTING_NAMES = 8_192;

export class SortedNames {
  /** None is empty. */
  readonly #chunks: string[][] = [];

  add(name: string): void {
    const chunks = this.#chunks;
    const index = Math.max(0, this.#chunkOf(name));
    const chunk = chunks[index];
    if (chunk === undefined) {
      chunks.push([name]);
      return;
    }
    chunk.splice(placeOf(chunk, name), 0, name);
    if (chunk.length > MAX_CHUNK) chunks.splice(index + 1, 0, chunk.splice(MAX_CHUNK >>> 1));
  }

  remove(name: string): void {
    const index = this.#chunkOf(name);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return;
    const place = placeOf(chunk, name);
    if (chunk[place] !== name) return;
    chunk.splice(place, 1);
    if (chunk.length === 0) this.#chunks.splice(index, 1);
  }

  /** The names after `name`, which need not be in the set. The set may not change meanwhile. */
  *after(name: string): Generator<string, void> {
    let index = Math.max(0, this.#chunkOf(name));
    let place = placeOf(this.#chunks[index] ?? [], name);
    if (this.#chunks[index]?.[place] === name) place++;
    for (; index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index] ?? [];
      for (; place < chunk.length; place++) yield chunk[place] as string;
      place = 0;
    }
  }

  /** The last chunk that begins at or before the name; -1: none does. */
  #chunkOf(name: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.[0] as string) <= name) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The index at which the name is or would be. */
const placeOf = (chunk: readonly string[], name: string): number => {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle] as string) < name) low = middle + 1;
    else high = middle;
  }
  return low;
};
