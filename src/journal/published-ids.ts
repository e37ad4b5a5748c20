/** The ids that some segments have published, as intervals that are joined where they touch. */
import { idOrder } from "../protocol/id.js";

export class PublishedIds {
  /** First and last of each, by `idOrder`, ascending. */
  readonly #firsts: number[] = [];
  readonly #lasts: number[] = [];

  add(high: number, low: number, count: number): void {
    const first = idOrder(high, low);
    const last = first + count - 1;
    const end = this.#firsts.length - 1;
    // Ids are handed out in order, so nearly all are appended at the end.
    if (end < 0 || first > (this.#lasts[end] as number) + 1) {
      this.#firsts.push(first);
      this.#lasts.push(last);
    } else if (first >= (this.#firsts[end] as number)) {
      this.#lasts[end] = Math.max(this.#lasts[end] as number, last);
    } else {
      this.#insert(first, last);
    }
  }

  /** How many ids from this one on are all published (positive) or all not (negative), at most `count`. */
  run(high: number, low: number, count: number): number {
    const id = idOrder(high, low);
    const at = this.#upTo(id);
    if (at >= 0 && id <= (this.#lasts[at] as number)) return Math.min(count, (this.#lasts[at] as number) - id + 1);
    const next = this.#firsts[at + 1];
    return -(next === undefined ? count : Math.min(count, next - id));
  }

  #insert(first: number, last: number): void {
    const at = this.#upTo(first) + 1;
    this.#firsts.splice(at, 0, first);
    this.#lasts.splice(at, 0, last);
    // Ids that were added twice may overlap their neighbours; each interval is still found by its first id.
    for (let i = Math.max(1, at); i < this.#firsts.length && i <= at + 1; i++) {
      if ((this.#firsts[i] as number) > (this.#lasts[i - 1] as number)) continue;
      this.#lasts[i - 1] = Math.max(this.#lasts[i - 1] as number, this.#lasts[i] as number);
      this.#firsts.splice(i, 1);
      this.#lasts.splice(i, 1);
      i--;
    }
  }

  /** The last interval that begins at or before an id, or -1. */
  #upTo(id: number): number {
    let low = 0;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#firsts[middle] as number) <= id) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
