/**
 * Resolvers: what the names of servers stand for.
 */
import { parseServer, type Server, serverOf } from "./server.js";

/** Looks names up, one at a time. */
export interface Resolver {
  /** The servers of one name, at least one. Rejects when they cannot be found out now. */
  resolve(name: string, signal: AbortSignal): Promise<readonly Server[]>;
  /** Milliseconds after which names are looked up again; Infinity: they always stand for the same. */
  readonly refreshInterval: number;
}

/** Names are addresses. */
export const addressResolver: Resolver = {
  resolve: (name) => Promise.resolve([serverOf(parseServer(name))]),
  refreshInterval: Number.POSITIVE_INFINITY,
};
