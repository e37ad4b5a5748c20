/** What a session needs of its client's carrier: a TCP socket, or the HTTP port. */
export interface SessionClient {
  /** False when reading from the client cannot be paused. */
  readonly canPause: boolean;
  /** Bytes that were written to the client and have not left the process. */
  unsentBytes(): number;
  pause(): void;
  resume(): void;
  /** Answers have come, and the session is not blocked or has begun to wait: carry on as far as it lets you. */
  proceed(): void;
  /** All that has come for the client at once has been handled: what was written of it can leave together. */
  flush?(): void;
  /** The broker closes the session, for this reason. */
  blame?(text: string): void;
  /** Sends what was written, for a limited time, then closes. Afterwards `closed` of the session is called. */
  end(): void;
  /** Closes at once. Afterwards `closed` of the session is called. */
  destroy(): void;
  /** Once a second; `now` is of a clock that does not step. */
  sweep(now: number): void;
}
