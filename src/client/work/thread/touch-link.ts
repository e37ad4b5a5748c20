/** The lease thread's connection to a broker: opened for the first renewal, and closed when none was asked for a while. */
import { MAX_IN_FLIGHT } from "../../../protocol/limits.js";
import { backoff } from "../../base/backoff.js";
import { unobserved } from "../../base/deferred.js";
import { localError } from "../../base/error.js";
import { startTimer } from "../../base/timer.js";
import type { Connection } from "../../connection/connection.js";
import { openConnection } from "../../connection/open.js";
import type { BrokerTarget } from "../../connection/target.js";
import type { SelectionList } from "../../consume/selection-list.js";
import type { Settlement } from "../../consume/settle-result.js";
import { touchAll } from "../../consume/settler.js";

/** Between attempts to connect. Milliseconds. */
const FIRST_WAIT = 50;
const MAX_WAIT = 1000;

/** Without a renewal for so long the connection is closed: handlers are quick again. Milliseconds. */
const IDLE = 60_000;

/** An answer that takes longer than this share of a TTR will not come: the next attempt is on another connection. */
const PATIENCE = 1 / 2;

/** What an attempt to connect has at least, however short the TTR: the next one is no quicker. Milliseconds. */
const MIN_PATIENCE = 3000;

export class TouchLink {
  /** Lines that renew by it. */
  lines = 0;
  readonly #target: BrokerTarget;
  #connection: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  #attempt = 0;
  #notBefore = 0;
  #used = 0;

  constructor(target: BrokerTarget) {
    this.#target = target;
  }

  async touch(
    topic: string,
    queue: string | undefined,
    ttr: number,
    selections: SelectionList,
    now: number,
  ): Promise<Settlement> {
    this.#used = now;
    const connection = this.#connection ?? (await this.#open(now, ttr * PATIENCE));
    const timer = startTimer(ttr * PATIENCE, () => this.#drop(connection));
    try {
      const settlement = await touchAll(connection, topic, queue, ttr, selections);
      this.#attempt = 0;
      return settlement;
    } finally {
      timer.cancel();
    }
  }

  /** Closes the connection if it was not needed for long. */
  rest(now: number): void {
    if (this.#connection !== undefined && now - this.#used > IDLE) this.#drop(this.#connection);
  }

  /** When it has no lines any more. */
  close(): void {
    if (this.#connection !== undefined) this.#drop(this.#connection);
  }

  async #open(now: number, patience: number): Promise<Connection> {
    if (this.#opening === undefined) {
      if (now < this.#notBefore) throw localError("CONNECTION_CLOSED", "the lease thread connects again in a moment");
      this.#notBefore = now + backoff(this.#attempt++, FIRST_WAIT, MAX_WAIT);
      const { url, name, token, connectTimeout, tls } = this.#target;
      this.#opening = openConnection(url, {
        name,
        token,
        signal: undefined,
        connectTimeout: Math.min(connectTimeout, Math.max(patience, MIN_PATIENCE)),
        tls,
        maxInFlight: MAX_IN_FLIGHT,
        maxPendingBytes: Number.POSITIVE_INFINITY,
      });
      this.#opening.then(
        (connection) => this.#opened(connection),
        () => {
          this.#opening = undefined;
        },
      );
    }
    return this.#opening;
  }

  #opened(connection: Connection): void {
    this.#opening = undefined;
    this.#connection = connection;
    unobserved(
      connection.closed.then(() => {
        if (this.#connection === connection) this.#connection = undefined;
      }),
    );
    if (this.lines === 0) this.#drop(connection);
  }

  #drop(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
    unobserved(connection.close());
  }
}
