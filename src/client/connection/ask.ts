/**
 * A request and its answer.
 */
import type { Connection } from "./connection.js";
import type { PromisedRequest } from "./pending-request.js";
import { requestHead } from "./request-head.js";

/** Sends a request. Rejects with BAD_ARGUMENT for a head that cannot be sent, or as `Connection.request` throws. */
export const ask = async <T>(
  connection: Connection,
  op: number,
  head: readonly unknown[],
  pending: PromisedRequest<T>,
  flags = 0,
  payload?: Uint8Array,
): Promise<T> => {
  connection.request(op, requestHead(head), pending, flags, payload);
  return pending.promise;
};

/** As `ask`, for a request that changes nothing: it is made again when its connection is lost. */
export const look = <T>(
  connection: Connection,
  op: number,
  head: readonly unknown[],
  pending: PromisedRequest<T>,
  flags = 0,
  payload?: Uint8Array,
): Promise<T> => {
  pending.isRepeatable = true;
  return ask(connection, op, head, pending, flags, payload);
};
