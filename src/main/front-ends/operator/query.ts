/** What stands behind the `?` of a path for operators. */

/** A parameter that cannot be taken; its text says why. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

export type Query = URLSearchParams;

export const queryOf = (text: string): Query => new URLSearchParams(text);

/** A whole number; undefined: it is not there. Throws QueryError. */
export const countOf = (query: Query, name: string): number | undefined => {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new QueryError(`${name} must be a whole number`);
  return Number(text);
};
