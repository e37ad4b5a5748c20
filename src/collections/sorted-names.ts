/**
 * Names in order, in short stretches: a name comes and goes at the cost of one of them, whatever number there is.
 */

/** Names after which a stretch is cut in two: moving so many places costs less than finding the right one. */
const STRETCH = 512;

export class SortedNames {
  /** None is empty. */
  readonly #stretches: string[][] = [];

  add(name: string): void {
    const stretches = this.#stretches;
    const index = Math.max(0, this.#stretchOf(name));
    const stretch = stretches[index];
    if (stretch === undefined) {
      stretches.push([name]);
      return;
    }
    stretch.splice(placeOf(stretch, name), 0, name);
    if (stretch.length > STRETCH) stretches.splice(index + 1, 0, stretch.splice(STRETCH >>> 1));
  }

  remove(name: string): void {
    const index = this.#stretchOf(name);
    const stretch = this.#stretches[index];
    if (stretch === undefined) return;
    const place = placeOf(stretch, name);
    if (stretch[place] !== name) return;
    stretch.splice(place, 1);
    if (stretch.length === 0) this.#stretches.splice(index, 1);
  }

  /** Those behind `name`, which need not be there. They may not change while they are walked. */
  *after(name: string): Generator<string, void> {
    let index = Math.max(0, this.#stretchOf(name));
    let place = placeOf(this.#stretches[index] ?? [], name);
    if (this.#stretches[index]?.[place] === name) place++;
    for (; index < this.#stretches.length; index++) {
      const stretch = this.#stretches[index] ?? [];
      for (; place < stretch.length; place++) yield stretch[place] as string;
      place = 0;
    }
  }

  /** The last stretch that begins with the name or before it; -1: none does. */
  #stretchOf(name: string): number {
    let low = 0;
    let high = this.#stretches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#stretches[middle]?.[0] as string) <= name) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Where the name is or would be. */
const placeOf = (stretch: readonly string[], name: string): number => {
  let low = 0;
  let high = stretch.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((stretch[middle] as string) < name) low = middle + 1;
    else high = middle;
  }
  return low;
};
