/**
 * A route that takes its parameters from the query string. Every method but HEAD reaches it; what a promise rejects
 * with is the request's.
 */
import type { Exchange } from "./exchange.js";
import { formField } from "./form.js";

export type Route = (exchange: Exchange, query: string) => void | Promise<void>;

/** A parameter; one that is missing is empty, as in gmq. */
export const parameter = (query: string, name: string): string => formField(query, name) ?? "";
