/** Spans, as the broker makes them: what they are made with is another's business. */

/** A part of a trace that somebody else has begun and wants to be seen. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  readonly flags: number;
  /** `tracestate` as it came. Undefined: none. */
  readonly state: string | undefined;
}

export type Attributes = Readonly<Record<string, string | number>>;

export interface SpanStart {
  /** As in `publish orders`. */
  readonly name: string;
  /** `server`: somebody waits for its end. */
  readonly kind: "server" | "internal";
  readonly parent: TraceContext;
  readonly attributes: Attributes;
}

/** Why something did not succeed. */
export interface SpanError {
  /** A code. */
  readonly type: string;
  readonly text: string;
}

/** One that has begun. It is ended once. */
export interface OpenSpan {
  end(attributes: Attributes, error?: SpanError): void;
}

/** Makes spans and brings them to where they are looked at. Its methods do not throw. */
export interface Spans {
  start(span: SpanStart): OpenSpan;
  /** Brings away what is there still; resolves when that is done, or has failed. */
  close(): Promise<void>;
}

/** The names are those of the semantic conventions of OpenTelemetry for messaging. */
export const Attribute = {
  SYSTEM: "messaging.system",
  OPERATION: "messaging.operation.name",
  OPERATION_TYPE: "messaging.operation.type",
  DESTINATION: "messaging.destination.name",
  /** The queue of a topic. */
  SUBSCRIPTION: "messaging.destination.subscription.name",
  MESSAGE_ID: "messaging.message.id",
  MESSAGES: "messaging.batch.message_count",
  CLIENT: "messaging.client.id",
  ERROR: "error.type",
  /** `topic` or `channel`. */
  KIND: "ringmq.destination.kind",
  /** What has become of a delivery: an `Outcome`. */
  OUTCOME: "ringmq.outcome",
  /** Failed deliveries before this one. */
  RETRY: "ringmq.retry",
} as const;
