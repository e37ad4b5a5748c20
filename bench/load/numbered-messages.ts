/** Messages of one size, each with its number, from 0, at its beginning (u32): read wherever they are cut. */

export const NUMBER_BYTES = 4;

export class NumberedMessages {
  /** Whole messages that have come. */
  count = 0;
  readonly #size: number;
  /** Of the message that is coming. */
  #have = 0;
  #number = 0;

  /** @param size bytes of a message: at least NUMBER_BYTES */
  constructor(size: number) {
    this.#size = size;
  }

  push(view: DataView, start: number, end: number): void {
    for (let at = start; at < end; ) {
      if (this.#have === 0 && end - at >= this.#size) {
        this.#number = view.getUint32(at);
        this.#have = this.#size;
        at += this.#size;
      } else if (this.#have < NUMBER_BYTES) {
        this.#number = this.#number * 256 + view.getUint8(at++);
        this.#have++;
      } else {
        const part = Math.min(this.#size - this.#have, end - at);
        this.#have += part;
        at += part;
      }
      if (this.#have === this.#size) this.#take();
    }
  }

  #take(): void {
    if (this.#number !== this.count) throw new Error(`message ${this.#number} came where ${this.count} was due`);
    this.count++;
    this.#have = 0;
    this.#number = 0;
  }
}
