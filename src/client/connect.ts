/**
 * Connects a client to a broker.
 */
import { MAX_IN_FLIGHT } from "../protocol/limits.js";
import { readConnect } from "./arguments/connect-checks.js";
import type { ConnectOptions } from "./arguments/options.js";
import type { Clock } from "./base/clock.js";
import { Client } from "./client.js";
import { openConnection } from "./connection/open.js";
import type { PendingBytes } from "./connection/pending-bytes.js";
import type { OpenTransport } from "./connection/transport.js";
import type { Numbering } from "./publish/numbering.js";

const CONNECT_TIMEOUT = 10_000;
export const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/**
 * Connects to a broker: `tcp://host:port` or `tls://host:port` (port 9503 unless told), `ws://host:port/mq` or
 * `wss://host:port/mq`. Rejects with CONNECT_FAILED,
 * with the code for which the broker refuses the connection, with ABORTED by `signal`, or with BAD_ARGUMENT.
 */
export const connect = async (url: string, options: ConnectOptions = {}): Promise<Client> =>
  openClient(url, readConnect(options));

/** What a test broker has of its own, and a client of several nodes. */
export interface ClientSeams {
  readonly open?: OpenTransport;
  readonly clock?: Clock;
  /** Messages to topics are numbered. */
  readonly numbering?: Numbering;
}

/**
 * As `connect`, with options that have been read. `sharedBytes` counts what is on its way on several connections.
 *
 * @internal
 */
export const openClient = async (
  url: string,
  options: ConnectOptions,
  sharedBytes?: PendingBytes,
  { open, clock, numbering }: ClientSeams = {},
): Promise<Client> => {
  const {
    name,
    signal,
    connectTimeout = CONNECT_TIMEOUT,
    tls,
    maxInFlight = MAX_IN_FLIGHT,
    maxPendingBytes = MAX_PENDING_BYTES,
  } = options;
  const limits = { maxInFlight, maxPendingBytes, sharedBytes };
  const connection = await openConnection(url, { name, signal, connectTimeout, tls, ...limits }, open, clock);
  return new Client(connection, numbering);
};
