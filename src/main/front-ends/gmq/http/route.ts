/**
 * A route that takes its parameters from the query string. Every method but HEAD reaches it; what a promise rejects
 * with is the request's.
 */
import { MAX_NAME_BYTES } from "../../../../protocol/limits.js";
import type { HttpExchange } from "../../../ports/http/exchange.js";
import { formField } from "./form.js";

export type Route = (exchange: HttpExchange, query: string) => void | Promise<void>;

/** A parameter that cannot be taken; its text says why. */
export class ParameterError extends Error {
  override readonly name = "ParameterError";
}

/**
 * A parameter; one that is missing is empty, as in gmq.
 *
 * @throws ParameterError for one that is longer than any name: longer in characters is longer in bytes, and the broker
 * tells the rest.
 */
export const parameter = (query: string, name: string): string => {
  const value = formField(query, name) ?? "";
  if (value.length > MAX_NAME_BYTES) throw new ParameterError(`${name} is longer than ${MAX_NAME_BYTES} bytes`);
  return value;
};
