/** A seeded random number generator (sfc32). */
const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

const WARM_UP = 12;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(readonly seed: number) {
    this.#a = seed | 0;
    this.#b = Math.imul(seed, 0x9e37_79b1) | 0;
    this.#c = ~seed;
    for (let i = 0; i < WARM_UP; i++) this.word();
  }

  /** 32 bits. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (rotate(this.#c, 21) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.word() / 2 ** 32;
  }

  /** A whole number from `least` to `most`, inclusive. */
  between(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** An element of a list, which is not empty. */
  pick<T>(list: readonly T[]): T {
    const [first] = list;
    if (first === undefined) throw new Error("random: nothing to pick from");
    return list[this.between(0, list.length - 1)] ?? first;
  }

  /** A new generator, so that actors do not influence each other's choices. */
  fork(): Random {
    return new Random(this.word());
  }
}
