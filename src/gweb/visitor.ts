/** Who has shown a token at the console, which is shown on his behalf to the registry and to nodes. In memory alone. */
import { hashOf } from "../main/access/token-hash.js";

/** Of nodes that the token may be shown to; the oldest goes. A list has no more nodes than this. */
const MAX_TRUSTED = 1_024;

/** As much of a hash as tells tokens apart. */
const SHOWN = "sha256:".length + 8;

export class Visitor {
  /** For people: how the hash of the token begins, as the configurations of brokers and registries have it. */
  readonly name: string;
  /** The token is no longer good, or he has logged out. */
  isOver = false;
  /** What is open on his behalf, and ends with him. */
  readonly #open = new Set<() => void>();
  /** Addresses as they are listed. */
  readonly #trusted = new Set<string>();

  constructor(readonly token: string) {
    this.name = `${hashOf(token).slice(0, SHOWN)}…`;
  }

  /** Calls back at his end, unless the function that it answers was called before. */
  onEnd(callback: () => void): () => void {
    this.#open.add(callback);
    return () => this.#open.delete(callback);
  }

  /** The visitor has said that the token may be shown to who is listed at this address. */
  trust(httpAddress: string): void {
    const [oldest] = this.#trusted;
    if (oldest !== undefined && this.#trusted.size >= MAX_TRUSTED) this.#trusted.delete(oldest);
    this.#trusted.add(httpAddress);
  }

  trusts(httpAddress: string): boolean {
    return this.#trusted.has(httpAddress);
  }

  end(): void {
    this.isOver = true;
    for (const close of this.#open) close();
    this.#open.clear();
  }
}
