/**
 * Patterns of names, as permissions have them: `*` stands for any characters, also none and also dots; every other character
 * for itself, and upper case is not lower case. `orders.*` is all names that begin with `orders.`; `*` is all names.
 */

const ANY = "*";

/** What stands between the stars of a pattern. */
type Parts = readonly string[];

export class TopicPattern {
  readonly #parts: Parts;

  constructor(readonly text: string) {
    this.#parts = text.split(/\*+/);
  }

  /** Whether it is all names. */
  get isAll(): boolean {
    return this.text !== "" && this.#parts.every((part) => part === "");
  }

  /** Never looks at a character of the name more than twice for each part: the first place that fits a part is the best one. */
  matches(name: string): boolean {
    const parts = this.#parts;
    if (!this.text.includes(ANY)) return name === this.text;
    const first = parts[0] ?? "";
    const last = parts.at(-1) ?? "";
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    const end = name.length - last.length;
    let at = first.length;
    for (let i = 1; i < parts.length - 1; i++) {
      const part = parts[i] ?? "";
      const found = name.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return at <= end;
  }
}

/** Several patterns: the names that any of them is about. */
export class TopicPatterns {
  readonly #patterns: readonly TopicPattern[];

  constructor(texts: readonly string[]) {
    this.#patterns = texts.map((text) => new TopicPattern(text));
  }

  match(name: string): boolean {
    return this.#patterns.some((pattern) => pattern.matches(name));
  }
}
