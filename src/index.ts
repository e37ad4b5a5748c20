/** The package `ringmq`: a broker inside another program. */

// `await using` and Symbol.asyncDispose, for programs whose own settings do not know them.
/// <reference lib="esnext.disposable" preserve="true" />

import { startBroker as start } from "./main/broker.js";
import type { Broker } from "./main/broker-handle.js";
import type { BrokerOptions } from "./main/options.js";

export type { Addresses, Broker } from "./main/broker-handle.js";
export { CertificateError } from "./main/certificate-error.js";
export { CloseError } from "./main/close-error.js";
export type { BrokerEvents } from "./main/events.js";
export { ListenError } from "./main/listen-error.js";
export type { Log } from "./main/log.js";
export type { Address, BrokerOptions, Tls, TlsFiles } from "./main/options.js";
export type { PhaseFigures, StartPhase, StartProgress } from "./main/progress.js";
export { StartError } from "./main/shards/start-error.js";
export type {
  PermissionName,
  PermissionOptions,
  TokenOptions,
  UserLimitOptions,
  UserOptions,
} from "./main/user-options.js";

/**
 * Starts a broker in this process: its main thread is the caller's, its shards are worker threads. `close()` ends it.
 *
 * @throws RangeError for an option out of its range; CertificateError, which is one, for a file that TLS needs; StartError when
 * the data directory or a journal in it cannot be used, or the process may have too few files open; ListenError when an address
 * cannot be had.
 */
export const startBroker = (options: Partial<BrokerOptions> = {}): Promise<Broker> => start(options);
