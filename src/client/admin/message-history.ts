/** What a broker knows of what has become of a message. Times are milliseconds since 1970; 0: none, or not known. */

/** Something that has happened to a message. */
export interface HistoryEvent {
  /**
   * `published`, to that queue; `failed`: a delivery of it has ended without an ack; `ready`, `delayed`, `dead`: it became that;
   * `redriven`: from a dead letter; `gone`: it was acked, cancelled, purged or displaced, or has expired; `kept`: the journal was
   * compacted, and it was in that state.
   */
  readonly what: "published" | "kept" | "failed" | "ready" | "redriven" | "delayed" | "dead" | "gone";
  /** The bind key of its queue; empty: one that is not there any more. */
  readonly queue: string;
  /** When. 0: that is not recorded; it was after `after`, and before `before`. */
  readonly time: number;
  readonly after: number;
  readonly before: number;
  /** Failed deliveries by then. */
  readonly retry: number;
  /** Until when it was delayed. */
  readonly due: number;
  /** Why it died: `retries`, `expired`, `rejected` or `too old`; otherwise empty. */
  readonly reason: string;
  /** Which of its failures it was, from 1 on; otherwise 0. */
  readonly number: number;
  /** `nacked`, `timed out`, `consumer gone` or `rejected`; otherwise empty. */
  readonly how: string;
  /** What the program calls itself that had the message, and what it said. Empty: nothing. */
  readonly client: string;
  readonly text: string;
}

/** A message in a queue where it is now. */
export interface HistoryCopy {
  readonly queue: string;
  readonly state: "ready" | "delayed" | "in-flight" | "dead";
  readonly retry: number;
  /** Why it is dead; otherwise empty. */
  readonly reason: string;
  /** When its lease ends, its delay or its ttl; when it died. */
  readonly time: number;
  /** Who has it in flight: what the program calls itself, and the id of its connection; 0: it was popped, or is not in flight. */
  readonly client: string;
  readonly connection: number;
}

/** Of the batch that brought a message, as far as the journal has it. */
export interface HistoryOrigin {
  readonly routeKey: string;
  readonly due: number;
  readonly expiry: number;
  /** Who has numbered it: a name that a client makes up when it connects. Empty: nobody. */
  readonly producer: string;
  readonly sequence: number;
  /** Its key. Empty: it has none. */
  readonly key: string;
}

export interface MessageHistory {
  readonly id: string;
  readonly topic: string;
  /** By its id. */
  readonly published: number;
  /** Null: its batch is not in the journal. */
  readonly origin: HistoryOrigin | null;
  /** Where it is now. Empty: nowhere. */
  readonly copies: readonly HistoryCopy[];
  /** In the order in which they happened, as far as that is known. */
  readonly events: readonly HistoryEvent[];
  /** What the broker cannot tell, and why. docs/protocol.md lists the codes. */
  readonly unknown: readonly { readonly code: string; readonly text: string }[];
}
