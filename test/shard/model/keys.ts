/** Keys of messages, as the specification has them: until its message is in no queue any more, or for a window. */
import type { ModelQueue } from "./queue.js";

interface Keyed {
  readonly id: bigint;
  /** 0: until the message is done. */
  readonly until: number;
}

export class ModelKeys {
  readonly #keys = new Map<string, Keyed>();

  constructor(readonly queues: ReadonlyMap<string, ModelQueue>) {}

  /** The message that has a key; undefined: none has. */
  find(key: string, now: number): bigint | undefined {
    const known = this.#keys.get(key);
    return known !== undefined && this.#isKnown(known, now) ? known.id : undefined;
  }

  took(key: string, id: bigint, until: number): void {
    if (key !== "") this.#keys.set(key, { id, until });
  }

  /** Whether any key is known. */
  areKnown(now: number): boolean {
    return [...this.#keys.values()].some((each) => this.#isKnown(each, now));
  }

  /** When the last one is over that is known for a window. */
  get end(): number {
    return Math.max(Number.NEGATIVE_INFINITY, ...[...this.#keys.values()].map(({ until }) => until));
  }

  #isKnown({ id, until }: Keyed, now: number): boolean {
    if (until > 0) return until > now;
    return [...this.queues.values()].some(({ messages }) => messages.has(id));
  }
}

/** The keys [start, end) of a buffer. */
export const splitKeys = (bytes: Uint8Array, start: number, end: number): string[] => {
  const keys: string[] = [];
  for (let at = start; at < end; at += 1 + (bytes[at] ?? 0)) {
    keys.push(Buffer.from(bytes.slice(at + 1, at + 1 + (bytes[at] ?? 0))).toString("latin1"));
  }
  return keys;
};
