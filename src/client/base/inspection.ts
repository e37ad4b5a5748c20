/**
 * How the client's objects look in `console.log`.
 */
/** Node's `util.inspect.custom`, without an import that browsers lack. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** `util.inspect`, which Node passes to the inspected object. */
export type Inspect = (value: unknown, options?: unknown) => string;

/** `Name { … }` with the properties of `shown`. */
export const inspected = (name: string, shown: object, options: unknown, inspect: Inspect): string =>
  `${name} ${inspect(shown, options)}`;
