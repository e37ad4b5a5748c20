/**
 * The numbers of a program's messages to one topic: which is the next, and below which all have had their answers.
 *
 * Whoever may still send a number **holds** it, and with it those behind it that were taken with it. What is held is counted in
 * two heaps, that of the numbers below a boundary and that of the others: when the first is empty, everything below the
 * boundary is answered, and the boundary moves up to the next number. So nothing is kept for each number or frame.
 */
export class TopicNumbers {
  /** The next one. */
  next: number;
  /** Lower ones are never sent again: their answers have come, or the program has been told that they will not. */
  answered: number;
  #boundary: number;
  #below = 0;
  #others = 0;

  constructor(next: number) {
    this.next = next;
    this.answered = next;
    this.#boundary = next;
  }

  /** Nobody holds any. */
  get isIdle(): boolean {
    return this.#below + this.#others === 0;
  }

  /** Takes numbers for so many messages. Answers the first. */
  take(count = 1): number {
    const first = this.next;
    this.next += count;
    return first;
  }

  /** A number that was just taken, or is held by somebody else. */
  hold(number: number): void {
    if (number < this.#boundary) this.#below++;
    else this.#others++;
  }

  /** As often as it was held. */
  release(number: number): void {
    if (number < this.#boundary) this.#below--;
    else this.#others--;
    if (this.#below > 0) return;
    this.answered = this.#others > 0 ? this.#boundary : this.next;
    this.#below = this.#others;
    this.#others = 0;
    this.#boundary = this.next;
  }
}
