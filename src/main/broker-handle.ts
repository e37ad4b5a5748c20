/** What a program has of a broker that runs in it. */
import type { EventEmitter } from "node:events";
import type { BrokerEvents } from "./events.js";
import type { Address, BrokerOptions } from "./options.js";

/** Where a broker listens; undefined for what is off. */
export interface Addresses {
  readonly tcp: Address | undefined;
  readonly http: Address | undefined;
  readonly grpc: Address | undefined;
  /** That of `metricsAddress`. */
  readonly metrics: Address | undefined;
}

/** What can be changed while a broker runs: see `BrokerOptions`. */
export type ReloadOptions = Partial<Pick<BrokerOptions, "users">>;

/** A broker that runs. */
export interface Broker extends EventEmitter<BrokerEvents> {
  /** Where it listens; undefined for what is off. */
  readonly addresses: Addresses;
  readonly options: BrokerOptions;
  /**
   * Reads the files of `tcpTls`, `httpTls` and `grpcTls` again. Connections that come from now on get what is in them;
   * those that are there stay. One that the broker has made is made anew if that is due, or if the machine has other names; the log says
   * so.
   *
   * @throws CertificateError when one of the files cannot be used; then all certificates stay as they are
   */
  reloadCertificates(): void;
  /**
   * Changes what can be changed while the broker runs. `users` take the place of those that there were, at once: connections end
   * whose token is gone, or whose user may do less than before; others go on, with what they may now.
   *
   * @throws RangeError for an option that is none of these, or not what it may be; then nothing changes. A broker that has users
   * cannot be left without any: it would be open to everybody.
   */
  reload(options: ReloadOptions): void;
  /**
   * Stops: takes no more connections, tells those that are there to go, finishes what has been received, ends. Takes
   * at most about `closeTimeout`. Calling it again gives the same promise.
   *
   * @throws CloseError when a shard had to be cut off, could not end its journal, or was down already; all is released in spite of that.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
