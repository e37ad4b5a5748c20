/**
 * The proxies that a request has come through. A proxy says its name and those that it has heard of lately with whatever it
 * asks its servers; one that hears its own name stands behind itself, and messages would go round for ever.
 *
 * ```
 *   A ── A ──▶ B ── B, A ──▶ A: refused
 * ```
 */

/** The header, and the key of metadata. Other servers do not know it. */
export const TRAIL = "ringmq-via";

/** Names that are passed on, and how long one is after it was last heard. Milliseconds. */
const MAX_NAMES = 64;
const HEARD_FOR = 10 * 60_000;

const NAME = /^[0-9a-f-]{1,36}$/;

export class Trail {
  readonly #now: () => number;
  /** Undefined: its client is no proxy's. */
  #own: string | undefined;
  /** When each was last heard, the latest last. */
  readonly #heard = new Map<string, number>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Makes its client one of a proxy. */
  begin(): void {
    this.#own ??= globalThis.crypto.randomUUID();
  }

  /** What a request has to say; undefined: nothing. */
  get text(): string | undefined {
    if (this.#own === undefined) return undefined;
    const oldest = this.#now() - HEARD_FOR;
    for (const [name, at] of this.#heard) {
      if (at >= oldest && this.#heard.size <= MAX_NAMES) break;
      this.#heard.delete(name);
    }
    return [this.#own, ...this.#heard.keys()].join(",");
  }

  /** Takes note of what a request says; true: it has been here before. */
  follow(text: string): boolean {
    if (text === "") return false;
    const now = this.#now();
    let isBack = false;
    for (const name of text.split(",", MAX_NAMES + 1)) {
      if (name === this.#own) isBack = true;
      else if (NAME.test(name)) {
        this.#heard.delete(name);
        this.#heard.set(name, now);
      }
    }
    return isBack;
  }
}
