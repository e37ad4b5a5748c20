/** Who carries the client of a session: a TCP socket, or the HTTP port. */
export interface SessionClient {
  /** False when the client cannot be kept from sending. */
  readonly canPause: boolean;
  /** Bytes that were written to the client and have not left the process. */
  unsentBytes(): number;
  pause(): void;
  resume(): void;
  /** Answers have come, and the session is not blocked. */
  proceed(): void;
  /** Sends what was written, then closes; does not wait for ever. The session is told that it is `closed`. */
  end(): void;
  /** Closes at once. The session is told that it is `closed`. */
  destroy(): void;
  /** Once a second; `now` is of a clock that does not step. */
  sweep(now: number): void;
}
