/**
 * The error catalogue. A code is never reused for another meaning: to retire it, leave its number empty.
 * docs/protocol.md has the same list; a test holds the two equal.
 */

interface ErrorKind {
  readonly code: number;
  /** The same request may succeed later. */
  readonly retryable: boolean;
  /** The broker closes the connection after saying so. */
  readonly closes: boolean;
}

const kind = (code: number, retryable = false, closes = false): ErrorKind => ({ code, retryable, closes });

export const ERRORS = {
  BAD_FRAME: kind(1, false, true),
  UNSUPPORTED_VERSION: kind(2, false, true),
  FRAME_TOO_LARGE: kind(3, false, true),
  HANDSHAKE_REQUIRED: kind(4, false, true),
  UNKNOWN_OP: kind(5),
  BAD_HEAD: kind(6),
  BAD_PAYLOAD: kind(7),
  MESSAGE_TOO_LARGE: kind(8),
  TOO_MANY_MESSAGES: kind(9),
  BAD_NAME: kind(10),
  TOO_MANY_TOPICS: kind(11),
  TOO_MANY_QUEUES: kind(12),
  TOO_MANY_CONSUMERS: kind(13, true),
  TOO_MANY_IN_FLIGHT: kind(14, true),
  TOO_MANY_CONNECTIONS: kind(15, true, true),
  MEMORY_FULL: kind(16, true),
  QUEUE_FULL: kind(17, true),
  NO_ROUTE: kind(18),
  NO_TOPIC: kind(19),
  NO_QUEUE: kind(20),
  QUEUE_EXISTS: kind(21),
  LEASE_LOST: kind(22),
  UNKNOWN_MESSAGE: kind(23),
  NOT_DELAYED: kind(24),
  BAD_PATTERN: kind(25),
  BAD_CONFIG: kind(26),
  NO_CONSUMER: kind(27),
  SHARD_RESTARTED: kind(28, true),
  SHARD_DOWN: kind(29),
  SHUTTING_DOWN: kind(30, true, true),
  BUSY: kind(31, true),
  SLOW_SUBSCRIBER: kind(32, true, true),
  TOPIC_DELETED: kind(33),
  DUPLICATE_REQUEST: kind(34, false, true),
  NOT_SUBSCRIBED: kind(35),
  DISK_FULL: kind(36, true),
  JOURNAL_FAILED: kind(37),
  NOT_ALLOWED: kind(38),
  BACKUP_FAILED: kind(39),
  TOO_SLOW: kind(40, true, true),
  OUT_OF_DESCRIPTORS: kind(41, true),
  DISK_FAULT: kind(42, true),
  SEQUENCE_FORGOTTEN: kind(43),
  TOO_MANY_PRODUCERS: kind(44, true),
  NO_RESPONDER: kind(45, true),
  REQUEST_TIMEOUT: kind(46, true),
  RESPONDER_FAILED: kind(47),
  RESPONDER_LOST: kind(48, true),
  REQUEST_ABANDONED: kind(49),
  UNKNOWN_CALL: kind(50),
  TOO_MANY_KEYS: kind(51, true),
  MESSAGE_IN_FLIGHT: kind(52),
  UNAUTHORIZED: kind(53, false, true),
  FORBIDDEN: kind(54),
  CLOSED_BY_OPERATOR: kind(55, true, true),
  CURSOR_LOST: kind(56),
} as const satisfies Record<string, ErrorKind>;

export type ErrorName = keyof typeof ERRORS;

const NAMES = new Map<number, ErrorName>((Object.keys(ERRORS) as ErrorName[]).map((name) => [ERRORS[name].code, name]));

/** The name of an error code, or undefined for a code of a newer peer. */
export const errorName = (code: number): ErrorName | undefined => NAMES.get(code);

/**
 * A refused request. The text tells a person what to do about it. It has no stack trace: it is an answer and not a
 * fault, and a peer can cause thousands of them at once.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";

  constructor(
    readonly kind: ErrorName,
    text: string,
  ) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(text);
    Error.stackTraceLimit = stackTraceLimit;
  }
}
