/**
 * What a handler throws to have its message given up.
 */

/**
 * Thrown by a handler whose message would fail again and again: it is a dead letter at once. So it is after any other error
 * whose property `retry` is false.
 */
export class UnrecoverableError extends Error {
  override readonly name = "UnrecoverableError";
  readonly retry = false;
}
