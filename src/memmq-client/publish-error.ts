/**
 * A publish that not all servers of its topic have taken.
 */
import { RingmqError } from "../client/base/error.js";

export interface ServerFailure {
  readonly server: string;
  readonly error: RingmqError;
}

/** Its code is that of the first failure. With several servers it may be that some have taken the message. */
export class PublishError extends RingmqError {
  /** Those that have the message. */
  readonly taken: readonly string[];
  readonly failures: readonly ServerFailure[];

  constructor(taken: readonly string[], failures: readonly [ServerFailure, ...ServerFailure[]]) {
    const [{ error: first }] = failures;
    const all = taken.length + failures.length;
    const text = all === 1 ? first.message : `${taken.length} of ${all} servers have taken it: ${first.message}`;
    super(
      first.code,
      text,
      failures.every(({ error }) => error.retryable),
      { cause: first },
    );
    this.taken = taken;
    this.failures = failures;
  }
}
