/**
 * What connecting takes. Throws BAD_ARGUMENT for an option that is not that.
 */
import { badArgument, checkKey, checkTimeout, readFrom } from "./argument-checks.js";
import { OPTIONS, readOptions } from "./option-reader.js";
import type { ConnectOptions } from "./options.js";

/** A HELLO must have room for the rest of its head. */
const MAX_CLIENT_NAME_BYTES = 65_000;

/** A whole number from 1 on or Infinity, or undefined: the broker's own limit is what counts above that. */
const checkBound = (what: string, value: unknown): void => {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return;
  throw badArgument(what, value, "a whole number from 1 on, or Infinity");
};

/** What is used of an AbortSignal; it may be another realm's. */
const isSignal = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;

export const readConnect = (options: ConnectOptions): ConnectOptions => {
  const read = readOptions(options, OPTIONS.connect);
  const { name, signal, connectTimeout, maxInFlight, maxPendingBytes } = read;
  checkKey("name", name, MAX_CLIENT_NAME_BYTES);
  if (signal !== undefined && !readFrom("signal", () => isSignal(signal))) {
    throw badArgument("signal", signal, "an AbortSignal");
  }
  checkTimeout("connectTimeout", connectTimeout);
  checkBound("maxInFlight", maxInFlight);
  checkBound("maxPendingBytes", maxPendingBytes);
  return read;
};
