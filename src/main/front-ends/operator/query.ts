/** What stands behind the `?` of a path for operators. */

import { parseId } from "../../../protocol/id.js";

/** A parameter that cannot be taken; its text says why. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

export type Query = URLSearchParams;

export const queryOf = (text: string): Query => new URLSearchParams(text);

/** A name that there must be. Throws QueryError. */
export const nameOf = (query: Query, name: string): string => {
  const value = query.get(name);
  if (value === null || value === "") throw new QueryError(`${name} is missing`);
  return value;
};

/** The id of a message, as its two words. Throws QueryError. */
export const idOf = (query: Query, name: string): { readonly high: number; readonly low: number } => {
  const id = parseId(query.get(name) ?? "");
  if (id === undefined) throw new QueryError(`${name} must be the id of a message`);
  return id;
};

/** A whole number; undefined: it is not there. Throws QueryError. */
export const countOf = (query: Query, name: string): number | undefined => {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new QueryError(`${name} must be a whole number`);
  return Number(text);
};

/** A whole number that there must be. Throws QueryError. */
export const numberOf = (query: Query, name: string): number => {
  const number = countOf(query, name);
  if (number === undefined) throw new QueryError(`${name} is missing`);
  return number;
};

/** True or false; undefined: it is not there. Throws QueryError. */
export const flagOf = (query: Query, name: string): boolean | undefined => {
  const text = query.get(name);
  if (text === null) return undefined;
  if (text !== "true" && text !== "false") throw new QueryError(`${name} must be true or false`);
  return text === "true";
};
