/**
 * Opens a client that is of one connection.
 */
import type { ReadConnection } from "./arguments/connect-checks.js";
import { Client } from "./client.js";
import type { ClientSeams } from "./connect.js";
import { Connection } from "./connection/connection.js";
import { reachBroker } from "./connection/open.js";
import type { PendingBytes } from "./connection/pending-bytes.js";
import type { Accept } from "./connection/transport-listener.js";
import { tracingOf } from "./tracing/tracing-of.js";

/**
 * A client of one connection: it is closed when that ends. `sharedBytes` counts what is on its way on several connections.
 *
 * @internal
 */
export const openClient = async (
  url: string,
  options: ReadConnection,
  sharedBytes?: PendingBytes,
  { open, clock, numbering }: ClientSeams = {},
): Promise<Client> => {
  const tracing = await tracingOf(options.trace);
  const limits = { ...options, sharedBytes };
  const accept: Accept = (transport, info) => new Connection(transport, info, limits, clock);
  return new Client(await reachBroker(url, options, accept, open), { url, numbering, tracing });
};
