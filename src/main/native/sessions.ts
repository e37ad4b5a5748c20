/** The sessions there are: opened under the limits of connections, and swept once a second. */
import type { Log } from "../log.js";
import { contain } from "./error-boundary.js";
import { Session, type SessionOwner } from "./session.js";
import type { SessionClient } from "./session-client.js";
import type { Identity, OpenConnection } from "./session-options.js";
import { SessionTurns } from "./session-turns.js";

/** What is to be said of a new session. */
export interface SessionKind {
  readonly identity: Identity;
  /** Answers come in the order of requests. */
  readonly inOrder: boolean;
  /** Requests that it may have unanswered. */
  readonly maxInFlight: number;
  /** It is the broker's own, which may do anything. */
  readonly isTrusted?: boolean;
}

/** What a port needs of the broker to let the clients of a front end in. */
export interface SessionHost {
  /** A new session; it counts among the connections. */
  openSession(kind: SessionKind, client: SessionClient): Session;
}

export class Sessions implements SessionOwner {
  readonly #maxFrameBytes: number;
  readonly #log: Log;
  readonly #turns: SessionTurns;
  readonly #sessions = new Set<Session>();

  constructor(maxFrameBytes: number, log: Log) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#log = log;
    this.#turns = new SessionTurns(log);
  }

  /** Sessions that are open. */
  get size(): number {
    return this.#sessions.size;
  }

  open(kind: SessionKind, client: SessionClient, openConnection: OpenConnection): Session {
    const session = new Session(
      { ...kind, client, maxFrameBytes: this.#maxFrameBytes, log: this.#log, now: performance.now() },
      this.#turns,
      openConnection,
      this,
    );
    this.#sessions.add(session);
    return session;
  }

  /** A session is over. */
  closed(session: Session): void {
    this.#sessions.delete(session);
  }

  /** Once a second; `now` is of a clock that does not step. */
  sweep(now: number): void {
    for (const session of [...this.#sessions]) {
      try {
        session.sweep(now);
      } catch (error) {
        contain(this.#log, `the session of ${session.peer}`, error, () => session.destroy());
      }
    }
  }
}
