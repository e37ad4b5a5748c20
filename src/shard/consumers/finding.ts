/** What EXPLAIN finds out: codes, in the order of their weight, and the sentences for people. docs/protocol.md lists them. */

/** The first of what is found is what most probably keeps messages from arriving. */
export const FINDINGS = [
  "NO_TOPIC",
  "NO_QUEUE",
  "NO_ROUTE",
  "PAUSED",
  "JOURNAL_STANDS_STILL",
  "PUBLISHES_REFUSED",
  "QUEUE_FULL",
  "BRAKED",
  "NO_CONSUMER",
  "CONSUMERS_HELD",
  "NO_CREDIT",
  "OUTBOX_CROWDED",
  "BEHIND_OTHERS",
  "IN_FLIGHT",
  "RETRY_DELAYED",
  "DELAYED",
  "DEAD_LETTERS",
  "EXPIRED",
  "DROPPED",
  "REACHES",
  "FLOWING",
  "EMPTY",
  "MORE_QUEUES",
] as const;

export type FindingCode = (typeof FINDINGS)[number];

/** Numbers, times in milliseconds since 1970, names. */
export type Details = Readonly<Record<string, unknown>>;

export interface Finding {
  readonly code: FindingCode;
  /** The bind key of the queue that it is about; null: the topic as a whole. */
  readonly queue: string | null;
  /** For people. */
  readonly text: string;
  readonly details: Details;
}

const WEIGHTS = new Map<string, number>(FINDINGS.map((code, weight) => [code, weight]));

/** The weightiest first, as they were found among equals. */
export const byWeight = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((one, other) => (WEIGHTS.get(one.code) ?? 0) - (WEIGHTS.get(other.code) ?? 0));

const UNITS = [
  ["days", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** `350 ms`, `12.3 s`, `2.5 h`. */
const span = (milliseconds: number): string => {
  for (const [unit, length] of UNITS) {
    if (milliseconds >= 2 * length || (unit === "s" && milliseconds >= length)) {
      return `${Math.floor((milliseconds * 10) / length) / 10} ${unit}`;
    }
  }
  return `${Math.floor(milliseconds)} ms`;
};

/** A time that comes: `in 12.3 s`. */
export const until = (time: number, now: number): string => (time <= now ? "now" : `in ${span(time - now)}`);

/** A time that has passed: `12.3 s ago`. */
export const since = (time: number, now: number): string => `${span(Math.max(0, now - time))} ago`;

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

export const messages = (count: number): string => plural(count, "message");
/** `1 message is`, `2 messages are`. */
export const messagesAre = (count: number): string => `${messages(count)} ${count === 1 ? "is" : "are"}`;
export const messagesHave = (count: number): string => `${messages(count)} ${count === 1 ? "has" : "have"}`;
export const consumers = (count: number): string => plural(count, "consumer");
export const queues = (count: number): string => plural(count, "queue");
