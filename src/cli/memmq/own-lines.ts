/**
 * Tells what comes back of what was published here from what others publish. Messages have no name of their sender, so it
 * counts: each line published here comes back once from each server, and as many equal messages are taken for it, no more.
 */
import { createHash } from "node:crypto";

/** What has not come back by then was lost on the way, and an equal message is somebody else's. Milliseconds. */
const WAIT = 10_000;

/** Lines that are waited for; beyond it the oldest are given up. */
const MAX_LINES = 10_000;

interface Expected {
  readonly until: number;
}

/** Of equal length for all lines, of which there may be many, and long ones. */
const keyOf = (server: string, payload: Uint8Array): string =>
  `${server} ${createHash("sha256").update(payload).digest("base64")}`;

export class OwnLines {
  readonly #now: () => number;
  /** By server and payload, oldest first. */
  readonly #expected = new Map<string, Expected[]>();
  #count = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A line is about to be published on these servers. */
  add(servers: readonly string[], payload: Uint8Array): void {
    for (const server of servers) {
      if (this.#count >= MAX_LINES) this.#forgetOldest();
      const key = keyOf(server, payload);
      const list = this.#expected.get(key);
      if (list === undefined) this.#expected.set(key, [{ until: this.#now() + WAIT }]);
      else list.push({ until: this.#now() + WAIT });
      this.#count++;
    }
  }

  /** Whether a message is one of those, which then is waited for no longer. */
  take(server: string, payload: Uint8Array): boolean {
    const key = keyOf(server, payload);
    const list = this.#expected.get(key);
    if (list === undefined) return false;
    const now = this.#now();
    while (list.length > 0) {
      const next = list.shift();
      this.#count--;
      if (list.length === 0) this.#expected.delete(key);
      if (next !== undefined && next.until >= now) return true;
    }
    return false;
  }

  #forgetOldest(): void {
    const [key] = this.#expected.keys();
    if (key === undefined) return;
    this.#count -= this.#expected.get(key)?.length ?? 0;
    this.#expected.delete(key);
  }
}
