/**
 * What makes the transports of a connection again.
 */
import type { Connection } from "./connection.js";
import { Reconnector, type ReconnectorOptions } from "./reconnector.js";
import type { Revival } from "./revival.js";

/** Watches over the connection from now on. */
export const revivalOf = (connection: Connection, options: ReconnectorOptions): Revival =>
  new Reconnector(connection, options);
