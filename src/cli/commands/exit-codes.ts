/** The exit codes of the commands that are clients of a broker. docs/program.md has the same table; a test holds them equal. */
import type { RingmqErrorCode } from "../../client/index.js";

export const EXIT = { failed: 1, usage: 2, unreachable: 3, missing: 4, later: 5 } as const;

export const EXIT_TEXTS: Readonly<Record<number, string>> = {
  0: "done",
  [EXIT.failed]: "failed, or failed for some of the messages",
  [EXIT.usage]: "wrong usage: a flag, a name, an input",
  [EXIT.unreachable]: "no connection to a broker, or it was lost",
  [EXIT.missing]: "no such topic, queue, channel or message",
  [EXIT.later]: "refused for now: the same may succeed later",
};

const CODES: Partial<Record<RingmqErrorCode, number>> = {
  BAD_ARGUMENT: EXIT.usage,
  BAD_NAME: EXIT.usage,
  BAD_CONFIG: EXIT.usage,
  BAD_PATTERN: EXIT.usage,
  CONNECT_FAILED: EXIT.unreachable,
  CONNECTION_CLOSED: EXIT.unreachable,
  SHUTTING_DOWN: EXIT.unreachable,
  TOO_MANY_CONNECTIONS: EXIT.unreachable,
  NO_TOPIC: EXIT.missing,
  NO_QUEUE: EXIT.missing,
  NO_ROUTE: EXIT.missing,
  NO_RESPONDER: EXIT.missing,
  UNKNOWN_MESSAGE: EXIT.missing,
  LEASE_LOST: EXIT.missing,
  NOT_DELAYED: EXIT.missing,
};

/** What a script is told of an error. */
export const exitCodeOf = ({
  code,
  retryable,
}: {
  readonly code: RingmqErrorCode;
  readonly retryable: boolean;
}): number => CODES[code] ?? (retryable ? EXIT.later : EXIT.failed);
