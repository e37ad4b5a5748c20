/**
 * Sessions of HTTP clients. A request says from which address it comes and which user's it is, so sessions are kept by both: one
 * that all short requests of a user at an address share, so that those of a turn travel together; and of those that hold something
 * or may take long (a pop, a list) each has one to itself, which is used again by the next.
 */
import type { User } from "../../access/user.js";
import type { Session } from "../../native/session.js";
import type { SessionClient } from "../../native/session-client.js";
import type { SessionKind } from "../../native/sessions.js";
import { SocketlessClient } from "../../native/socketless-client.js";
import type { Caller } from "./caller.js";

/** Unanswered requests of an address that share a session: several for each of as many sockets as there may be. */
const MAX_SHARED_IN_FLIGHT = 65_536;

/** Of a session that one exchange has to itself; some ask for several pages at once. */
const MAX_IN_FLIGHT = 1_024;

/** A session is closed after this many sweeps without use. */
const IDLE_SWEEPS = 10;

/**
 * Addresses past which idle sessions are closed at once: a client with a network of IPv6 can come from another one with
 * each request. Twice as many as have something under way may be there.
 */
const MAX_ADDRESSES = 4_096;

/** Unsent answers are counted by the HTTP port. */
class HttpSession extends SocketlessClient {
  readonly session: Session;
  readonly #onClosed: (session: HttpSession) => void;
  /** Sweeps since it was used. */
  idle = 0;
  #isGone = false;

  constructor(
    readonly address: AddressSessions,
    open: (client: SessionClient) => Session,
    onClosed: (session: HttpSession) => void,
  ) {
    super();
    this.#onClosed = onClosed;
    this.session = open(this);
  }

  override destroy(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.session.closed();
    this.#onClosed(this);
  }
}

/** Of one address, and one user where there are some. */
interface AddressSessions {
  readonly key: string;
  readonly address: string;
  readonly user: User | undefined;
  shared: HttpSession | undefined;
  /** A stack: the last one used is used next. */
  readonly free: HttpSession[];
  /** All of them. */
  count: number;
}

/** A session that an exchange has to itself, until it says what becomes of it. */
export interface Lease {
  readonly session: Session;
  /** All that was asked for has been answered. */
  give(): void;
  /** The client has gone: what it waits for is cancelled, and what comes late is given back. */
  drop(): void;
}

export class HttpSessions {
  readonly #open: (kind: SessionKind, client: SessionClient) => Session;
  readonly #addresses = new Map<string, AddressSessions>();
  /** Nearly every request comes from the address of the one before it. */
  #last: AddressSessions | undefined;
  /** How many addresses there are when idle sessions are closed next. */
  #closeIdleAt = MAX_ADDRESSES;

  constructor(open: (kind: SessionKind, client: SessionClient) => Session) {
    this.#open = open;
  }

  /** Sessions of all addresses. */
  get size(): number {
    let size = 0;
    for (const { count } of this.#addresses.values()) size += count;
    return size;
  }

  /** The session that short requests of a caller share: they hold nothing, and nobody has to cancel them. */
  shared(caller: Caller): Session {
    const sessions = this.#sessionsOf(caller);
    sessions.shared ??= this.#add(sessions, MAX_SHARED_IN_FLIGHT);
    sessions.shared.idle = 0;
    return sessions.shared.session;
  }

  /** A session that nobody else uses before it is given back or dropped. */
  lease(caller: Caller): Lease {
    const sessions = this.#sessionsOf(caller);
    const leased = sessions.free.pop() ?? this.#add(sessions, MAX_IN_FLIGHT);
    let isLeased = true;
    const end = (how: () => void): void => {
      if (isLeased) how();
      isLeased = false;
    };
    return {
      session: leased.session,
      give: () =>
        end(() => {
          leased.idle = 0;
          if (leased.session.isOpen) sessions.free.push(leased);
        }),
      drop: () => end(() => leased.destroy()),
    };
  }

  /** Once a second: closes sessions that have not been used for a while. */
  sweep(): void {
    this.#closeIdle(IDLE_SWEEPS);
  }

  /** Counts a sweep for each session that nothing uses, and closes those that have had so many before. */
  #closeIdle(sweeps: number): void {
    for (const { shared, free } of [...this.#addresses.values()]) {
      if (shared !== undefined && shared.session.inFlight === 0 && shared.idle++ >= sweeps) shared.destroy();
      for (const session of [...free]) if (session.idle++ >= sweeps) session.destroy();
    }
  }

  #sessionsOf({ address, credential }: Caller): AddressSessions {
    const user = credential?.user;
    if (this.#last?.address === address && this.#last.user === user && this.#last.count > 0) return this.#last;
    const key = user === undefined ? address : `${address} ${user.name}`;
    const known = this.#addresses.get(key);
    this.#last = known;
    if (known !== undefined) return known;
    if (this.#addresses.size >= this.#closeIdleAt) {
      this.#closeIdle(0);
      this.#closeIdleAt = Math.max(MAX_ADDRESSES, 2 * this.#addresses.size);
    }
    const sessions: AddressSessions = { key, address, user, shared: undefined, free: [], count: 0 };
    this.#addresses.set(key, sessions);
    return sessions;
  }

  #add(sessions: AddressSessions, maxInFlight: number): HttpSession {
    const identity = { protocol: "http", address: sessions.address, credential: sessions.user?.shared };
    sessions.count++;
    return new HttpSession(
      sessions,
      (client) => this.#open({ identity, inOrder: false, maxInFlight }, client),
      (closed) => this.#forget(closed),
    );
  }

  #forget(closed: HttpSession): void {
    const { address: sessions } = closed;
    if (sessions.shared === closed) sessions.shared = undefined;
    const at = sessions.free.indexOf(closed);
    if (at >= 0) sessions.free.splice(at, 1);
    sessions.count--;
    if (sessions.count === 0) this.#addresses.delete(sessions.key);
  }
}
