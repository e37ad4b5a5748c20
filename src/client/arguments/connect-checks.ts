/**
 * Checks of the options of `connect`.
 */
import { badArgument, checkKey, checkTimeout, readFrom } from "./argument-checks.js";
import { OPTIONS, readOptions } from "./option-reader.js";
import type { ConnectOptions } from "./options.js";

/** A head has 65,535 bytes, and HELLO needs some for its other elements. */
const MAX_CLIENT_NAME_BYTES = 65_000;

/** A whole number from 1 on, Infinity, or undefined. Above the broker's own limit it has no effect. */
const checkBound = (what: string, value: unknown): void => {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return;
  throw badArgument(what, value, "a whole number from 1 on, or Infinity");
};

/** Not `instanceof`: the signal may come from another realm. */
const isSignal = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;

/** Reads and checks the options. Throws BAD_ARGUMENT. */
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
