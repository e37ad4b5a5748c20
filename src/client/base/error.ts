/**
 * The errors of the client, with a code for programs: one of the broker's (listed in docs/protocol.md) or one of its own.
 */
import { ERRORS, type ErrorName, errorName } from "../../protocol/errors.js";

/** The client's own codes, and whether the same call may succeed later. */
export const OWN_CODES = {
  /** An argument is not what the method takes, or throws when it is looked at (`cause`); nothing was sent. */
  BAD_ARGUMENT: false,
  /** No connection could be made. The text names the address and why, `cause` is the system's error. */
  CONNECT_FAILED: true,
  /** The program's own signal ended an attempt to connect, or a request: `cause` is the signal's reason. */
  ABORTED: false,
  /** The connection ended before the answer came: whether the request was carried out is not known. */
  CONNECTION_CLOSED: true,
  /** A publish was not confirmed within `publishTimeout`. The text tells whether it was sent: then its fate is not known. */
  PUBLISH_TIMEOUT: true,
  /** A request had no answer within `requestTimeout`. The text tells whether it was sent. */
  ANSWER_TIMEOUT: true,
  /** `maxPendingBytes` are on their way already; wait for `client.ready()`. */
  CLIENT_BUSY: true,
  /** The handler of a worker has had its `timeout`. */
  HANDLER_TIMEOUT: false,
  /** The client is draining or closed by its own program. */
  CLIENT_CLOSED: false,
  /** A value is not what the schema or the codec of its topic takes: `cause` tells more. */
  INVALID_MESSAGE: false,
  /** An error code that this version does not know; the text is the broker's. */
  UNKNOWN_ERROR: false,
} as const;

export type ClientErrorName = keyof typeof OWN_CODES;
export type RingmqErrorCode = ErrorName | ClientErrorName;

/** Every error that a client's promises reject with. */
export class RingmqError extends Error {
  override readonly name = "RingmqError";

  constructor(
    readonly code: RingmqErrorCode,
    text: string,
    /** The same call may succeed later. */
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(text, options);
  }
}

const isOwn = (code: RingmqErrorCode): code is ClientErrorName => Object.hasOwn(OWN_CODES, code);

/** An error that the client itself detects. */
export const localError = (code: RingmqErrorCode, text: string, cause?: unknown): RingmqError =>
  new RingmqError(
    code,
    text,
    isOwn(code) ? OWN_CODES[code] : ERRORS[code].retryable,
    cause === undefined ? undefined : { cause },
  );

/** An error that the broker sent, by its number. */
export const brokerError = (code: number, text: string, retryable?: boolean): RingmqError => {
  const name = errorName(code);
  if (name === undefined) return new RingmqError("UNKNOWN_ERROR", `${text} (code ${code})`, retryable ?? false);
  return new RingmqError(name, text, retryable ?? ERRORS[name].retryable);
};
