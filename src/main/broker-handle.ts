/** What a program has of a broker that runs in it. */
import type { EventEmitter } from "node:events";
import type { BrokerEvents } from "./events.js";
import type { Address, BrokerOptions } from "./options.js";
import type { ReloadOptions } from "./reloading.js";

/** Where a broker listens; undefined for what is off. */
export interface Addresses {
  readonly tcp: Address | undefined;
  readonly http: Address | undefined;
  readonly grpc: Address | undefined;
  /** That of `metricsAddress`. */
  readonly metrics: Address | undefined;
}

/** A broker that runs. */
export interface Broker extends EventEmitter<BrokerEvents> {
  /** Where it listens; undefined for what is off. */
  readonly addresses: Addresses;
  /** With those that `reload` has changed. */
  readonly options: BrokerOptions;
  /**
   * Changes options while the broker runs, those that can, and reads the files of `tcpTls`, `httpTls` and `grpcTls` again. Connections
   * that come from now on get what is in them; those that are there stay. A certificate that the broker has made is made anew if
   * that is due, or if the machine has other names; the log says so. Without options it is about the certificates alone.
   *
   * `users` take the place of those that there were, at once: connections end whose token is gone, or whose user may do less than before;
   * others go on, with what they may now. A broker that has users cannot be left without any: it would be open to everybody.
   *
   * @throws RangeError for an option that cannot change or is out of its range; CertificateError, which is one, when a file cannot be
   * used. Then nothing changes.
   */
  reload(options?: ReloadOptions): void;
  /**
   * Stops: takes no more connections, tells those that are there to go, finishes what has been received, ends. Takes
   * at most about `closeTimeout`. Calling it again gives the same promise.
   *
   * @throws CloseError when a shard had to be cut off, could not end its journal, or was down already; all is released in spite of that.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
