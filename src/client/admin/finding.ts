/** What a broker says of why messages of a topic do not arrive. */

/** The weightiest come first. docs/protocol.md says what each is, and what its `details` are. */
export type FindingCode =
  | "NO_TOPIC"
  | "NO_QUEUE"
  | "NO_ROUTE"
  | "PAUSED"
  | "JOURNAL_STANDS_STILL"
  | "PUBLISHES_REFUSED"
  | "QUEUE_FULL"
  | "BRAKED"
  | "NO_CONSUMER"
  | "CONSUMERS_HELD"
  | "NO_CREDIT"
  | "OUTBOX_CROWDED"
  | "BEHIND_OTHERS"
  | "IN_FLIGHT"
  | "RETRY_DELAYED"
  | "DELAYED"
  | "DEAD_LETTERS"
  | "EXPIRED"
  | "DROPPED"
  | "REACHES"
  | "FLOWING"
  | "EMPTY"
  | "MORE_QUEUES";

export interface Finding {
  readonly code: FindingCode;
  /** The queue that it is about; null: the topic as a whole. */
  readonly queue: string | null;
  /** A sentence for people. */
  readonly text: string;
  /** The numbers of the sentence by name, for programs: counts, names, times in milliseconds since 1970. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ExplainOptions {
  /** A bind key. Default: every queue of the topic, up to 32 of them. */
  readonly queue?: string | undefined;
  /** Also tells which queues this route key reaches. Default: it does not. */
  readonly routeKey?: string | undefined;
}
