/** The faults that a torture run has found: how many of each kind, and a few examples. */

/** The kinds of findings, with the heading of each. */
export const FindingText = {
  lost: "confirmed messages are gone",
  resurrected: "messages came back after their ack was confirmed",
  "delivered twice": "messages of an auto-ack topic came more than once",
  order: "messages came out of order",
  retry: "a retry count went down",
  revived: "rejected messages came as if they were alive",
  early: "delayed messages came before their time",
  gap: "a reader of a kept channel missed positions, or got them twice",
  "position changed": "a position of a kept channel had another message before",
  invented: "messages came that nobody has published so",
  "id repeated": "an id stands for more than one message",
  "id changed": "a message has another id than its publisher was told",
  configuration: "a topic's configuration is not what was confirmed",
  "not drained": "messages are counted that nobody gets",
  broker: "the broker did not run",
} as const;

export type FindingKind = keyof typeof FindingText;

/** Examples kept of each kind; the rest is only counted. */
const MAX_EXAMPLES = 5;

export interface Finding {
  readonly kind: FindingKind;
  readonly count: number;
  readonly examples: readonly string[];
}

export class Findings {
  readonly #kinds = new Map<FindingKind, { count: number; examples: string[] }>();

  get total(): number {
    let total = 0;
    for (const { count } of this.#kinds.values()) total += count;
    return total;
  }

  add(kind: FindingKind, example: string): void {
    const entry = this.#kinds.get(kind) ?? { count: 0, examples: [] };
    entry.count++;
    if (entry.examples.length < MAX_EXAMPLES) entry.examples.push(example);
    this.#kinds.set(kind, entry);
  }

  list(): readonly Finding[] {
    return [...this.#kinds].map(([kind, { count, examples }]) => ({ kind, count, examples }));
  }
}
